"""Document 001's `tasks.json`, read and written: its field names for ours; what it has no word for is said, not dropped."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.errors import N_, Problem
from scheduler.tasks import wording
from scheduler.tasks.models import Task
from scheduler.tasks.transfer.decoding import Decoded, refuse
from scheduler.tasks.transfer.native import Values, listed
from scheduler.tasks.transfer.source import Entry, Source, located
from scheduler.validation import shorten

PLAIN = {
    "task_name": "name",
    "task_desc": "description",
    "task_timeout": "timeout_seconds",
    "task_retry": "retry_count",
    "task_retry_interval": "retry_delay_seconds",
    "task_enabled": "is_active",
}
KEPT = ("task_log", "task_notify")  # the name of a log means nothing here, and rules are the notifier's: both stay with the task
REQUIRED = ("task_id", "task_name", "task_exec", "task_schedule")
FIELDS = {*PLAIN, *KEPT, *REQUIRED, "task_env", "task_dependencies"}
LEFT_OUT = "left_out"


def read(decoded: Decoded) -> Source:
    """The tasks of the file: a list, `{"tasks": [...]}`, or a map from `task_id` to task."""
    value, section = decoded.value, ""
    if isinstance(value, dict) and isinstance(value.get("tasks"), list):
        value, section = value["tasks"], "tasks"
    elif isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
        value = [{"task_id": key, **one} for key, one in value.items()]
    if not isinstance(value, list):
        refuse(N_("This is no tasks.json: a list of tasks is expected."), 1)
    source = Source("tasks.json")
    for entry in listed(value, section, decoded.lines.get(section, []), source.problems):
        entry.whole = False
        given = entry.values
        entry.values = {"key": given.get("task_id")}  # so that what is wrong with it says of what
        for problem in _refused(given):
            source.problems.append(located(entry, problem))
        if not _refused(given):
            entry.values = _values(given, entry)
            source.entries.append(entry)
    return source


def written(tasks: Sequence[tuple[Task, Values]]) -> Values:
    """The file of those tasks; each given with its values in our own format."""
    found: list[Values] = []
    left: dict[str, str] = {}
    for task, values in tasks:
        schedule = _schedule(task)
        if task.kind != "program" or schedule is None:
            left[task.key] = "not a program" if task.kind != "program" else "a schedule that is not one cron expression"
            continue
        found.append(_task(task, values, schedule))
        told = sorted(name for name in values if name not in SAID)
        if told:
            left[task.key] = f"fields: {', '.join(told)}"
    return {"tasks": found} | ({LEFT_OUT: left} if left else {})


SAID = {
    "key", "name", "description", "type", "path", "args", "schedule_type", "schedule_config", "timezone", "is_active", "env",
    "timeout_seconds", "kill_grace_seconds", "retry_count", "retry_delay_seconds", "depends_on", "metadata", "group",
}  # fmt: skip


def key_of(task_id: Any) -> str:
    """Our key for a `task_id`, the same each time."""
    text = str(task_id)
    return text if wording.KEY.fullmatch(text) else wording.key_from(text)


def _refused(given: Mapping[str, Any]) -> list[Problem]:
    found = [Problem(name, N_("There is no such field.")) for name in sorted(given) if name not in FIELDS]
    found += [Problem(name, N_("This is required.")) for name in REQUIRED if given.get(name) in (None, "")]
    for name in REQUIRED:
        if isinstance(given.get(name), dict | list | bool):
            found.append(Problem(name, N_("This must be text.")))
    for name, kind, text in (
        ("task_env", dict, N_("This must be a map of names to values.")),
        ("task_dependencies", list, N_("This must be a list.")),
    ):
        if given.get(name) is not None and not isinstance(given[name], kind):
            found.append(Problem(name, text))
    return found


def _values(given: Mapping[str, Any], entry: Entry) -> Values:
    found = {ours: given[theirs] for theirs, ours in PLAIN.items() if given.get(theirs) is not None}
    key = key_of(given["task_id"])
    if key != str(given["task_id"]):
        text = N_("The task_id “%(value)s” becomes the key “%(key)s”.")
        entry.notes.append(Problem("task_id", text, {"value": shorten(given["task_id"]), "key": key}))
    path, args = _split(str(given["task_exec"]))
    schedule = str(given["task_schedule"]).strip()
    kept = {name: given[name] for name in KEPT if given.get(name)}
    for name in kept.keys() - {"task_notify"}:
        entry.notes.append(Problem(name, N_("Nothing here is like it: it is kept with the task and means nothing.")))
    notes = {**kept, **({"task_id": given["task_id"]} if key != given["task_id"] else {})}
    return {
        **found,
        "key": key,
        "type": "program",
        "path": path,
        **({"args": args} if args else {}),
        "schedule_type": "interval" if schedule.startswith("@every ") else "once" if schedule.startswith("@at ") else "cron",
        "schedule_config": schedule,
        "env": {str(name): _plain(value) for name, value in (given.get("task_env") or {}).items()},
        "depends_on": [key_of(one) for one in given.get("task_dependencies") or []],
        **({"metadata": notes} if notes else {}),
    }


def _split(command: str) -> tuple[str, list[str]]:
    """The program's path, and what stands behind it."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    return (words[0], words[1:]) if words else (command, [])


def _plain(value: Any) -> Any:
    """A variable's value as text, as JSON would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _schedule(task: Task) -> str | None:
    config = task.schedule_config
    if task.schedule_kind == "cron":
        return str(config["cron"])
    if task.schedule_kind == "interval":
        return f"@every {config['interval']}{str(config['unit'])[0]}"
    if task.schedule_kind == "daily" and len(config["times"]) == 1 and re.fullmatch(r"\d\d:\d\d", config["times"][0]):
        hour, minute = config["times"][0].split(":")
        return f"{int(minute)} {int(hour)} * * *"
    return f"@at {config['at']}" if task.schedule_kind == "once" else None


def _task(task: Task, values: Values, schedule: str) -> Values:
    notes = values.get("metadata", {})
    found = {
        "task_id": notes.get("task_id", task.key),
        "task_name": task.name,
        "task_desc": task.description,
        "task_exec": shlex.join([str(values["path"]), *values.get("args", [])]),
        "task_schedule": schedule,
        "task_timeout": values["timeout_seconds"],
        "task_retry": task.policy.get("retry_count", 0),
        "task_retry_interval": task.policy.get("retry_delay_seconds", 60),
        "task_enabled": task.enabled,
        "task_env": values.get("env", {}),
        "task_dependencies": values.get("depends_on", []),
    }
    return found | {name: notes[name] for name in KEPT if name in notes}
