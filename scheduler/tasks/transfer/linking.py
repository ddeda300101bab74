"""What the tasks of a file wait for: named by key, there for the actor, in no circle with one another or with what stands."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from scheduler.accounts.permissions import Actor, can
from scheduler.errors import N_, Problem
from scheduler.tasks import dependencies
from scheduler.tasks.models import Dependency, Task
from scheduler.tasks.transfer.changes import Change
from scheduler.tasks.transfer.source import Located, located, while_few

CHUNK = 500


def named(session: Session, actor: Actor, task_ids: Sequence[int]) -> dict[str, list[str]]:
    """For each task's key the keys of what it waits for, as far as the actor may name it: alive and to be seen."""
    wanted = set(task_ids)
    found: dict[str, list[str]] = {}
    for row in _edges(session):
        if row.task_id in wanted and row.deleted_at is None and can(actor, "task.see", row):
            found.setdefault(row.task_key, []).append(row.key)
    return found


def problems(
    session: Session, actor: Actor, changes: Sequence[Change], by_key: Mapping[str, Any], in_file: Collection[str]
) -> list[Located]:
    """What is wrong with what they wait for: somebody who is not there, themselves, or a circle, with the way round it.

    `in_file` are the keys of all entries, those among them that are wrong in other ways.
    """
    writing = {change.key: change for change in changes if change.action in ("create", "change")}
    leaving = {change.key for change in changes if change.action == "delete"}
    there = {key for key, row in by_key.items() if can(actor, "task.see", row)} - leaving | {*in_file}
    found: list[Located] = []
    for change in while_few(writing.values(), found):
        found += _missing(change, there)
    if not found:
        found = _circles(session, actor, writing, by_key)
    return found


def write(session: Session, changes: Iterable[Change]) -> None:
    """Save what each waits for, within a transaction; what its maker could not see or name stays."""
    changes = [change for change in changes if change.depends_on or "depends_on" in change.fields]
    ids = {row.key: row.id for row in session.execute(select(Task.key, Task.id).where(Task.deleted_at.is_(None)))}
    for change in changes:
        wanted = {ids[key] for key in change.depends_on}
        if change.action == "create":
            session.add_all(Dependency(task_id=ids[change.key], upstream_id=one) for one in sorted(wanted))
            continue
        before = {ids[key] for key in change.fields["depends_on"][0] or []} if "depends_on" in change.fields else wanted
        for edge in session.scalars(select(Dependency).where(Dependency.task_id == ids[change.key])).all():
            if edge.upstream_id in before - wanted:
                session.delete(edge)
        session.add_all(Dependency(task_id=ids[change.key], upstream_id=one) for one in sorted(wanted - before))


def numbers(session: Session) -> dict[int, list[int]]:
    """What every task waits for, by number, in order."""
    found: dict[int, list[int]] = {}
    query = select(Dependency.task_id, Dependency.upstream_id).order_by(Dependency.task_id, Dependency.upstream_id)
    for row in session.execute(query):
        found.setdefault(row.task_id, []).append(row.upstream_id)
    return found


def _missing(change: Change, there: Collection[str]) -> Iterator[Located]:
    for key in change.depends_on:
        if key == change.key:
            yield located(change.entry, Problem(dependencies.FIELD, N_("A task cannot wait for itself.")))
        elif key not in there:
            text = N_("There is no task “%(name)s” to wait for.")
            yield located(change.entry, Problem(dependencies.FIELD, text, {"name": key[:60]}))


def _circles(session: Session, actor: Actor, writing: Mapping[str, Change], by_key: Mapping[str, Any]) -> list[Located]:
    """One circle through what is written, if there is one."""
    graph: dict[str, list[str]] = {}
    for row in _edges(session):
        task = row.task_key if row.task_deleted is None else f"#{row.task_id}"
        upstream = row.key if row.deleted_at is None else f"#{row.id}"
        nameable = row.deleted_at is None and can(actor, "task.see", row)
        if task not in writing or not nameable:
            graph.setdefault(task, []).append(upstream)
    for key, change in writing.items():
        graph.setdefault(key, []).extend(change.depends_on)
    way = _circle(graph, writing)
    if not way:
        return []
    names = [_name(actor, key, writing, by_key) for key in way]
    if len(names) > dependencies.LONGEST_WAY:
        half = dependencies.LONGEST_WAY // 2
        names = [*names[:half], dependencies.HIDDEN, *names[-half:]]
    text = N_("This would make a circle, each task waiting for the next: %(path)s.")
    first = next(key for key in way if key in writing)
    return [located(writing[first].entry, Problem(dependencies.FIELD, text, {"path": " → ".join(names)}))]


def _circle(graph: Mapping[str, Sequence[str]], starts: Iterable[str]) -> list[str]:
    """The way round a circle that can be reached from one of `starts`; walked without recursion, chains may be long."""
    done: set[str] = set()
    for start in starts:
        trail: list[tuple[str, Iterator[str]]] = [(start, iter(graph.get(start, ())))]
        on_trail = {start}
        while trail and start not in done:
            following = next(trail[-1][1], None)
            if following is None:
                done.add(trail[-1][0])
                on_trail.discard(trail.pop()[0])
            elif following in on_trail:
                keys = [key for key, _ in trail]
                return [*keys[keys.index(following) :], following]
            elif following not in done:
                trail.append((following, iter(graph.get(following, ()))))
                on_trail.add(following)
    return []


def _name(actor: Actor, key: str, writing: Mapping[str, Change], by_key: Mapping[str, Any]) -> str:
    if key in writing:
        return writing[key].name
    row = by_key.get(key)
    return str(row.name) if row is not None and can(actor, "task.see", row) else dependencies.HIDDEN


def _edges(session: Session) -> Sequence[Any]:
    other = aliased(Task)
    columns = (
        Dependency.task_id,
        other.key.label("task_key"),
        other.deleted_at.label("task_deleted"),
        Task.id,
        Task.key,
        Task.group_id,
        Task.private,
        Task.owner_id,
        Task.deleted_at,
    )
    query = select(*columns).select_from(Dependency).join(Task, Task.id == Dependency.upstream_id)
    return session.execute(query.join(other, other.id == Dependency.task_id).order_by(Dependency.task_id, Task.key)).all()
