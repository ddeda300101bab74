"""What notifications say where no template does, in the language of the installation; written without the pages' catalogue."""

from collections.abc import Mapping
from typing import Any

_ENGLISH: Mapping[str, str] = {
    "subject": "{{task_name}}: {{event}}",
    "body": (
        "Task: {{task_name}} ({{task_key}})\nEvent: {{event}}\nIn a row: {{threshold_count}}\n"
        "Began: {{execution_start_time}}\nEnded: {{execution_end_time}}\nSeconds: {{execution_duration}}\n"
        "Exit code: {{execution_exit_code}}\n{{execution_error}}\n{{execution_url}}\n\n"
        "Last lines of the log:\n{{execution_log_tail}}"
    ),
    "elsewhere": "The log is on the machine that performed it: %s.",
    "folded_subject": "%d notifications",
    "test": "This is a test: nothing has happened.",
    "success": "succeeded",
    "business_failure": "business failure",
    "technical_failure": "technical failure",
    "timeout": "timed out",
    "missed": "missed its time",
    "skipped": "was skipped",
    "lost": "was lost",
    "recovered": "works again",
}
_CHINESE: Mapping[str, str] = {
    "subject": "{{task_name}}：{{event}}",
    "body": (
        "任务：{{task_name}}（{{task_key}}）\n事件：{{event}}\n连续次数：{{threshold_count}}\n"
        "开始：{{execution_start_time}}\n结束：{{execution_end_time}}\n秒数：{{execution_duration}}\n"
        "退出码：{{execution_exit_code}}\n{{execution_error}}\n{{execution_url}}\n\n最后日志输出：\n{{execution_log_tail}}"
    ),
    "elsewhere": "日志在执行它的机器上：%s。",
    "folded_subject": "%d 条通知",
    "test": "这是一条测试通知：什么都没有发生。",
    "success": "执行成功",
    "business_failure": "业务失败",
    "technical_failure": "技术失败",
    "timeout": "执行超时",
    "missed": "错过执行",
    "skipped": "已跳过",
    "lost": "已失联",
    "recovered": "已恢复",
}


def say(language: str, name: str) -> str:
    """A text of this file."""
    return (_CHINESE if language == "zh" else _ENGLISH)[name]


def worded(language: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of templates with the event in words for people."""
    words = _CHINESE if language == "zh" else _ENGLISH
    return {**values, "event": words.get(str(values.get("event")), values.get("event", ""))}
