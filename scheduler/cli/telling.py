"""How the command line speaks: lines or JSON, a bar on a terminal, errors in words, an exit code for each outcome."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from scheduler.database import db
from scheduler.errors import SchedulerError

T = TypeVar("T")
as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")


def told(verb: Callable[[], T]) -> T:
    """What `verb` answers; an error of ours is said in lines and ends with 1, without a stack trace."""
    try:
        return verb()
    except SchedulerError as error:
        db.session.rollback()
        raise click.ClickException("\n".join(map(str, error.problems))) from error


def say(found: dict[str, Any], in_json: bool, *lines: str) -> None:
    """The same in JSON or in lines."""
    if in_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
    else:
        for line in lines:
            click.echo(line)


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the console's error stream, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=100, label=label, file=sys.stderr) as shown:

        def progress(done: int, total: int) -> None:
            shown.update(max(done * 100 // max(total, 1) - shown.pos, 0))

        yield progress
