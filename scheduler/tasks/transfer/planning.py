"""What bringing in a file would do: each entry checked like a form, compared with what stands; changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.accounts.permissions import Actor, can, require
from scheduler.errors import N_, Invalid, Problem, SchedulerError
from scheduler.schedules.once import Manual
from scheduler.tasks import definitions, drafts, secrets, wording
from scheduler.tasks.drafts import Draft
from scheduler.tasks.models import DEFAULT_GROUP, Group, OwnRecipe, Task
from scheduler.tasks.transfer import comparing, crontab_again, grouping, linking, native, recipe_entries, rule_section
from scheduler.tasks.transfer.changes import Change, Options, Plan
from scheduler.tasks.transfer.crontab_again import Earlier, Free
from scheduler.tasks.transfer.rule_section import Scene
from scheduler.tasks.transfer.source import Entry, Source, enough, located, refused, tell_line, tell_of_rest, while_few

CHUNK = 500
Progress = Callable[[int, int], None]
TAKEN = N_("“%(value)s” is taken by another task.")
TWICE = N_("“%(value)s” stands on line %(line)s already.")
HERE_ALREADY = N_("It was brought in before, and is left as it is.")
UNUSABLE = N_("It names secrets that its tasks cannot have here: %(names)s. Until these are made and shared with their groups, "
              "such tasks fail.")  # fmt: skip
MOST_NAMED = 20
OVER = N_("Nothing of its schedule is left: it does not run by itself.")


@dataclass
class State:
    """What stands: every living task's number, name and version by key; the whole of those the file names."""

    by_key: dict[str, Any]
    names: dict[str, str]  # name -> key
    tasks: dict[str, Task] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    upstreams: dict[str, list[str]] = field(default_factory=dict)


def state_of(session: Session) -> tuple[Any, ...]:
    """What the plan depends on, to see whether it has moved."""
    tasks = session.execute(select(Task.id, Task.key, Task.name, Task.version).where(Task.deleted_at.is_(None)).order_by(Task.id))
    groups = session.execute(select(Group.id, Group.key, Group.name).order_by(Group.id))
    recipes = session.execute(select(OwnRecipe.id, OwnRecipe.key, OwnRecipe.version).order_by(OwnRecipe.id))
    return (*map(tuple, tasks), *map(tuple, groups), *map(tuple, recipes), *rule_section.known().state(session))


def plan(session: Session, actor: Actor, source: Source, options: Options, progress: Progress | None = None) -> Plan:
    """Judge the whole file; what is wrong with it is in `problems`, nothing is raised for it."""
    planner = _Planner(session, actor, source, options)
    planner.judge(progress or (lambda done, total: None))
    return planner.plan


