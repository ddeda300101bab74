"""The verbs on rules: of a task and of a group by whoever may edit there, of everything by administrators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, can, require
from scheduler.database import db, transaction
from scheduler.errors import N_, Conflict, Invalid, NotFound
from scheduler.notify import terms
from scheduler.notify.choose import FIELD
from scheduler.notify.models import Channel, Rule
from scheduler.notify.terms import Terms
from scheduler.tasks import definitions, queries
from scheduler.tasks.models import Group, Task

SCOPES = ("task", "group", "all")
MISSING = N_("There is no such rule.")


@dataclass(frozen=True)
class Known:
    """A rule with what it is about."""

    rule: Rule
    task: Task | None
    group: Group | None

    @property
    def terms(self) -> Terms | None:
        """What it says; None where that cannot be read any more."""
        return next(iter(terms.of_field([self.rule.terms])), None)


def listed(actor: Actor, task: Task | None = None) -> list[Known]:
    """The rules this actor may see, or of them those that `task`'s runs meet; the widest last."""
    query = select(Rule, Task, Group).outerjoin(Task, Task.id == Rule.task_id).outerjoin(Group, Group.id == Rule.group_id)
    if task is not None:
        query = query.where((Rule.task_id == task.id) | (Rule.group_id == task.group_id) | (Rule.scope == "all"))
    rows = db.session.execute(query.order_by(Rule.id)).unique()
    known = [one for one in (Known(row.Rule, row.Task, row.Group) for row in rows) if _seen(actor, one)]
    return sorted(known, key=lambda one: SCOPES.index(one.rule.scope))


def carried(task: Task) -> Sequence[Terms]:
    """The rules a task carries itself, in its `notify`."""
    return terms.of_field(task.notes.get(FIELD))


def found(actor: Actor, rule_id: int) -> Known:
    """The rule of that number; `NotFound` also for one about what this actor may not see."""
    return _known(db.session(), actor, rule_id)


def may_edit(actor: Actor, known: Known) -> bool:
    """Whether `actor` may change or delete it."""
    if known.task is not None:
        return can(actor, "task.edit", known.task)
    if known.group is not None:
        return can(actor, "task.edit", definitions.group_place(known.group))
    return can(actor, "channel.manage")


def shown(known: Known) -> dict[str, Any]:
    """A rule as people and the audit log see it."""
    place = {"scope": known.rule.scope, "task": known.task.key if known.task else None}
    return {**place, "group": known.group.key if known.group else None, **known.rule.terms}


def create(actor: Actor, place: Mapping[str, Any], values: Mapping[str, Any], any_channel: bool = False) -> Known:
    """A new rule; `place` has `scope`, and `task` or `group` by number or key; `any_channel`: also ones that are to follow."""
    with transaction() as session:
        known = _placed(session, actor, place)
        _require(actor, known)
        known.rule.terms = _checked(session, values, any_channel)
        add(session, actor, [known])
    return known


def new(actor: Actor, scope: str, task: Task | None = None, group: Group | None = None) -> Known:
    """A rule that is nowhere yet, to be given its terms and to `add`; `Invalid` or `Forbidden` for a place that cannot be."""
    if scope != "all" and (task if scope == "task" else group) is None:
        text = N_("There is no such task.") if scope == "task" else N_("There is no such group.")
        raise Invalid.because(text, field=scope)
    known = _made(actor, scope, task, group)
    _require(actor, known)
    return known


def add(session: Session, actor: Actor, rules: Sequence[Known]) -> None:
    """Keep new rules, all in one flush, each with its audit row, within a transaction."""
    session.add_all(known.rule for known in rules)
    session.flush()
    for known in rules:
        audit.record(actor, "rule.create", _thing(known.rule), after=shown(known))


