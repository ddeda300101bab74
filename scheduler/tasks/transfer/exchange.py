"""The verbs on files: read one, plan it, bring it in whole or not at all, write one; formats and rules live beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler import clock, signals
from scheduler.accounts import audit
from scheduler.accounts.permissions import Actor, require
from scheduler.database import after_commit, db, transaction
from scheduler.errors import N_, Invalid
from scheduler.schedules.plan import Plan as Due
from scheduler.tasks import definitions, dependencies, due, own_recipes, queries, trash, versions
from scheduler.tasks.models import Group, Task
from scheduler.tasks.queries import Wanted, plan_of
from scheduler.tasks.transfer import (
    crontab_tasks,
    decoding,
    grouping,
    linking,
    native,
    planning,
    recipe_entries,
    rule_section,
    tasks_json,
)
from scheduler.tasks.transfer.changes import PLAIN, Change, Options, Plan
from scheduler.tasks.transfer.fires import Counter, Fires, Timing
from scheduler.tasks.transfer.planning import Progress
from scheduler.tasks.transfer.source import MORE, MOST_TASKS, Source, enough

FORMATS = ("json", "yaml", "tasks.json", "crontab")
WRITTEN = FORMATS[:3]
CHUNK = 500
MOST_REFUSED = 1000
MORE_WRONG = N_("From here on %(count)s more are wrong: correct those before, and look again.")


@dataclass
class Outcome:
    """What a file did or would do: the plan, and the due instants it adds and takes away, by key."""

    plan: Plan
    fires: dict[str, Fires] = field(default_factory=dict)


def read(data: bytes, format_: str, form: str = "auto") -> Source:
    """The file in `data`, in one of `FORMATS`; `Invalid` for one that cannot be read at all. `form`: user, system, auto."""
    _one_of(FORMATS, format_)
    text = decoding.text_of(data)
    if format_ == "crontab":
        return crontab_tasks.read(text, form)
    decoded = decoding.from_yaml(text) if format_ == "yaml" else decoding.from_json(text)
    return tasks_json.read(decoded) if format_ == "tasks.json" else native.read(decoded, format_)


def look(actor: Actor, source: Source, options: Options = PLAIN, progress: Progress | None = None) -> Outcome:
    """What bringing it in would do, with the due instants gained and lost; its problems are in the plan. Saves nothing."""
    require(actor, "task.create")
    session = db.session()
    with session.no_autoflush:
        plan = planning.plan(session, actor, source, options, progress)
        counter = Counter(clock.now())
        fires = {change.key: _fires(counter, change, source) for change in plan.changes if change.action != "same"}
    return Outcome(plan, fires)


def bring_in(actor: Actor, source: Source, options: Options = PLAIN, progress: Progress | None = None) -> Plan:
    """Do it, in one transaction; `Invalid` with every problem, each with its line, and then nothing was done."""
    require(actor, "task.create")
    with db.session.no_autoflush:
        plan = planning.plan(db.session(), actor, source, options, progress)
    _refuse(plan)
    with transaction() as session:
        if planning.state_of(session) != plan.state:  # somebody was faster
            with session.no_autoflush:
                plan = planning.plan(session, actor, source, options)
            _refuse(plan)
        _write(session, actor, plan)
    return plan


def written(actor: Actor, format_: str, ids: frozenset[int] | None = None) -> str:
    """The tasks the actor may see, all or those of `ids`, with their groups, as a file."""
    _one_of(WRITTEN, format_)
    tasks, total = queries.listed(actor, Wanted(), 0, MOST_TASKS + 1) if ids is None else (_chosen(actor, ids), 0)
    if total > MOST_TASKS:
        text = N_("There are %(count)s tasks, at most %(limit)s go into a file: choose some.")
        raise Invalid.because(text, count=total, limit=MOST_TASKS)
    upstreams = linking.named(db.session(), actor, [task.id for task in tasks])
    clear = [(task, native.task_values(task, task.group.key, upstreams.get(task.key, []))) for task in tasks]
    pairs = [(task, native.masked(values, actor, task)) for task, values in clear]
    if format_ == "tasks.json":
        return native.as_json(tasks_json.written(pairs))
    groups = {task.group.key: task.group for task in tasks}
    shared = recipe_entries.exported(own_recipes.listed(actor)) if ids is None else None
    rules = rule_section.known().exported(actor) if ids is None else None
    wanted = {rule["group"] for rule in rules or () if "group" in rule} - groups.keys()
    groups |= {group.key: group for group in db.session.scalars(select(Group).where(Group.key.in_(wanted)))}
    in_groups = [native.group_values(groups[key]) for key in sorted(groups)]
    return _text(native.document(in_groups, [values for _, values in pairs], shared, rules), format_)


def recipes_written(actor: Actor, format_: str, key: str = "") -> str:
    """The recipes the actor may see, all or the one of that key, as a file."""
    _one_of(WRITTEN[:2], format_)
    rows = [own_recipes.find(actor, key)] if key else own_recipes.listed(actor)
    return _text(native.document([], [], recipe_entries.exported(rows)), format_)


def _text(document: native.Values, format_: str) -> str:
    return native.as_json(document) if format_ == "json" else native.as_yaml(document)


def _one_of(choices: Sequence[str], wanted: str) -> None:
    if wanted not in choices:
        text = N_("“%(value)s” is not one of: %(choices)s.")
        raise Invalid.because(text, field="format", value=wanted[:60], choices=", ".join(choices))


def _chosen(actor: Actor, ids: frozenset[int]) -> Sequence[Task]:
    found: list[Task] = []
    numbers = sorted(ids)
    for start in range(0, len(numbers), CHUNK):
        found += queries.listed(actor, Wanted(ids=frozenset(numbers[start : start + CHUNK])), 0, CHUNK)[0]
    return sorted(found, key=lambda task: (task.name, task.id))


def _refuse(plan: Plan) -> None:
    if plan.problems:
        db.session.rollback()
        told, more = plan.problems[:MOST_REFUSED], plan.problems[MOST_REFUSED:]
        beyond = [replace(more[0], text=MORE_WRONG, params={"count": len(more)})] if more else []
        if enough(plan.problems):
            beyond.append(replace(plan.problems[-1], text=MORE.text, params=MORE.params))
        raise Invalid([*told, *beyond])


def _write(session: Session, actor: Actor, plan: Plan) -> None:
    now = clock.now()
    grouping.write(session, actor, plan.groups)
    recipe_entries.write(session, actor, plan.recipes)
    for change in plan.of("delete"):
        assert change.task is not None
        trash.remove(actor, change.task.id)
    created, changed = plan.of("create"), plan.of("change")
    stand = {task.id: task for task in planning.tasks_of(session, [change.task.id for change in changed if change.task])}
    before = {change.key: definitions.written(stand[change.task.id], _names(change, 0)) for change in changed if change.task}
    _free_names(session, changed)
    for change in created:
        _create(session, change, now)
    for change in changed:
        _change(session, change, now)
    session.flush()
    linking.write(session, [*created, *changed])
    session.flush()
    upstreams = linking.numbers(session)
    for change in (*created, *changed):
        task = change.made if change.action == "create" else change.task
        assert task is not None
        act = ("task.create", None) if change.action == "create" else ("task.edit", before[change.key])
        after = definitions.written(task, _names(change, 1))
        if task.version > versions.MOST:
            versions.keep(session, actor, task, act[0], after)
        else:
            session.add(versions.kept(actor, task, act[0], after, upstreams.get(task.id, [])))
        audit.record(actor, act[0], ("task", task.id, task.name), before=act[1], after=after)
        after_commit(signals.task_changed, task_id=task.id)
    rule_section.known().write(actor, plan.rules)
    told = {"created": len(created), "changed": len(changed), "deleted": len(plan.of("delete"))}
    if moved := sum(change.action != "same" for change in plan.recipes):
        told["templates"] = moved
    if moved := sum(change.action != "same" for change in plan.rules):
        told["rules"] = moved
    audit.record(actor, "tasks.import", ("file", None, plan.source.format), after=told)


def _names(change: Change, side: int) -> list[str]:
    """What it waits for, before (0) or after (1)."""
    if "depends_on" in change.fields:
        return sorted(change.fields["depends_on"][side] or [])
    return sorted(set(change.depends_on))


def _create(session: Session, change: Change, now: datetime) -> None:
    task, draft = change.made, change.draft
    assert task is not None and draft is not None and change.group is not None
    task.group_id, task.created_at, task.updated_at = change.group.id, now, now
    if task.enabled:
        task.next_run_at = draft.plan.next_after(now)
    session.add(task)


def _change(session: Session, change: Change, now: datetime) -> None:
    task, draft = change.task, change.draft
    assert task is not None and draft is not None and change.group is not None and change.made is not None
    due.settled(session, task)
    was_enabled, due_before, mode = task.enabled, definitions.timing(task), task.depends_mode
    definitions.apply(task, draft, change.group)
    task.schedule_word = change.made.schedule_word
    if definitions.timing(task) != due_before or task.enabled != was_enabled:
        definitions.restart(task, draft)
    if task.depends_mode != mode:
        dependencies.forget(session, task)
    task.version += 1
    task.updated_at = now


def _free_names(session: Session, changes: Sequence[Change]) -> None:
    """Let go of the names that are given up, so that two tasks may change theirs for each other's."""
    for change in changes:
        if change.task is not None and change.task.name != change.name:
            session.execute(update(Task).where(Task.id == change.task.id).values(name=f"\x7f{change.task.id}"))


def _fires(counter: Counter, change: Change, source: Source) -> Fires:
    now = _timing(change.task) if change.task is not None and change.task.enabled else None
    made = change.made
    counted = made is not None and change.draft is not None and (made.enabled or source.format == "crontab")
    after = None
    if counted and change.draft is not None and made is not None:
        room = made.max_runs - change.task.ticks if made.max_runs is not None and change.task else made.max_runs
        after = Timing(change.draft.plan, room if room is None else max(room, 0))
    return counter.compare(now, after)


def _timing(task: Task) -> Timing:
    room = max(task.max_runs - task.ticks, 0) if task.max_runs is not None else None
    return Timing(Due(plan_of(task).schedule, task.start_at, task.end_at), room)
