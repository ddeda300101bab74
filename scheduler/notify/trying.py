"""A test of a channel, sent at once while whoever asks waits, with what the other side really answers; nothing is kept of it."""

from sqlalchemy import select

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.models import User
from scheduler.accounts.permissions import Actor, can, require
from scheduler.config import settings
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict, Forbidden
from scheduler.notify import texts
from scheduler.notify.channels import Answer, Letter, ways
from scheduler.notify.channels.base import OWNER
from scheduler.notify.models import Channel

MOST = 3  # receivers a test reaches


def send_test(actor: Actor, channel: Channel) -> list[tuple[str, Answer]]:
    """Send a test to the channel's first receivers; what each answered."""
    if not can(actor, "channel.manage"):
        raise Forbidden.because(N_("Your role does not allow this."))
    require(actor, "task.edit")
    way = ways.get(channel.type)
    config = way.read(way.opened(channel.config))
    addresses = [address for address in (_own(actor, way.name, one) for one in way.addresses(config)) if address]
    if not addresses:
        raise Conflict.because(N_("This channel reaches nobody: you have no address for it."))
    with transaction():
        audit.record(actor, "channel.test", ("channel", channel.id, channel.name))
    language, now = settings().server.language, clock.now()
    values = {
        "task_id": "0", "task_key": "test", "task_name": "Scheduler", "event": "technical_failure", "threshold_count": 1,
        "execution_status": "technical_failure", "execution_start_time": now.isoformat(timespec="seconds"),
        "execution_end_time": now.isoformat(timespec="seconds"), "execution_duration": "0", "rule_name": channel.name,
        "execution_log_tail": texts.say(language, "test"), "execution_exit_code": "2",
    }  # fmt: skip
    found = []
    for address in addresses[:MOST]:
        began = clock.monotonic()
        answer = way.send(config, Letter(address, values, "test-0", now))
        spent = int(1000 * (clock.monotonic() - began))
        found.append((address, Answer(answer.ok, answer.text, answer.code, answer.again, spent)))
    return found


def _own(actor: Actor, type: str, address: str) -> str:
    """Where a test for the owner goes: to whoever asks for it."""
    if address != OWNER:
        return address
    user = db.session.scalars(select(User).where(User.id == actor.id)).one_or_none()
    return ways.get(type).owners_address(user.username, user.email) if user is not None else ""