def edit(actor: Actor, rule_id: int, changes: Mapping[str, Any], version: int | None = None, any_channel: bool = False) -> Known:
    """Change what `changes` name; what it is about stays."""
    with transaction() as session:
        known = _known(session, actor, rule_id)
        _require(actor, known)
        rule = known.rule
        if version is not None and version != rule.version:
            text = N_("Somebody else changed it meanwhile: it is at version %(now)s, yours was %(yours)s. Nothing was saved.")
            raise Conflict.because(text, field="version", now=rule.version, yours=version)
        change(actor, known, _checked(session, {**rule.terms, **changes}, any_channel))
        session.flush()
    return known


def change(actor: Actor, known: Known, said: dict[str, Any]) -> None:
    """Have a rule say something else, which is checked, with its audit row, within a transaction."""
    _require(actor, known)
    before = shown(known)
    known.rule.terms = said
    known.rule.version += 1
    audit.record(actor, "rule.edit", _thing(known.rule), before=before, after=shown(known))


def remove(actor: Actor, rule_id: int) -> None:
    """Delete it; what it has chosen already is sent."""
    with transaction() as session:
        drop(session, actor, _known(session, actor, rule_id))


def drop(session: Session, actor: Actor, known: Known) -> None:
    """Delete a rule, with its audit row, within a transaction."""
    _require(actor, known)
    audit.record(actor, "rule.delete", _thing(known.rule), before=shown(known))
    session.delete(known.rule)


def _checked(session: Session, values: Mapping[str, Any], any_channel: bool) -> dict[str, Any]:
    given = terms.read(values)
    for number, choice in enumerate(given.channels if not any_channel else ()):
        if choice.channel is None:
            continue
        match = Channel.id == choice.channel if isinstance(choice.channel, int) else Channel.name == choice.channel
        if session.scalar(select(Channel.id).where(match)) is None:
            text = N_("There is no channel “%(name)s”.")
            raise Invalid.because(text, field=f"channels.{number}.channel", name=str(choice.channel)[:60])
    return given.shown()


def _made(actor: Actor, scope: str, task: Task | None = None, group: Group | None = None) -> Known:
    about = {"task_id": task.id if task else None, "group_id": group.id if group else None}
    return Known(Rule(created_at=clock.now(), created_by=actor.name, terms={}, scope=scope, **about), task, group)


def _placed(session: Session, actor: Actor, place: Mapping[str, Any]) -> Known:
    scope = str(place.get("scope") or "")
    if scope not in SCOPES:
        text = N_("“%(value)s” is not one of: %(choices)s.")
        raise Invalid.because(text, field="scope", value=scope[:60], choices=", ".join(SCOPES))
    strange = next((name for name in ("task", "group") if name != scope and place.get(name) not in (None, "")), None)
    if strange:
        raise Invalid.because(N_("This must be left out."), field=strange)
    if scope == "all":
        return _made(actor, scope)
    if place.get(scope) in (None, ""):
        raise Invalid.because(N_("This is required."), field=scope)
    if scope == "group":
        return _made(actor, scope, group=definitions.named_group(session, actor, place["group"]))
    try:
        task = queries.find(actor, str(place["task"]))
    except NotFound as error:
        raise Invalid.because(N_("There is no such task."), field="task") from error
    return _made(actor, scope, task)


def _known(session: Session, actor: Actor, rule_id: int) -> Known:
    rule = session.get(Rule, rule_id)
    if rule is not None:
        task = session.get(Task, rule.task_id) if rule.task_id else None
        known = Known(rule, task, session.get(Group, rule.group_id) if rule.group_id else None)
        if _seen(actor, known):
            return known
    raise NotFound.because(MISSING)


def _seen(actor: Actor, known: Known) -> bool:
    if known.rule.scope == "task":
        return known.task is not None and known.task.deleted_at is None and can(actor, "task.see", known.task)
    if known.rule.scope == "group":
        return known.group is not None and can(actor, "task.see", definitions.group_place(known.group))
    return can(actor, "task.see")


def _require(actor: Actor, known: Known) -> None:
    if not may_edit(actor, known):
        place = known.task or (definitions.group_place(known.group) if known.group else None)
        require(actor, "task.edit" if place is not None else "channel.manage", place)


def _thing(rule: Rule) -> audit.Thing:
    return "rule", rule.id, str(rule.terms.get("name") or "")
