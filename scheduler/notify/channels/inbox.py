"""Messages inside the product: who gets them, and putting one where its reader finds it, exactly once."""

from typing import Annotated

from pydantic import Field as Limits
from sqlalchemy import select

from scheduler.accounts.models import User
from scheduler.accounts.permissions import actor_of, can
from scheduler.database import db, transaction
from scheduler.errors import N_
from scheduler.kinds.base import Field
from scheduler.notify.channels.base import Answer, Config, Letter, Way
from scheduler.notify.models import Message
from scheduler.tasks.models import Task


class InboxConfig(Config):
    """Whose."""

    users: Annotated[list[Annotated[str, Limits(min_length=1, max_length=64)]], Limits(min_length=1, max_length=50)]


class Inbox(Way[InboxConfig]):
    """One that needs nothing set up: it is read here."""

    name = "inbox"
    label = N_("Message here")
    icon = "bell"
    model = InboxConfig

    def addresses(self, config: InboxConfig) -> tuple[str, ...]:
        """Each user, once."""
        return tuple(dict.fromkeys(config.users))

    def send(self, config: InboxConfig, letter: Letter) -> Answer:
        """Write the message, unless it is written already; nobody is told of a task they may not see."""
        number = int(letter.key.rpartition("-")[2])
        with transaction() as session:
            user = session.scalars(select(User).where(User.username == letter.address)).one_or_none()
            if user is None or not user.active:
                return Answer(False, f"there is no user {letter.address}", again=False)
            task = session.get(Task, int(letter.values.get("task_id") or 0))
            if task is not None and not can(actor_of(user), "log.read", task):
                return Answer(False, f"{letter.address} may not see this task", again=False)
            known = select(Message.id).where(Message.delivery_id == number)
            if not number or db.session.scalar(known) is None:
                session.add(_written(letter, user.id, number))
        return Answer(True, "", again=False)

    def fields(self) -> list[Field]:
        """The users."""
        whom = N_("One user name per line; “owner” is whoever owns the task.")
        return [Field("users", N_("Users"), "lines", hint=whom, required=True)]


def _written(letter: Letter, user_id: int, number: int) -> Message:
    return Message(
        user_id=user_id,
        delivery_id=number or None,
        at=letter.at,
        subject=letter.subject(),
        body=letter.body(),
        event=str(letter.values.get("event", ""))[:20],
        run=str(letter.values.get("execution_id", "")),
    )
