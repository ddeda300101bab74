"""One attempt as a pipeline: from a claimed run to the spec a supervisor needs; starts nothing."""

import logging
import os
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam, select

from scheduler import vault
from scheduler.columns import shared
from scheduler.config import settings
from scheduler.database import chunks, db, table
from scheduler.errors import N_, Invalid, SchedulerError
from scheduler.execution.protocol import Spec
from scheduler.kinds import Command, Kind, kinds, references
from scheduler.kinds import read as read_content
from scheduler.runs.folders import attempt_path, workspace_path
from scheduler.runs.lifecycle import Claimed
from scheduler.tasks import contents, drafts, identity, secrets
from scheduler.tasks.identity import Identity
from scheduler.tasks.models import Group, Task

_task, _group = table(Task).c, table(Group).c
_TASKS = (
    select(_task.id, _task.key, _task.name, _task.kind, shared(_task.content), shared(_task.params), shared(_task.env),
           _task.working_directory, shared(_task.policy), _task.timezone, _task.last_duration, _task.group_id,
           shared(_group.default_content), _group.name.label("group_name"))
    .join_from(table(Task), table(Group), _group.id == _task.group_id)
    .where(_task.id.in_(bindparam("tasks", expanding=True)))
)  # fmt: skip
LASTING = 5.0  # seconds the last run took
LONGEST_WHY = 200
MOST_FILLED = 256 * 1024  # characters of secrets in one attempt: a name is short, and can stand there a thousand times
_log = logging.getLogger("TaskExecutor")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def specs(claimed: Sequence[Claimed]) -> list[Spec | SchedulerError]:
    """For each claimed attempt its spec, or why its task's content cannot be performed: one that cannot holds up no other.

    Part of the transaction that claims: an edit in between would have another version performed than the attempt names.
    """
    tasks: dict[int, Row[Any]] = {}
    for ids in chunks(list({one.task_id for one in claimed})):
        tasks |= {task.id: task for task in db.session.connection().execute(_TASKS, {"tasks": ids})}
    return [_made(one, tasks[one.task_id]) for one in claimed]


def _made(one: Claimed, task: Row[Any]) -> Spec | SchedulerError:
    """The spec, or what is wrong; that no value of a secret comes out in words, whoever finds fault with it, is seen to here."""
    values: dict[str, str] = {}
    try:
        return _spec(one, task, values)
    except SchedulerError as error:
        return _silent(error, values)
    except Exception as error:  # a kind from elsewhere may raise anything
        _log.error("event=unprepared task=%s error=%s", one.task_id, type(error).__name__, exc_info=not values)
        return _silent(Invalid.because(N_("It could not be prepared: %(why)s"), why=str(error)), values)


def _silent(error: SchedulerError, values: Mapping[str, str]) -> SchedulerError:
    """The error with what fills its sentences freed from secrets, and kept short."""

    def told(value: Any) -> Any:
        return vault.hidden(value, values.values())[:LONGEST_WHY] if isinstance(value, str) else value

    problems = [replace(one, params={name: told(value) for name, value in one.params.items()}) for one in error.problems]
    return type(error)(problems)


def _spec(one: Claimed, task: Row[Any], values: dict[str, str]) -> Spec:
    """The spec; `values` takes up those of the secrets it was made with."""
    instance = settings().instance
    folder, workspace = attempt_path(instance, one.run_id, one.number), workspace_path(instance, one.run_id)
    kind, content = _content(task)
    values |= _secrets(task, kind, content)
    command = _command(task, kind, content, values)
    own = {
        "SCHEDULER_TASK_ID": str(task.id),
        "SCHEDULER_TASK_KEY": task.key,
        "TASK_NAME": task.name,
        "SCHEDULER_RUN_ID": str(one.run_id),
        "SCHEDULER_ATTEMPT": str(one.number),
        "SCHEDULER_SCHEDULED_AT": f"{one.scheduled_at:%Y-%m-%dT%H:%M:%SZ}",
        "SCHEDULER_CAUSE": one.cause,
        "SCHEDULER_WORKSPACE": workspace,
    }
    limits = {name: value for name, value in task.policy["limits"].items() if value is not None}
    nice = limits.pop("nice", 0)
    user = _user(task)
    spec = Spec(
        run_id=one.run_id,
        attempt=one.number,
        dir=folder,
        workspace=workspace,
        argv=list(command.argv),
        env={
            **_basics(task.timezone, user.home if user else _home()),
            **references.filled({**task.params, **task.env}, values),
            **command.env,
            **own,
        },
        cwd=task.working_directory or command.cwd,
        files=dict(command.files),
        timeout=task.policy["timeout_seconds"],
        grace=task.policy["kill_grace_seconds"],
        log_max_bytes=settings().execution.log_max_bytes,
        masks=sorted({*command.masks, *(text for value in values.values() for text in vault.disguises(value))}),
        limits=limits,
        nice=nice,
        user=list(user.numbers) if user else [],
        lasting=(task.last_duration or 0) >= LASTING,
    )
    return spec._replace(argv=command.placed(spec.place))


def _user(task: Row[Any]) -> Identity | None:
    """Who the task runs as, when that is somebody else than we are."""
    name = task.policy.get(identity.FIELD) or settings().execution.run_as
    found = identity.of(name) if name else None
    if found is None or found.numbers[0] == os.geteuid():
        return None
    identity.open_way(settings().instance)
    return found


def _content(task: Row[Any]) -> tuple[Kind[Any], dict[str, Any]]:
    """What the task runs, or its group's tasks where it says nothing, in clear; secrets are only named in it."""
    name, stored = task.kind, task.content
    if name is None:
        default: Mapping[str, Any] = task.default_content or {}
        name, stored = default.get("type"), {field: value for field, value in default.items() if field != "type"}
    if name is None:
        raise Invalid.because(N_("Neither the task nor its group says what to run."), field="command")
    kind = kinds.get(name)
    return kind, contents.opened(kind, stored)


def _secrets(task: Row[Any], kind: Kind[Any], content: Mapping[str, Any]) -> dict[str, str]:
    """The values of the secrets it names, by name."""
    referring = {name: content[name] for name in kind.referring if name in content}
    texts = {"params": task.params, "env": task.env, **referring}
    names = secrets.named(drafts.secrets_in(texts))
    if not names:
        return {}
    values = secrets.opened(task.group_id, task.group_name, names)
    size = references.growth(texts, values)
    if size > MOST_FILLED:
        raise secrets.Unusable.because(secrets.TOO_LONG, size=-(-size // 1024), limit=MOST_FILLED // 1024)
    return values


def _command(task: Row[Any], kind: Kind[Any], content: dict[str, Any], values: Mapping[str, str]) -> Command:
    """What the content amounts to. The kind sees no secret but in the fields that it may have them in."""
    known = {name: references.filled(value, values) if name in kind.referring else value for name, value in content.items()}
    return kind.prepare(read_content(kind, known), contents.context(task.params, task.policy["timeout_seconds"]))


def _basics(timezone: str, home: str) -> dict[str, str]:
    return {
        "PATH": PATH,
        "HOME": home,
        "LANG": os.environ.get("LANG") or "C.UTF-8",
        "TZ": timezone,
    }


@cache
def _home() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a container may run us as a number without a name
        return "/"
