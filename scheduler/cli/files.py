"""`import` and `export`: files of tasks on the command line; formats and rules live in `tasks.transfer`."""

from collections.abc import Sequence
from typing import Any

import click
from flask.cli import with_appcontext

from scheduler.accounts.permissions import SYSTEM
from scheduler.cli.ringing import heard
from scheduler.cli.telling import as_json, bar, say, told
from scheduler.tasks import groups, queries
from scheduler.tasks.transfer import decoding, exchange
from scheduler.tasks.transfer.changes import Options, Plan
from scheduler.tasks.transfer.crontab import FORMS
from scheduler.tasks.transfer.fires import total
from scheduler.tasks.transfer.source import LARGEST

SHOWN = 200
ACTIONS = {"create": "new", "change": "changed", "delete": "deleted", "same": "as it is"}


@click.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "format_", type=click.Choice(("auto", *exchange.FORMATS)), default="auto", show_default=True)
@click.option("--form", type=click.Choice(FORMS), default="auto", help="Which kind of crontab.", show_default=True)
@click.option("--dry-run", is_flag=True, help="Only say what it would do, and what it would make fire.")
@click.option(
    "--replace",
    is_flag=True,
    help="Move tasks that are not in the file to the trash; templates and rules go where it speaks of such.",
)
@click.option("--enable", is_flag=True, help="Enable the tasks of a crontab at once.")
@as_json
@with_appcontext
def import_command(path: str, format_: str, form: str, as_json: bool, **flags: bool) -> None:
    """Bring tasks in from PATH (- for standard input), whole or not at all.

    Exit codes: 0 done, 1 refused (each line that is wrong is told), 2 wrong usage.
    """
    with click.open_file(path, "rb") as file:
        data = file.read(LARGEST + 1)  # one too many is refused
    told(groups.ensure_default)  # no server may have started yet
    options = Options(replace=flags["replace"], enable=flags["enable"])
    source = told(lambda: exchange.read(data, decoding.guess(data) if format_ == "auto" else format_, form))
    found: dict[str, Any] = {"dry_run": flags["dry_run"], "format": source.format}
    with heard(), bar("Reading") as progress:
        if flags["dry_run"]:
            outcome = exchange.look(SYSTEM, source, options, progress)
            plan, whole = outcome.plan, total(outcome.fires.values())
            found["fires"] = {"days": 14, "gained": whole.gained, "lost": whole.lost, "more": whole.more}
        else:
            plan = told(lambda: exchange.bring_in(SYSTEM, source, options, progress))
    counts = {word: len(plan.of(action)) for action, word in ACTIONS.items()}
    lines = (
        [note.text % note.params for note in source.notes]
        + _lines(plan)
        + [f"{word}: {number}" for word, number in counts.items()]
    )
    if flags["dry_run"]:
        lines.append(f"fires in 14 days: +{whole.gained} -{whole.lost}{' and more' if whole.more else ''}")
    found |= {"counts": counts, "changes": _moving(plan), "problems": [str(problem) for problem in plan.problems]}
    found["lines"] = _report(plan)
    say(found, as_json, *lines)
    if plan.problems:
        if not as_json:
            click.echo("\n".join(map(str, plan.problems)), err=True)
        raise click.exceptions.Exit(1)


@click.command("export")
@click.argument("keys", nargs=-1)
@click.option("--format", "format_", type=click.Choice(exchange.WRITTEN), default="yaml", show_default=True)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, allow_dash=True), default="-", help="A file; - is standard output."
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@with_appcontext
def export_command(keys: tuple[str, ...], format_: str, output: str, as_json: bool) -> None:
    """Write all tasks, or those of KEYS, as a file; secrets are masked."""
    format_ = "json" if as_json else format_
    ids = frozenset(told(lambda key=key: queries.find(SYSTEM, key)).id for key in keys) if keys else None  # type: ignore[misc]
    text = told(lambda: exchange.written(SYSTEM, format_, ids))
    with click.open_file(output, "w", encoding="utf-8", atomic=output != "-") as file:
        file.write(text)


def _lines(plan: Plan) -> list[str]:
    if plan.source.lines:
        return _some([f"{one['line']:>4} {one['role']:<8} {one['text'][:60]}{_notes(one['notes'])}" for one in _report(plan)])
    shown = [
        (one["action"], one["key"] if one["what"] == "task" else f"{one['what']} {one['key']}", one) for one in _moving(plan)
    ]
    return _some([f"{action:<8} {name}  {', '.join(one['fields'])}".rstrip() for action, name, one in shown])


def _some(lines: list[str]) -> list[str]:
    left_off = len(lines) - SHOWN
    return [*lines[:SHOWN], f"{left_off} more are not listed: --json lists them all."] if left_off > 0 else lines


def _moving(plan: Plan) -> list[dict[str, Any]]:
    """What would not stay as it is: groups, templates, tasks and rules, each with the fields that differ."""
    several: list[tuple[str, Sequence[Any]]] = [
        ("group", plan.groups),
        ("template", plan.recipes),
        ("task", plan.changes),
        ("rule", plan.rules),
    ]
    return [
        {"what": what, "key": one.name if what == "rule" else one.key, "action": ACTIONS[one.action], "fields": list(one.fields)}
        for what, changes in several
        for one in changes
        if one.action != "same"
    ]


def _report(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"line": line.number, "text": line.text, "role": line.role, "notes": [note.text % note.params for note in line.notes]}
        for line in plan.source.lines
        if line.role != "blank"
    ]


def _notes(notes: list[str]) -> str:
    return "".join(f"\n              {note}" for note in notes)


COMMANDS = (import_command, export_command)
