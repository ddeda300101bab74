"""What waits for what: a task's upstreams as people name them, saved without a circle; the runs that makes are not made here."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session, lazyload

from scheduler.accounts.permissions import Actor, can
from scheduler.database import chunks, db
from scheduler.errors import N_, Invalid, Problem
from scheduler.tasks.models import Dependency, Task
from scheduler.tasks.queries import matching

FIELD = "depends_on"
CHUNK = 500
LONGEST_WAY = 12  # tasks of a circle that are named; of a longer one its two ends are
HIDDEN = "…"


@dataclass(frozen=True)
class Upstream:
    """A task another waits for, and the public id of its end that is not used up yet."""

    task: Task
    arrival: str | None


@dataclass(frozen=True)
class Graph:
    """Tasks by number, and (upstream, task) for each that waits; a number without a task is one the actor may not see."""

    tasks: dict[int, Task]
    edges: list[tuple[int, int]]


def save(session: Session, actor: Actor, task: Task, wanted: Sequence[int | str], like: Task | None = None) -> None:
    """Let `task` wait for the tasks `wanted` names by key or number, and no others; within a transaction.

    `Invalid` for one that is not there for this actor, for itself, and for a circle, with the way round it. What it waits
    for already (or `like` does, which it is a copy of) may stay, deleted or hidden as it may be.
    """
    kept = {edge.upstream_id: edge for edge in _edges(session, [task.id])}
    known = frozenset(kept) | {edge.upstream_id for edge in _edges(session, [like.id] if like else [])}
    ids = _resolved(session, actor, task, wanted, known)
    way = _circle(session, task.id, [one for one in ids if one not in kept])
    if way:
        text = N_("This would make a circle, each task waiting for the next: %(path)s.")
        raise Invalid.because(text, field=FIELD, path=_named(session, actor, way))
    for upstream_id, edge in kept.items():
        if upstream_id not in ids:
            session.delete(edge)
    session.add_all(Dependency(task_id=task.id, upstream_id=one) for one in ids if one not in kept)
    session.flush()


def forget(session: Session, task: Task) -> None:
    """Begin to wait anew: what counted as an end under another mode may count no more."""
    session.execute(update(Dependency).where(Dependency.task_id == task.id).values(arrival=None))


def references(task_ids: Iterable[int], actor: Actor | None = None) -> dict[int, list[str]]:
    """What each of these tasks waits for, as `save` takes it: keys; the number of one deleted, or hidden from `actor`."""
    found: dict[int, list[str]] = {task_id: [] for task_id in task_ids}
    for edge, task in _joined(list(found)):
        plain = task.deleted_at is None and (actor is None or can(actor, "task.see", task))
        found[edge.task_id].append(task.key if plain else str(task.id))
    return found


def names(task_ids: Iterable[int], actor: Actor) -> dict[int, list[str]]:
    """What each of these tasks waits for, for people; those in the trash left out."""
    found: dict[int, list[str]] = {task_id: [] for task_id in task_ids}
    for edge, task in _joined(list(found)):
        if task.deleted_at is None:
            found[edge.task_id].append(name_for(actor, task))
    return found


def upstreams(task: Task) -> list[Upstream]:
    """The tasks it waits for by name, those in the trash too; whether they may be seen is for the asker to look at."""
    return [Upstream(other, edge.arrival) for edge, other in _joined([task.id])]


def dependants(actor: Actor, task: Task) -> list[Task]:
    """The tasks that wait for it, as far as `actor` may see them, by name."""
    query = select(Task).join(Dependency, Dependency.task_id == Task.id).where(Dependency.upstream_id == task.id)
    found = db.session.scalars(query.where(Task.deleted_at.is_(None)).order_by(Task.name)).unique()
    return [one for one in found if can(actor, "task.see", one)]


def warnings(actor: Actor, task: Task, waited_for: Sequence[Upstream]) -> list[Problem]:
    """What keeps the task from running as somebody who made it wait may expect, in sentences for people."""
    dead = [one.task for one in waited_for if one.task.deleted_at is not None]
    resting = [one.task for one in waited_for if one.task.deleted_at is None and not one.task.enabled]
    found = [Problem(FIELD, N_("“%(name)s” is in the trash and counts no more."), {"name": name_for(actor, one)}) for one in dead]
    if dead and len(dead) == len(waited_for):
        found.append(Problem(FIELD, N_("All it waits for is in the trash: only its schedule and people still start it.")))
    text = N_("“%(name)s” is disabled and runs only by hand.")
    found += [Problem(FIELD, text, {"name": name_for(actor, one)}) for one in resting]
    if waited_for and not task.enabled:
        found.append(Problem(FIELD, N_("It is disabled: when what it waits for has ended, its run is skipped.")))
    return found


def name_for(actor: Actor, task: Task) -> str:
    """What the task is called before `actor`, who may not be allowed to know more of it than its number."""
    return task.name if can(actor, "task.see", task) else f"#{task.id}"


def graph(actor: Actor, around: int | None = None) -> Graph:
    """Everything that waits and what it waits for; with `around` only what leads to that task and what follows from it."""
    query = select(Dependency.upstream_id, Dependency.task_id).join(Task, Task.id == Dependency.task_id)
    query = query.where(Task.deleted_at.is_(None)).order_by(Dependency.task_id, Dependency.upstream_id)
    pairs = [(row.upstream_id, row.task_id) for row in db.session.execute(query)]
    if around is not None:
        related = _reached(pairs, around) | _reached([(task, upstream) for upstream, task in pairs], around)
        pairs = [pair for pair in pairs if related.issuperset(pair)]
    ids = {number for pair in pairs for number in pair} | ({around} if around is not None else set())
    tasks = {task.id: task for task in _tasks(db.session(), sorted(ids)) if can(actor, "task.see", task)}
    return Graph(tasks, [(upstream, task) for upstream, task in pairs if task in tasks])


def behind(session: Session, task_ids: Collection[int]) -> dict[int, set[int]]:
    """Each of these tasks with itself and all that it comes after, however far back."""
    pairs: list[tuple[int, int]] = []
    frontier, seen = sorted(task_ids), set(task_ids)
    edges = select(Dependency.task_id, Dependency.upstream_id)
    while frontier:
        fresh = [row for part in chunks(frontier) for row in session.execute(edges.where(Dependency.task_id.in_(part)))]
        pairs += [(row.task_id, row.upstream_id) for row in fresh]
        frontier = sorted({row.upstream_id for row in fresh} - seen)
        seen.update(frontier)
    return {one: _reached(pairs, one) for one in task_ids}


def choices(actor: Actor, task: Task | None, most: int) -> list[Task]:
    """Tasks to choose an upstream from, by name: not the task itself."""
    query = select(Task).where(Task.deleted_at.is_(None), Task.id != (task.id if task else 0)).order_by(Task.name, Task.id)
    found = (one for one in db.session.scalars(query).unique() if can(actor, "task.see", one))
    return [one for one, _ in zip(found, range(most), strict=False)]


def _resolved(session: Session, actor: Actor, task: Task, wanted: Sequence[int | str], known: frozenset[int]) -> list[int]:
    """The numbers of the tasks `wanted` names, each once."""
    found: dict[int, None] = {}
    problems = []
    for reference in wanted:
        upstream = _upstream(session, actor, reference, known)
        if upstream is None:
            problems.append(Problem(FIELD, N_("There is no task “%(name)s” to wait for."), {"name": str(reference)[:60]}))
        elif upstream.id == task.id:
            problems.append(Problem(FIELD, N_("A task cannot wait for itself.")))
        else:
            found[upstream.id] = None
    if problems:
        raise Invalid(problems)
    return list(found)


def _upstream(session: Session, actor: Actor, reference: int | str, known: frozenset[int]) -> Task | None:
    """The task of that key or number: a living one before one in the trash, which only counts when it is waited for already."""
    match = matching(Task.id, Task.key, reference)
    query = select(Task).where(match).order_by(Task.deleted_at.is_not(None), Task.id.desc())
    for task in session.scalars(query).unique():
        seen = can(actor, "task.see", task) and (task.deleted_at is None or task.id in known)
        if seen or (task.id in known and str(reference) == str(task.id)):
            return task
    return None


def _circle(session: Session, task_id: int, upstream_ids: Iterable[int]) -> list[int]:
    """The shortest way from the task over what it would wait for back to itself; those in the trash count, they may return."""
    came = dict.fromkeys(upstream_ids, task_id)
    waited_for = select(Dependency.task_id).where(Dependency.upstream_id == task_id).limit(1)
    frontier = list(came) if came and session.scalar(waited_for) else []  # no way leads back to whom nobody waits for
    while frontier:
        following = []
        for edge in _edges(session, frontier):
            if edge.upstream_id == task_id:
                return [*_back(came, edge.task_id, task_id), task_id]
            if edge.upstream_id not in came:
                came[edge.upstream_id] = edge.task_id
                following.append(edge.upstream_id)
        frontier = following
    return []


def _back(came: dict[int, int], last: int, first: int) -> list[int]:
    way = [last]
    while way[-1] != first:
        way.append(came[way[-1]])
    return way[::-1]


def _named(session: Session, actor: Actor, way: Sequence[int]) -> str:
    tasks = {task.id: task for task in _tasks(session, sorted(set(way)))}
    names = [tasks[one].name if can(actor, "task.see", tasks[one]) else HIDDEN for one in way]
    if len(names) > LONGEST_WAY:
        names = [*names[: LONGEST_WAY // 2], HIDDEN, *names[-LONGEST_WAY // 2 :]]
    return " → ".join(names)


def _reached(pairs: Iterable[tuple[int, int]], start: int) -> set[int]:
    """`start` and everything to be reached from it along `pairs`."""
    following: dict[int, list[int]] = {}
    for source, target in pairs:
        following.setdefault(source, []).append(target)
    found, waiting = {start}, [start]
    while waiting:
        fresh = [one for one in following.get(waiting.pop(), ()) if one not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _edges(session: Session, task_ids: Sequence[int]) -> Iterator[Dependency]:
    for start in range(0, len(task_ids), CHUNK):
        query = select(Dependency).where(Dependency.task_id.in_(task_ids[start : start + CHUNK]))
        yield from session.scalars(query.order_by(Dependency.task_id, Dependency.upstream_id)).all()


def _tasks(session: Session, ids: Sequence[int]) -> Iterator[Task]:
    for start in range(0, len(ids), CHUNK):
        yield from session.scalars(select(Task).where(Task.id.in_(ids[start : start + CHUNK]))).unique().all()


def _joined(task_ids: Sequence[int]) -> list[tuple[Dependency, Task]]:
    query = select(Dependency, Task).join(Task, Task.id == Dependency.upstream_id).where(Dependency.task_id.in_(task_ids))
    query = query.options(lazyload(Task.tags))  # lists ask for many, and show none of these
    return [(row.Dependency, row.Task) for row in db.session.execute(query.order_by(Task.name, Task.id)).unique()]
