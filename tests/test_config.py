"""Settings: the documents' file, `${NAME}`, variables above the file, and every refusal by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scheduler import config
from scheduler.config import Settings
from scheduler.errors import ConfigError

DOCUMENTED = """\
scheduler:
  # 调度引擎配置
  engine:
    type: apscheduler  # apscheduler, celery
    timezone: Asia/Shanghai
    max_workers: 10

  # 任务执行配置
  execution:
    timeout: 3600  # 默认超时时间（秒）
    retry:
      enabled: true
      max_attempts: 3
      delay: 60  # 重试延迟（秒）
    concurrency:
      max_concurrent: 5

  # 执行历史配置
  history:
    retention_days: 30
    max_records: 10000

  # 通知配置
  notification:
    email:
      enabled: true
      smtp_host: smtp.example.com
      smtp_port: 587
      smtp_user: scheduler@example.com
      smtp_password: ${SMTP_PASSWORD}
    webhook:
      enabled: true
      default_url: https://...

  # 存储配置
  storage:
    type: database  # database, redis
    database:
      url: sqlite:///scheduler.db
"""
Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load("engine: {…}", SCHEDULER_…="…")`: the settings of that file and those variables."""

    def read(text: str = "", **environ: str) -> Settings:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        return config.load(tmp_path, environ)

    return read


def refusals(load: Load, text: str = "", **environ: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as refused:
        load(text, **environ)
    return {problem.field: str(problem) for problem in refused.value.problems}


def test_it_reads_the_documented_file_word_for_word(load: Load) -> None:
    settings = load(DOCUMENTED, SMTP_PASSWORD="hunter2")
    assert settings.engine.timezone == "Asia/Shanghai"
    assert settings.execution.concurrency.max_concurrent == 5
    assert settings.notification.email.smtp_password == "hunter2"
    assert settings.notification.webhook.default_url == "https://..."


def test_it_needs_no_file_at_all(tmp_path: Path) -> None:
    settings = config.load(tmp_path, {})
    assert (settings.engine.max_workers, settings.engine.min_interval_seconds, settings.execution.timeout) == (10, 60, 3600)
    assert settings.instance == tmp_path


@pytest.mark.parametrize("text", ["engine: {max_workers: 3}", "scheduler: {engine: {max_workers: 3}}"])
def test_it_takes_settings_with_or_without_the_word_scheduler(load: Load, text: str) -> None:
    assert load(text).engine.max_workers == 3


def test_it_refuses_a_section_given_inside_and_outside(load: Load) -> None:
    assert "engine" in refusals(load, "engine: {max_workers: 3}\nscheduler: {engine: {max_workers: 4}}")


def test_it_lets_variables_override_the_file(load: Load) -> None:
    settings = load("engine: {max_workers: 3}", SCHEDULER_ENGINE__MAX_WORKERS="7", SCHEDULER_EXECUTION__RETRY__DELAY="5")
    assert (settings.engine.max_workers, settings.execution.retry.delay) == (7, 5)


def test_it_reads_lists_from_variables_by_comma(load: Load) -> None:
    settings = load("", SCHEDULER_SECURITY__ALLOWED_KINDS="shell, python ,", SCHEDULER_SECURITY__OUTGOING_ALLOW="10.0.0.0/8,::1")
    assert settings.security.allowed_kinds == ("shell", "python")
    assert settings.security.outgoing_allow == ("10.0.0.0/8", "::1")


def test_it_leaves_the_variables_of_tasks_alone(load: Load) -> None:
    theirs = {"SCHEDULER_TASK_ID": "7", "SCHEDULER_WORKSPACE": "/x", "SCHEDULER_INSTANCE": "i", "SCHEDULER_ADMIN_PASSWORD": "p"}
    assert load("", **theirs) == load("")


def test_it_expands_names_anywhere_in_a_text(load: Load) -> None:
    settings = load("storage: {database: {url: 'postgresql://${WHO}:${PASS}@db/x'}}", WHO="me", PASS="a$b")
    assert settings.database_url == "postgresql+psycopg://me:a$b@db/x"


def test_it_names_the_setting_whose_variable_is_not_set(load: Load) -> None:
    found = refusals(load, DOCUMENTED)
    assert "SMTP_PASSWORD" in found["notification.email.smtp_password"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("engin: {}", "engin"),
        ("engine: {max_worker: 3}", "engine.max_worker"),
        ("execution: {retry: {tries: 3}}", "execution.retry.tries"),
        ("engine: {max_workers: true}", "engine.max_workers"),
        ("execution: {timeout: no}", "execution.timeout"),
        ("engine: {max_workers: many}", "engine.max_workers"),
        ("engine: {max_workers: 0}", "engine.max_workers"),
        ("engine: {max_workers: 1.5}", "engine.max_workers"),
        ("engine: 5", "engine"),
        ("engine: {type: cron}", "engine.type"),
        ("engine: {celery: {broker: localhost}}", "engine.celery.broker"),
        ("engine: {celery: {queue: ''}}", "engine.celery.queue"),
        ("engine: {timezone: Mars/Olympus}", "engine.timezone"),
        ("engine: {timezone: ../../etc/passwd}", "engine.timezone"),
        ("server: {port: 99999}", "server.port"),
        ("server: {host: 5}", "server.host"),
        ("history: {retention_days: [1]}", "history.retention_days"),
        ("security: {allowed_kinds: shell}", "security.allowed_kinds"),
        ("security: {command_deny: ['rm (']}", "security.command_deny"),
        ("security: {outgoing_allow: [everything]}", "security.outgoing_allow"),
        ("instance: /elsewhere", "instance"),
    ],
)
def test_it_refuses_by_name(load: Load, text: str, field: str) -> None:
    assert list(refusals(load, text)) == [field]


