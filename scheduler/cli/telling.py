"""How the command line speaks: lines or JSON, a bar on a terminal, errors in words, an exit code for each outcome."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import click
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError, ProgrammingError

from scheduler.database import db
from scheduler.errors import N_, SchedulerError, Unavailable

T = TypeVar("T")
NO_TABLES = N_("There are no tables yet: start the server once.")
as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")


class Told(click.ClickException):
    """An error of ours, with its fields: in lines, or in JSON where answers are."""

    def __init__(self, error: SchedulerError) -> None:
        super().__init__("\n".join(map(str, error.problems)))
        self.errors = [{"field": one.field, "message": one.text % one.params} for one in error.problems]
        context = click.get_current_context(silent=True)  # gone by the time it is shown
        self.in_json = bool(context and context.params.get("as_json"))

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it on the error stream, so that standard output holds answers only."""
        if not self.in_json:
            super().show(file)
            return
        said = {"error": self.message, "errors": self.errors}
        click.echo(json.dumps(said, ensure_ascii=False, indent=2), file=file, err=True)


def told(verb: Callable[[], T]) -> T:
    """What `verb` answers; an error of ours is said in lines and ends with 1, without a stack trace."""
    try:
        return verb()
    except SchedulerError as error:
        db.session.rollback()
        raise Told(error) from error
    except (OperationalError, ProgrammingError, sqlite3.OperationalError) as error:
        db.session.rollback()
        if inspect(db.engine).has_table("task"):
            raise
        raise Told(Unavailable.because(NO_TABLES)) from error


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
