"""A program file that lies on the server, given by its path below the instance folder."""

import os
from pathlib import Path, PurePosixPath

from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds.base import Arguments, Command, Content, Context, Field, Interpreter, Kind, Name, headline
from scheduler.kinds.python import python_fields, wrapped


class ProgramContent(Content):
    """Where the program lies, its arguments, and who runs it."""

    path: Name
    args: Arguments = ()
    interpreter: Interpreter = ""


class Program(Kind[ProgramContent]):
    """A `.py` file is run as a python task is; anything else by the interpreter given, or by itself."""

    name = "program"
    label = N_("Program file")
    icon = "file-code"
    model = ProgramContent

    def prepare(self, content: ProgramContent, context: Context) -> Command:
        """The program's command; refused again if its file is gone or has moved outside."""
        wrong = self.check(content, context)
        if wrong:
            raise Invalid(wrong)
        path = str(_locate(content.path, context))
        if path.endswith(".py"):
            return wrapped(content.interpreter or context.python, path, content.args)
        return Command((*filter(None, [content.interpreter]), path, *content.args))

    def check(self, content: ProgramContent, context: Context) -> list[Problem]:
        """The first thing wrong with the path, if any."""
        text = _refusal(content, context)
        return [Problem("path", text, {"path": content.path[:60]})] if text else []

    def summary(self, content: ProgramContent) -> str:
        """The path and its arguments."""
        return headline(" ".join([content.path, *content.args]))

    def fields(self) -> list[Field]:
        """The path, then who runs it and how."""
        hint = N_("Below the instance folder, for example tasks/test_task.py.")
        return [Field("path", N_("File"), hint=hint, required=True), *python_fields()]


def _locate(path: str, context: Context) -> Path:
    return (context.instance / path).resolve()


def _refusal(content: ProgramContent, context: Context) -> str:
    given = PurePosixPath(content.path)
    if ".." in given.parts:
        return N_("The path must not contain “..”.")
    if given.is_absolute() and not context.allow_absolute_programs:
        return N_("An absolute path is allowed only where the setting execution.allow_absolute_programs says so.")
    path = _locate(content.path, context)
    if not given.is_absolute() and not path.is_relative_to(context.instance.resolve()):
        return N_("This file lies outside the instance folder.")
    if not path.is_file():
        return N_("There is no file %(path)s.")
    if path.suffix != ".py" and not content.interpreter and not os.access(path, os.X_OK):
        return N_("The file %(path)s is not executable: name its interpreter, or make it executable.")
    return ""