@pytest.mark.parametrize("text", ["- engine", "5", "engine: [", "scheduler: 5", "1: 2", "\x00", "on: {}"])
def test_it_refuses_what_holds_no_settings(load: Load, text: str) -> None:
    assert refusals(load, text)


def test_it_names_every_wrong_setting_at_once(load: Load) -> None:
    found = refusals(load, "engine: {max_workers: x, typo: 1}", SCHEDULER_SERVER__PORT="high", SCHEDULER_NO__SUCH="1")
    assert set(found) == {"engine.max_workers", "engine.typo", "server.port", "no"}


def test_it_puts_a_relative_database_below_the_instance(load: Load, tmp_path: Path) -> None:
    assert load().database_url == f"sqlite:///{tmp_path}/scheduler.db"


@pytest.mark.parametrize("given", ["postgres://h/d", "postgresql://h/d"])
def test_it_speaks_to_postgresql_by_psycopg(load: Load, given: str) -> None:
    assert load("", SCHEDULER_STORAGE__DATABASE__URL=given).database_url == "postgresql+psycopg://h/d"


def test_it_answers_the_settings_that_were_in_force(load: Load) -> None:
    before: Any = config.settings()
    assert config.use(load()) is before
    config.use(before)


def test_it_refuses_celery_where_it_is_not_installed(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load("engine: {type: celery}").handed_over
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    assert "requirements-celery.txt" in refusals(load, "engine: {type: celery}")["engine.type"]
    assert not load("").handed_over


def test_it_never_repeats_the_address_of_a_broker(load: Load) -> None:
    for url in ("//:hunter2@host", "redis://:hunter2/and@host"):
        assert "hunter2" not in refusals(load, f"engine: {{celery: {{broker: '{url}'}}}}")["engine.celery.broker"]
    assert "hunter2" not in repr(load("engine: {celery: {broker: 'redis://:hunter2@host/0'}}"))


def test_with_workers_each_keeps_to_its_own_limit_and_all_to_the_common_one(load: Load) -> None:
    assert load("engine: {max_workers: 3}").most_at_once == 3
    assert load("engine: {type: celery, max_workers: 3}").most_at_once == 10
