"""Rules in files: by the keys of tasks and groups and the names of channels; what files are is the tasks' business."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from scheduler.accounts.permissions import Actor, can
from scheduler.database import db
from scheduler.errors import N_, Forbidden, Invalid, Problem, SchedulerError
from scheduler.notify import rule_verbs, terms
from scheduler.notify.models import Channel, Rule
from scheduler.notify.rule_verbs import SCOPES, Known
from scheduler.notify.terms import Terms
from scheduler.tasks import definitions
from scheduler.tasks.models import Group, Task
from scheduler.tasks.transfer.rule_section import RuleChange, RulePlan, Scene, Values
from scheduler.tasks.transfer.source import Entry, enough, located, refused, while_few

PLACE = ("scope", "task", "group")
ALWAYS = ("triggers", "channels")
BY_NAME = N_("In a file a channel goes by its name.")
MISSING = N_("Its rules name channels that are not here: %(names)s. Until these are made, nobody is told by them.")
EVERYBODY = N_("“%(name)s” speaks of all tasks: only administrators make, change or delete such rules.")
MOST_NAMED = 20
CHUNK = 500
Row = tuple[Known, Values]  # a rule, and what a file says of it


def exported(actor: Actor) -> list[Values]:
    """The rules the actor may see: those about everything, about groups, about tasks, each by name."""
    names = _channels(db.session())
    found = [_values(known, names) for known in rule_verbs.listed(actor)]
    return sorted(found, key=lambda one: (-SCOPES.index(one["scope"]), *_key(one)))


def state(session: Session) -> tuple[Any, ...]:
    """Every rule and its version."""
    return tuple(map(tuple, session.execute(select(Rule.id, Rule.version).order_by(Rule.id))))


def plan(session: Session, actor: Actor, entries: Sequence[Entry], scene: Scene) -> RulePlan:
    """What the entries would do; a rule is the one that stands of the same place and name."""
    found, names = RulePlan(), _channels(session)
    known = (one for one in rule_verbs.listed(actor) if one.task is None or one.task.id not in scene.leaving)
    standing = _Standing([(one, _values(one, names)) for one in known])
    left = []
    for entry, values in _read(
        entries, scene, found
    ):  # alike before all others, or of two of one name the wrong one would change
        if alike := standing.alike(values):
            found.changes.append(RuleChange("same", entry, _place(values), values, alike[0].rule.id))
        else:
            left.append((entry, values))
    for entry, values in while_few(left, found.problems):
        _judge(actor, found, RuleChange("create", entry, _place(values), values), standing.named(values), scene)
    for one in standing.rows.values() if scene.replace and not enough(found.problems) else ():
        change = RuleChange("delete", Entry(0, "rules", {}), _place(one[1]), one[1], one[0].rule.id)
        _judge(actor, found, change, one, scene)
    found.notes = _missing(found.changes, set(names.values()))
    return found


class _Standing:
    """The rules that stand, taken one by one by the entries that mean them; `rows` are those nobody has taken."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = dict(enumerate(rows))
        self._alike: dict[Any, deque[int]] = defaultdict(deque)
        self._named: dict[Any, deque[int]] = defaultdict(deque)
        for number, (_, values) in self.rows.items():
            self._alike[_text(values)].append(number)
            self._named[_key(values)].append(number)

    def alike(self, values: Values) -> Row | None:
        """One that says the same."""
        return self._first(self._alike[_text(values)])

    def named(self, values: Values) -> Row | None:
        """One of the same place and name."""
        return self._first(self._named[_key(values)])

    def _first(self, numbers: deque[int]) -> Row | None:
        while numbers:
            if (number := numbers.popleft()) in self.rows:
                return self.rows.pop(number)
        return None


def write(actor: Actor, changes: Sequence[RuleChange]) -> None:
    """Make, change and delete them, each with its audit row, within a transaction; new ones at once."""
    session = db.session()
    moving = [change for change in changes if change.action != "same"]
    created = [change.place for change in moving if change.action == "create"]
    tasks = _by_key(session, Task, {place["task"] for place in created if "task" in place})
    groups = _by_key(session, Group, {place["group"] for place in created if "group" in place})
    stand = {known.rule.id: known for known in rule_verbs.listed(actor)} if any(one.rule_id for one in moving) else {}
    made: list[Known] = []
    for change in moving:
        try:
            if change.action == "create":
                place = change.place
                made.append(
                    rule_verbs.new(actor, place["scope"], tasks.get(place.get("task", "")), groups.get(place.get("group", "")))
                )
                made[-1].rule.terms = _said(change)
            elif change.rule_id in stand and change.action == "change":
                rule_verbs.change(actor, stand[change.rule_id], _said(change))
            elif change.rule_id in stand:
                rule_verbs.drop(session, actor, stand[change.rule_id])
        except SchedulerError as error:
            raise Invalid([located(change.entry, problem) for problem in error.problems]) from error
    rule_verbs.add(session, actor, made)


