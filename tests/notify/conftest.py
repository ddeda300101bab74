"""What tests of notifications share: a rule on a task, and one pass of both loops without threads."""

from collections.abc import Iterator
from typing import Any

import pytest

from scheduler import config
from scheduler.database import db
from scheduler.notify import choose, deliver
from scheduler.notify.models import Delivery
from scheduler.tasks.models import Task
from tests.factories import make_run, make_task, perform
from tests.receivers import Mail


@pytest.fixture
def post(app: Any, mail: Mail) -> Iterator[Mail]:
    """The mail server, named in the settings; requests to this machine are allowed."""
    email = config.Email(enabled=True, smtp_host="127.0.0.1", smtp_port=mail.port, from_address="scheduler@example.org")
    security = config.Security(outgoing_allow=("127.0.0.0/8",))
    mine = config.settings().model_copy(update={"notification": config.Notification(email=email), "security": security})
    before = config.use(mine)
    yield mail
    config.use(before)


def per_hour(most: int) -> None:
    """Let each receiver be told so often."""
    now = config.settings()
    config.use(now.model_copy(update={"notification": now.notification.model_copy(update={"per_hour": most})}))


def watched(*channels: dict[str, Any], name: str = "Night", **rule: Any) -> Task:
    """A task that carries one rule, of technical failures unless it says else."""
    given = {"triggers": ["technical_failure"], "channels": list(channels), **rule}
    return make_task(name=name, metadata={"task_notify": [given]})


def end(task: Task, code: int = 3) -> None:
    """A run of it that ends so."""
    perform(make_run(task), code)


def rounds() -> None:
    """One pass of each loop, until neither has anything to do now."""
    while choose.choose():
        pass
    while jobs := deliver.claim():
        deliver.record([(job.id, deliver.perform(job)) for job in jobs])


def deliveries() -> list[Delivery]:
    db.session.rollback()
    return list(db.session.scalars(db.select(Delivery).order_by(Delivery.id)))
