"""What every kind of work is made of: the content it accepts, the command it amounts to, the fields of its form."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from scheduler.errors import N_, Invalid, Problem
from scheduler.validation import Refusal, problems

LONGEST_TEXT = 64 * 1024
LONGEST_SUMMARY = 120


@dataclass(frozen=True)
class Command:
    """What is executed: `files` are written (mode 0700) into the attempt's folder before; `masks` are hidden in the output.

    `argv[0]` without a slash is looked up on the task's own PATH.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    masks: tuple[str, ...] = ()

    def placed(self, folder: Path | str) -> list[str]:
        """The arguments with `{dir}/<file>` standing for the files in `folder`.

        Only a whole argument naming one of our files is replaced: what a user wrote may contain `{dir}` as well.
        """
        ours = {f"{{dir}}/{name}": f"{folder}/{name}" for name in self.files}
        return [ours.get(argument, argument) for argument in self.argv]


@dataclass(frozen=True)
class Context:
    """What a kind may know of its surroundings; `python` is the interpreter of tasks that name none."""

    instance: Path
    params: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 3600
    allow_absolute_programs: bool = False
    outgoing_allow: tuple[str, ...] = ()
    outgoing_deny: tuple[str, ...] = ()
    python: str = sys.executable


@dataclass(frozen=True)
class Field:
    """One control of a kind's form; `widget` is code, text, number, select, checkbox, pairs, lines or secret."""

    name: str
    label: str
    widget: str = "text"
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    default: Any = None
    secret: bool = False
    group: str = ""


def _fits(text: str) -> str:
    if "\0" in text:
        raise Refusal(N_("This must not contain NUL characters."))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Refusal(N_("This is not valid text.")) from None
    if size > LONGEST_TEXT:
        raise Refusal(N_("This is too long: %(size)s KB, at most %(limit)s."), size=-(-size // 1024), limit=LONGEST_TEXT // 1024)
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise Refusal(N_("This must not be empty."))
    return text


def _unix(text: str) -> str:
    # Browsers send CR LF and some editors a byte order mark; neither survives a shell or a first line `#!`.
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _runnable(text: str) -> str:
    if "/" in text and not text.startswith("/"):
        raise Refusal(N_("Give an absolute path, or a bare name to be found on PATH."))
    if text.startswith("-") or not text.isprintable():
        raise Refusal(N_("This cannot be the name of a program."))
    return text


Text = Annotated[str, AfterValidator(_fits)]
Word = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_fits)]
Name = Annotated[Word, AfterValidator(_filled)]
Code = Annotated[Text, AfterValidator(_unix), AfterValidator(_filled)]
Interpreter = Annotated[Word, AfterValidator(_runnable)]
Arguments = tuple[Text, ...]


class Content(BaseModel):
    """What a task of one kind is told to do; unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


C = TypeVar("C", bound=Content)


class Kind(ABC, Generic[C]):
    """A kind of work; nothing outside may ask for its name to decide anything."""

    name: str
    label: str
    icon: str
    model: type[C]
    secret_paths: tuple[str, ...] = ()
    referring: tuple[str, ...] = ()  # the fields that may name secrets: what is put there is no argument and in no file

    @abstractmethod
    def prepare(self, content: C, context: Context) -> Command:
        """The command that does the work; `Invalid` when it cannot be made."""

    @abstractmethod
    def summary(self, content: C) -> str:
        """One line for lists, without secrets."""

    @abstractmethod
    def fields(self) -> list[Field]:
        """The controls of the form, in order."""

    def check(self, content: C, context: Context) -> list[Problem]:
        """What a look deeper than the model's finds wrong; asked on save."""
        return []


def read(kind: Kind[C], values: Mapping[str, Any]) -> C:
    """The content that `values` amount to; `Invalid` naming each wrong field."""
    try:
        return kind.model.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid(problems(error)) from error


def headline(text: str, skip: Sequence[str] = ()) -> str:
    """The first line of `text` that says something, cut to fit a list; lines beginning with one of `skip` say nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(tuple(skip))] or lines or [""]
    line = told[0] + (" …" if len(told) > 1 else "")
    return line if len(line) <= LONGEST_SUMMARY else line[: LONGEST_SUMMARY - 1] + "…"