def _by_key(session: Session, model: Any, wanted: Iterable[str]) -> dict[str, Any]:
    """The living tasks, or the groups, of these keys, in few statements."""
    keys = sorted(wanted)
    alive = Task.deleted_at.is_(None) if model is Task else true()
    parts = (select(model).where(model.key.in_(keys[start : start + CHUNK]), alive) for start in range(0, len(keys), CHUNK))
    return {one.key: one for part in parts for one in session.scalars(part).unique()}


def _said(change: RuleChange) -> Values:
    return terms.read({name: value for name, value in change.values.items() if name not in PLACE}).shown()


def _read(entries: Iterable[Entry], scene: Scene, found: RulePlan) -> list[tuple[Entry, Values]]:
    """The entries that can be read, in one form; what is wrong with the others goes to the problems."""
    read = []
    for entry in while_few(entries, found.problems):
        try:
            read.append((entry, _checked(entry.values, scene)))
        except SchedulerError as error:
            found.problems += refused(entry, error)
    return read


def _checked(given: Mapping[str, Any], scene: Scene) -> Values:
    place = {name: given[name] for name in PLACE if given.get(name) not in (None, "")}
    scope = place.get("scope")
    if scope not in SCOPES:
        text = N_("“%(value)s” is not one of: %(choices)s.")
        raise Invalid.because(text, field="scope", value=str(scope)[:60], choices=", ".join(SCOPES))
    if strange := next((name for name in ("task", "group") if name in place and name != scope), None):
        raise Invalid.because(N_("This must be left out."), field=strange)
    if scope != "all" and str(place.get(scope, "")) not in (scene.tasks if scope == "task" else scene.groups):
        text = N_("There is no such task.") if scope == "task" else N_("There is no group “%(group)s”.")
        raise Invalid.because(text, field=scope, group=str(place.get(scope, ""))[:60])
    said = terms.read({name: value for name, value in given.items() if name not in PLACE})
    for number, choice in enumerate(said.channels):
        if isinstance(choice.channel, int):
            raise Invalid.because(BY_NAME, field=f"channels.{number}.channel")
    return place | _short(said.shown())


def _judge(actor: Actor, found: RulePlan, change: RuleChange, stands: tuple[Known, Values] | None, scene: Scene) -> None:
    """Take the change in, with what differs from the rule that stands, and what forbids it."""
    if stands is not None and change.action != "delete":
        before, after = stands[1], change.values
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        change.action, change.rule_id = "change", stands[0].rule.id
        change.fields = {name: (before.get(name), after.get(name)) for name in names}
    try:
        _demand(actor, change, scene)
    except Forbidden as error:
        told = [replace(one, about=change.name) for one in refused(change.entry, error)]
        if scene.allowed_only:
            found.left_out += told
            return
        found.problems += told
    found.changes.append(change)


def _demand(actor: Actor, change: RuleChange, scene: Scene) -> None:
    """Refuse what the actor may not do there; what the import makes first is theirs to say."""
    scope = change.place["scope"]
    if scope == "all":
        if not can(actor, "channel.manage"):
            raise Forbidden.because(EVERYBODY, name=change.values.get("name") or "*")
        return
    place = scene.tasks[change.place["task"]] if scope == "task" else scene.groups[change.place["group"]]
    if scope == "group":
        place = definitions.group_place(place) if place.id is not None else None
    if place is not None and not can(actor, "task.edit", place):
        raise Forbidden.because(N_("Your role does not allow this."))


def _values(known: Known, names: Mapping[int, str]) -> Values:
    """A rule as a file has it: what is as in a new one is left out, a channel goes by its name."""
    said = rule_verbs.shown(known)
    channels = [
        {**one, "channel": names.get(one["channel"], str(one["channel"]))} if isinstance(one.get("channel"), int) else dict(one)
        for one in said["channels"]
    ]
    return {name: said[name] for name in PLACE if said[name]} | _short({**known.rule.terms, "channels": channels})


def _short(said: Mapping[str, Any]) -> Values:
    fields = Terms.model_fields
    return {name: said[name] for name in fields if name in said and (name in ALWAYS or said[name] != fields[name].default)}


def _key(values: Values) -> tuple[str, ...]:
    """What a rule is told from others by: its place and its name, which need not be its alone."""
    return tuple(str(values.get(name, "")) for name in (*PLACE, "name"))


def _text(values: Values) -> str:
    """All that a rule says, to be looked up by."""
    return json.dumps(values, sort_keys=True)


def _place(values: Values) -> Values:
    return {name: values[name] for name in PLACE if name in values}


def _channels(session: Session) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(select(Channel.id, Channel.name))}


def _missing(changes: Iterable[RuleChange], there: set[str]) -> list[Problem]:
    named = {
        one["channel"] for change in changes if change.action != "delete" for one in change.values["channels"] if "channel" in one
    }
    away = sorted(named - there)
    return [Problem("", MISSING, {"names": ", ".join(away[:MOST_NAMED])})] if away else []