class _Planner:
    def __init__(self, session: Session, actor: Actor, source: Source, options: Options) -> None:
        self.session, self.actor, self.source, self.options = session, actor, source, options
        self.plan = Plan(source, problems=list(source.problems), state=state_of(session))
        self.now = clock.now()
        self.seen: dict[str, int] = {}  # key -> line
        self.names: dict[str, int] = {}  # name -> line
        self.unusable: set[str] = set()  # names of secrets
        self.judged = 0  # tasks that were looked at

    def judge(self, progress: Progress) -> None:
        self.state = self._loaded()
        tasks = partial(self._judge_tasks, progress)
        for judged in (self._judge_groups, self._judge_templates, tasks, self._judge_rules, self._judge_together):
            if not enough(self.plan.problems):
                judged()
        if enough(self.plan.problems):
            tell_of_rest(self.source, self.source.entries[self.judged :])
        self._tell_of_secrets()
        self.plan.problems.sort(key=lambda problem: problem.line)

    def _judge_groups(self) -> None:
        self.plan.groups, self.state.groups, wrong = grouping.plan(self.actor, self.source.groups, self.state.groups)
        self.plan.problems += wrong

    def _judge_templates(self) -> None:
        replace = self.options.replace and self.source.has_recipes
        found, wrong = recipe_entries.plan(self.session, self.actor, self.source.recipes, self.state.groups, replace)
        self.plan.recipes = found
        self.plan.problems += wrong

    def _judge_tasks(self, progress: Progress) -> None:
        total = len(self.source.entries)
        for number, entry in enumerate(while_few(self.source.entries, self.plan.problems), 1):
            try:
                change = self._judged(entry)
                self.plan.changes.append(change)
                self._name_once(change)
                if self.source.lines:
                    self.source.lines[entry.line - 1].becomes = change.name
            except SchedulerError as error:
                self.plan.problems += refused(entry, error)
                tell_line(self.source, entry, error)
            if number % 100 == 0 or number == total:
                progress(number, total)
            self.judged = number
        if self.options.replace and not enough(self.plan.problems):
            self.plan.changes += self._others()

    def _judge_together(self) -> None:
        """What can be seen only of all tasks."""
        self._names()
        self.plan.problems += linking.problems(self.session, self.actor, self.plan.changes, self.state.by_key, self.seen)

    def _judge_rules(self) -> None:
        replace = self.options.replace and self.source.has_rules
        if not (self.source.rules or replace):
            return
        going = {change.key: change.task.id for change in self.plan.changes if change.task and change.action == "delete"}
        tasks: dict[str, Any] = {key: row for key, row in self.state.by_key.items() if can(self.actor, "task.see", row)}
        made = dict.fromkeys(self.seen.keys() - self.state.by_key.keys())
        there = {key: row for key, row in (tasks | made).items() if key not in going}
        groups = {key: one for key, one in self.state.groups.items() if can(self.actor, "task.see", definitions.group_place(one))}
        scene = Scene(there, groups, frozenset(going.values()), replace, self.options.allowed_only)
        found = rule_section.known().plan(self.session, self.actor, self.source.rules, scene)
        self.plan.rules = found.changes
        self.plan.problems += found.problems
        self.plan.left_out = found.left_out
        self.source.notes += [note for note in found.notes if note not in self.source.notes]

    def _loaded(self) -> State:
        columns = (Task.id, Task.key, Task.name, Task.group_id, Task.private, Task.owner_id)
        rows = {row.key: row for row in self.session.execute(select(*columns).where(Task.deleted_at.is_(None)))}
        state = State(rows, {row.name: row.key for row in rows.values()})
        state.groups = {group.key: group for group in self.session.scalars(select(Group))}
        keys = map(_key, self.source.entries)
        wanted = crontab_again.candidates(rows, keys) if self.source.lines else rows.keys() & set(keys)
        state.tasks = {task.key: task for task in tasks_of(self.session, [rows[key].id for key in wanted])}
        state.upstreams = linking.named(self.session, self.actor, [task.id for task in state.tasks.values()])
        self.keys, self.free_names = Free("-{}", rows), Free(" ({})", state.names)
        self.earlier = Earlier(task for task in state.tasks.values() if can(self.actor, "task.edit", task))
        return state

    def _judged(self, entry: Entry) -> Change:
        if not isinstance(entry.values.get("key", ""), str):
            raise _invalid("key", N_("This must be text."))
        key = _key(entry)
        if entry.origin:
            key = self.earlier.key(entry, key) or self.keys.of(key)
        if not isinstance(entry.values.get("name"), str):
            text = N_("This must be text.") if "name" in entry.values else N_("This is required.")
            raise _invalid("name", text)
        if key in self.seen:
            raise _invalid("key", TWICE, value=key, line=self.seen[key])
        self.seen[key] = entry.line
        task = self.state.tasks.get(key)
        if task is not None and entry.origin:
            entry.notes.append(Problem("", HERE_ALREADY))
            return Change("same", entry, key, task.name, task.group, task)
        if key in self.state.by_key and (task is None or not can(self.actor, "task.see", task)):
            raise _invalid("key", TAKEN, value=key)
        if task is not None:
            require(self.actor, "task.edit", task)
            if entry.whole and self._same(entry, task):
                return Change("same", entry, key, task.name, task.group, task)
        return self._changed(entry, key, task)

    def _same(self, entry: Entry, task: Task) -> bool:
        depends_on = entry.values.get("depends_on", [])
        values = native.masked(native.task_values(task, task.group.key, depends_on), self.actor, task)
        return values == entry.values and set(depends_on) == set(self.state.upstreams.get(task.key, []))

    def _changed(self, entry: Entry, key: str, task: Task | None) -> Change:
        group = self._group(entry, task)
        if task is None or group is not task.group:
            place = definitions.group_place(group)
            require(self.actor, "task.create", place)
        values = native.restored(self._values(entry, task) | {"key": key}, task)
        draft = self._draft(values, key)
        definitions.permitted(self.actor, task, draft)
        definitions.runnable(draft, group)
        wrong = secrets.refusals(self.actor, group, draft.secrets)
        entry.notes += wrong  # no refusal: what is missing may follow
        self.unusable |= {one.params["name"] for one in wrong}
        made = Task(key=key, owner_id=task.owner_id if task else self.actor.id)
        definitions.apply(made, draft, group)
        made.schedule_word = draft.particulars.schedule_type.strip().lower()
        change = Change("create" if task is None else "change", entry, key, made.name, group, task, draft, made)
        change.depends_on = [str(one) for one in draft.particulars.depends_on]
        if task is not None and not entry.whole and "depends_on" not in entry.values:
            change.depends_on = self.state.upstreams.get(key, [])
        self._refuse(change)
        if task is not None:
            change.fields = comparing.differences(task, made, self.state.upstreams.get(key, []), change.depends_on)
            change.action = "change" if change.fields else "same"
        return change

    def _values(self, entry: Entry, task: Task | None) -> dict[str, Any]:
        if entry.origin:
            return entry.values | {"name": self.free_names.of(entry.values["name"]), "is_active": self.options.enable}
        if task is not None and not entry.whole:
            return definitions.merged(task, entry.values)
        return dict(entry.values)

    def _draft(self, values: dict[str, Any], key: str) -> Draft:
        unfilled = native.unfilled(values)
        if unfilled:
            raise Invalid(unfilled)
        return drafts.read(values, seed=key)

    def _refuse(self, change: Change) -> None:
        """What `definitions` would refuse; but a schedule that is over may come along with the task it belongs to."""
        draft, task = change.draft, change.task
        assert draft is not None and change.made is not None
        if task is None or definitions.timing(task) != definitions.timing(change.made):
            drafts.refuse_too_often(draft.plan)
            if draft.particulars.is_active and not isinstance(draft.schedule, Manual) and draft.plan.next_after(self.now) is None:
                change.entry.notes.append(Problem("schedule_config", OVER))

    def _group(self, entry: Entry, task: Task | None) -> Group:
        wanted = entry.values.get("group")
        if wanted in (None, ""):
            if task is not None and not entry.whole:
                return task.group
            return next(group for group in self.state.groups.values() if group.id == DEFAULT_GROUP)
        group = self.state.groups.get(str(wanted))
        if group is None or not can(self.actor, "task.see", definitions.group_place(group)):
            raise _invalid("group", N_("There is no group “%(group)s”."), group=str(wanted)[:60])
        return group

    def _others(self) -> list[Change]:
        """Every task the actor may see that the file does not have, to be deleted."""
        rows = [row for key, row in self.state.by_key.items() if key not in self.seen and can(self.actor, "task.see", row)]
        found = []
        for task in tasks_of(self.session, [row.id for row in rows]):
            entry = Entry(0, task.key, {})
            try:
                require(self.actor, "task.delete", task)
            except SchedulerError as error:
                self.plan.problems += refused(entry, error)
            found.append(Change("delete", entry, task.key, task.name, task.group, task))
        return found

    def _tell_of_secrets(self) -> None:
        """The secrets that are named and cannot be had, once for the whole file."""
        for change in self.plan.groups:
            wrong = secrets.refusals(self.actor, change.group, secrets.of_content(change.values.get(secrets.CONTENT)))
            self.unusable |= {one.params["name"] for one in wrong}
        told = Problem("", UNUSABLE, {"names": ", ".join(sorted(self.unusable)[:MOST_NAMED])})
        if self.unusable and told not in self.source.notes:
            self.source.notes.append(told)

    def _name_once(self, change: Change) -> None:
        """No two tasks of the file may be called alike."""
        if change.name in self.names:
            self._name_problem(change, TWICE, value=change.name, line=self.names[change.name])
        self.names[change.name] = change.entry.line

    def _names(self) -> None:
        """Nor one like a task that keeps its name."""
        leaving = {
            change.task.name
            for change in self.plan.changes
            if change.task and (change.action == "delete" or change.name != change.task.name)
        }
        for change in self.plan.changes:
            other = self.state.names.get(change.name, change.key)
            if change.action != "delete" and other != change.key and change.name not in leaving:
                self._name_problem(change, TAKEN, value=change.name)

    def _name_problem(self, change: Change, text: str, **params: Any) -> None:
        self.plan.problems.append(located(change.entry, Problem("name", text, params)))


def _key(entry: Entry) -> str:
    return str(entry.values.get("key") or wording.key_from(str(entry.values.get("name") or "task")))


def tasks_of(session: Session, ids: Sequence[int]) -> Iterator[Task]:
    """The tasks of these numbers, read in few statements."""
    for start in range(0, len(ids), CHUNK):
        yield from session.scalars(select(Task).where(Task.id.in_(ids[start : start + CHUNK]))).unique().all()


def _invalid(field_: str, text: str, **params: Any) -> SchedulerError:
    return Invalid.because(text, field=field_, **params)
