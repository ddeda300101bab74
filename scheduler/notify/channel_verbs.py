"""The verbs on channels, which administrators set up: list, make, change, delete; whoever writes rules may name one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, can, require
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict, Invalid, NotFound, Problem
from scheduler.notify.channels import ways
from scheduler.notify.models import Channel
from scheduler.notify.terms import Part
from scheduler.validation import problems


class Changes(Part):
    """What a channel is made of."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")]
    type: str
    config: dict[str, Any] = {}
    enabled: bool = True


def listed(actor: Actor) -> Sequence[Channel]:
    """Every channel, by name."""
    require(actor, "task.edit")
    return db.session.scalars(select(Channel).order_by(func.lower(Channel.name), Channel.id)).all()


def found(actor: Actor, channel_id: int) -> Channel:
    """The channel of that number; `NotFound`."""
    require(actor, "task.edit")
    return _get(db.session(), channel_id)


def shown(actor: Actor, channel: Channel) -> dict[str, Any]:
    """A channel as `actor` may see it: secrets masked, and its configuration for administrators alone."""
    config = ways.get(channel.type).masked(channel.config) if can(actor, "channel.manage") else {}
    return {"name": channel.name, "type": channel.type, "config": config, "enabled": channel.enabled}


def create(actor: Actor, values: Mapping[str, Any]) -> Channel:
    """Set one up; `Invalid` names each wrong field, `Conflict` a name that is taken."""
    require(actor, "channel.manage")
    with transaction() as session:
        channel = Channel(created_at=clock.now(), config={}, type="", name="")
        _apply(session, channel, values)
        session.add(channel)
        session.flush()
        audit.record(actor, "channel.create", _thing(channel), after=shown(actor, channel))
    return channel


def edit(actor: Actor, channel_id: int, changes: Mapping[str, Any], version: int | None = None) -> Channel:
    """Change what `changes` name; a secret sent back as its mask means the one that is stored."""
    require(actor, "channel.manage")
    with transaction() as session:
        channel = _get(session, channel_id)
        if version is not None and version != channel.version:
            text = N_("Somebody else changed it meanwhile: it is at version %(now)s, yours was %(yours)s. Nothing was saved.")
            raise Conflict.because(text, field="version", now=channel.version, yours=version)
        before = shown(actor, channel)
        _apply(session, channel, before | dict(changes))
        channel.version += 1
        session.flush()
        audit.record(actor, "channel.edit", _thing(channel), before=before, after=shown(actor, channel))
    return channel


def remove(actor: Actor, channel_id: int) -> None:
    """Delete it; rules that name it tell nobody by it any more, what waits to be sent is sent."""
    require(actor, "channel.manage")
    with transaction() as session:
        channel = _get(session, channel_id)
        audit.record(actor, "channel.delete", _thing(channel), before=shown(actor, channel))
        session.delete(channel)


def _apply(session: Session, channel: Channel, values: Mapping[str, Any]) -> None:
    try:
        given = Changes.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid(problems(error)) from error
    way = ways.get(given.type)
    config = way.unmasked(given.config, channel.config) if channel.type == way.name else given.config
    try:
        checked = way.read(config).model_dump(exclude_defaults=True)
    except Invalid as error:
        raise Invalid([Problem(f"config.{one.field}", one.text, one.params) for one in error.problems]) from error
    name = given.name.strip()
    with session.no_autoflush:
        if session.scalar(select(Channel.id).where(Channel.name == name, Channel.id != (channel.id or 0))):
            raise Conflict.because(N_("“%(value)s” is taken by another channel."), field="name", value=name)
    channel.name, channel.type, channel.config, channel.enabled = name, way.name, way.sealed(checked), given.enabled


def _get(session: Session, channel_id: int) -> Channel:
    channel = session.get(Channel, channel_id)
    if channel is None:
        raise NotFound.because(N_("There is no such channel."))
    return channel


def _thing(channel: Channel) -> audit.Thing:
    return "channel", channel.id, channel.name
