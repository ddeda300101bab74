"""What each line of a crontab says, in the user's and the system's form, as Debian's cron reads it; makes no task of it."""

import pwd
import re
from dataclasses import dataclass
from itertools import chain

from scheduler.errors import N_, Problem

FORMS = ("auto", "user", "system")
NICKNAMES = ("@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
UNKNOWN_NICKNAME = N_("“%(value)s” is no schedule: %(known)s are.")
TOO_FEW = N_("This is neither a setting (NAME=value) nor five fields and a command.")
NO_COMMAND = N_("There is no command behind the schedule.")
NO_USER = N_("In a system crontab the user's name stands before the command; there is none.")
LOUD = N_("The “-” in front, which keeps cron from writing to the system's log, means nothing here.")

_SETTING = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z_][A-Za-z0-9_]*))\s*=\s*(.*?)\s*""", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_USER = re.compile(r"[a-z_][a-z0-9_.-]*\$?")
_HEADER = re.compile(r"#\s*(m(in(ute)?)?\s+h(our)?\s+(dom|day)|\*\s+\*\s+\*\s+\*\s+\*|[.|`\s]*[|`.-]+\s)", re.IGNORECASE)
_HEADS_USER = re.compile(r"dow\s+user(-?name)?\b", re.IGNORECASE)
_HEADS_COMMAND = re.compile(r"dow\s+command\b", re.IGNORECASE)


@dataclass(frozen=True)
class Blank:
    """Nothing."""


@dataclass(frozen=True)
class Comment:
    """What somebody wrote for people; `heading` when it names the columns or draws a picture of them."""

    text: str
    heading: bool = False


@dataclass(frozen=True)
class Setting:
    """A variable for the lines below it."""

    name: str
    value: str


@dataclass(frozen=True)
class Job:
    """A schedule and a command; `stdin` is what stands behind the first `%`, None without one."""

    schedule: str
    user: str
    command: str
    stdin: str | None
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Wrong:
    """A line cron would not take either."""

    problem: Problem


Said = Blank | Comment | Setting | Job | Wrong


def lines_of(text: str) -> list[str]:
    """The lines, whatever they end with."""
    return text.replace("\r\n", "\n").split("\n")[: -1 if text.endswith("\n") else None]


def is_system(lines: list[str]) -> bool:
    """Whether the sixth word of each job seems to be a user: by the heading if there is one, else by the users there are."""
    headings = [line for line in lines if line.lstrip().startswith("#")]
    if any(_HEADS_USER.search(line) for line in headings):
        return True
    if any(_HEADS_COMMAND.search(line) for line in headings):
        return False
    jobs = (said for line in lines if isinstance(said := read(line, system=True), Job | Wrong))
    first = next(jobs, None)
    return first is not None and all(isinstance(job, Job) and _is_user(job.user) for job in chain([first], jobs))


def read(line: str, system: bool) -> Said:
    """What one line says."""
    stripped = line.strip(" \t")
    if not stripped:
        return Blank()
    if stripped.startswith("#"):
        return Comment(_comment(stripped), bool(_HEADER.match(stripped)))
    setting = _SETTING.fullmatch(line)
    if setting:
        return _setting(setting)
    return _job(stripped, system)


def _comment(text: str) -> str:
    return text.lstrip("#").strip().strip("-=*~_#").strip()


def _setting(found: re.Match[str]) -> Said:
    name = next(part for part in found.groups()[:3] if part is not None)
    value = found[4]
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    if not _NAME.fullmatch(name):
        text = N_("“%(name)s” is not a variable's name: letters, digits and “_”, not starting with a digit.")
        return Wrong(Problem("env", text, {"name": name[:60]}))
    return Setting(name, value)


def _job(line: str, system: bool) -> Said:
    notes: tuple[Problem, ...] = ()
    if line.startswith("-"):
        line, notes = line[1:], (Problem("", LOUD),)
    parts = line.split(None, 1) if line.startswith("@") else line.split(None, 5)
    count = 1 if line.startswith("@") else 5
    if count == 1 and parts[0].lower() not in NICKNAMES:
        return Wrong(Problem("schedule_config", UNKNOWN_NICKNAME, {"value": parts[0][:60], "known": ", ".join(NICKNAMES)}))
    if len(parts) < count or (len(parts) == count and count == 5 and not re.match(r"[\d*]", line)):
        return Wrong(Problem("", TOO_FEW))
    schedule, rest = " ".join(parts[:count]), parts[count] if len(parts) > count else ""
    user = ""
    if system:
        user, rest = (*rest.split(None, 1), "", "")[:2]
        if not _USER.fullmatch(user) or not rest:
            return Wrong(Problem("user", NO_USER))
    command, stdin = _split(rest)
    if not command.strip():
        return Wrong(Problem("command", NO_COMMAND))
    return Job(schedule.lower() if count == 1 else schedule, user, command.strip(), stdin, notes)


def _split(text: str) -> tuple[str, str | None]:
    r"""The command and its input: the first bare `%` parts them, further ones are line breaks, `\%` is a percent sign."""
    parts: list[str] = [""]
    place = 0
    while place < len(text):
        if text.startswith("\\%", place):
            parts[-1] += "%"
            place += 2
        elif text[place] == "%":
            parts.append("")
            place += 1
        else:
            end = _next(text, place + 1)
            parts[-1] += text[place:end]
            place = end
    return parts[0], "\n".join(parts[1:]) if len(parts) > 1 else None


def _next(text: str, start: int) -> int:
    """Where the next character that might mean something stands."""
    while start < len(text) and text[start] not in "\\%":
        start += 1
    return start


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return name == "root"
    return True
