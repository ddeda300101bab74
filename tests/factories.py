"""What tests make in one line: tasks through the verbs, runs through the ledger; holds no assertion."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from scheduler import clock
from scheduler.accounts.models import User
from scheduler.accounts.permissions import SYSTEM, Actor, actor_of
from scheduler.database import db
from scheduler.runs import ledger, lifecycle
from scheduler.runs.lifecycle import Report
from scheduler.runs.models import Attempt, Run
from scheduler.runs.policy import Outcome
from scheduler.tasks import definitions
from scheduler.tasks.models import Group, Task

_numbers = count(1)

CRON = {"schedule_type": "cron", "timezone": "UTC"}


def make_task(actor: Actor = SYSTEM, **values: Any) -> Task:
    """A task that runs `true`; `cron="* * * * *"` and any field of a draft say more."""
    if "cron" in values:
        values |= CRON | {"schedule_config": {"cron": values.pop("cron")}}
    content: Mapping[str, Any] = {} if "type" in values or "command" in values else {"command": "true"}
    return definitions.create(actor, {"name": f"task {next(_numbers)}", **content, **values})


def make_group(key: str, **values: Any) -> Group:
    """A group called like its key."""
    group = Group(key=key, name=key, created_at=clock.now(), **values)
    db.session.add(group)
    db.session.commit()
    return group


def make_run(task: Task | None = None, actor: Actor = SYSTEM, **values: Any) -> Run:
    """A run that waits, of `task` or of a new one made with `values`."""
    return ledger.request(actor, task or make_task(**values))


def claim(run: Run) -> int:
    """Begin the run's next attempt; answers its number."""
    (claimed,) = lifecycle.claim([run.id])
    return claimed.number


def outcome(code: int | None = 0, **values: Any) -> Outcome:
    """What a process that ran a second and left with `code` leaves behind."""
    now = clock.now().timestamp()
    known = {"reason": "exited", "started_at": now - 1, "finished_at": now, "duration": 1.0, "pid": 42, "host": "here"}
    return Outcome(**{**known, "exit_code": code, **values})


def finish(run: Run, code: int | None = 0, **values: Any) -> list[int]:
    """End the run's latest attempt."""
    db.session.rollback()
    return lifecycle.finish([Report(run.id, run.attempts, outcome(code, **values))])


def perform(run: Run, code: int | None = 0, **values: Any) -> Run:
    """Claim and finish in one go."""
    claim(run)
    finish(run, code, **values)
    return run


def rows(task: Task) -> list[Run]:
    """The task's history, oldest instant first."""
    db.session.rollback()
    return list(db.session.scalars(db.select(Run).where(Run.task_id == task.id).order_by(Run.scheduled_at, Run.id)))


def attempts(run: Run) -> list[Attempt]:
    """The tries of a run, as they are in the database now."""
    db.session.rollback()
    return list(db.session.scalars(db.select(Attempt).where(Attempt.run_id == run.id).order_by(Attempt.number)))


def statuses(task: Task) -> list[str]:
    """How each of the task's runs stands, oldest instant first."""
    return [run.status for run in rows(task)]


def as_actor(user: User) -> Actor:
    """The user as permissions see them."""
    return actor_of(user)


def at(text: str) -> datetime:
    """An instant, in UTC: `at("2026-03-02T12:00")`."""
    return datetime.fromisoformat(f"{text}+00:00")
