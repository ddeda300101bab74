"""One's own messages: the list, how many are unread, marking them read; nobody reads another's."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select, update

from scheduler import clock
from scheduler.accounts.permissions import Actor, require
from scheduler.database import db, transaction
from scheduler.errors import N_, NotFound
from scheduler.notify.models import Message

_UNREAD = select(func.count()).where(Message.user_id == bindparam("reader"), Message.read_at.is_(None))


def unread(actor: Actor) -> int:
    """How many the actor has not read."""
    return db.session.scalar(_UNREAD, {"reader": actor.id}) or 0 if actor.id is not None else 0


def listed(actor: Actor, first: int, most: int, only_unread: bool = False) -> tuple[Sequence[Message], int]:
    """At most `most` of the actor's messages from the `first`-th newest on, and how many there are."""
    require(actor, "message.see")
    own = Message.user_id == actor.id
    condition = own & Message.read_at.is_(None) if only_unread else own
    query = select(Message).where(condition).order_by(Message.id.desc()).offset(first).limit(most)
    return db.session.scalars(query).all(), db.session.scalar(select(func.count()).where(condition)) or 0


def found(actor: Actor, message_id: int) -> Message:
    """The actor's message of that number; `NotFound`."""
    require(actor, "message.see")
    message = db.session.get(Message, message_id)
    if message is None or message.user_id != actor.id:
        raise NotFound.because(N_("There is no such message."))
    return message


def mark(actor: Actor, message_id: int | None = None) -> int:
    """Mark one as read, or with no number all of them; how many were not read before."""
    require(actor, "message.mark")
    if message_id is not None:
        found(actor, message_id)
    wanted = update(Message).where(Message.user_id == actor.id, Message.read_at.is_(None)).values(read_at=clock.now())
    with transaction() as session:
        chosen = wanted if message_id is None else wanted.where(Message.id == message_id)
        return len(session.execute(chosen.returning(Message.id)).all())
