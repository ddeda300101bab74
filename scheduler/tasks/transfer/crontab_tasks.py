"""Tasks made of a crontab's lines, disabled, with a report on every line: what it became, and what is otherwise here."""

import os
import pwd
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds import kinds
from scheduler.schedules import zone
from scheduler.tasks import wording
from scheduler.tasks.transfer import crontab
from scheduler.tasks.transfer.crontab import Comment, Job, Setting, Wrong
from scheduler.tasks.transfer.source import CORRECT_LINE, MOST_TASKS, UNREAD, Entry, Line, Source, enough, on_line

LONGEST_NAME = 80
MOST_LINES = 100_000
SHELLS = {"/bin/sh": "sh", "/usr/bin/sh": "sh", "/bin/dash": "sh", "/bin/bash": "bash", "/usr/bin/bash": "bash"}
AS_SYSTEM = N_("Read as a system crontab: the sixth word is a user.")
AS_USER = N_("Read as a user's crontab: the command begins with the sixth word.")
CREATED_DISABLED = N_("The tasks are created disabled: take them out of the crontab, then enable them.")
NO_TASK = N_("No line of it is a task.")
AT_BOOT = N_("Nothing is started here when the machine boots: it becomes a task that is run by hand.")
OTHER_USER = N_("There it runs as “%(user)s”, here as “%(me)s”, as every task does.")
INPUT = N_("What stands behind the “%%” is given to the command as its input, as cron does.")
NO_MAIL = N_("Nothing is mailed: what a task prints is its log.")
ZONE_OF_COMMAND = N_("As in Debian's cron it is for the command alone; the schedule is in the zone of this installation.")
ZONE_OF_SCHEDULE = N_("The schedules below are in this zone.")
OTHER_SHELL = N_("The commands below are read by %(shell)s, through a first line with “#!”.")
SWITCHED_OFF = N_("A line that is switched off; it is not carried over.")

REMEDIES = {
    crontab.TOO_FEW: N_("Write five fields and a command, as in “0 2 * * * /opt/backup.sh”, or put a “#” in front of the line."),
    crontab.NO_COMMAND: N_("Write the command behind the schedule, or put a “#” in front of the line."),
    crontab.NO_USER: N_("Write the user before the command; or have it read as a user's crontab, where none stands there."),
    crontab.UNKNOWN_NICKNAME: N_("Write one of these or five fields, as in “0 2 * * *”, or put a “#” in front of the line."),
}

_FIELD = re.compile(r"[\d*/,A-Za-z-]*[\d*][\d*/,A-Za-z-]*|[A-Za-z]{3}")


@dataclass
class Reader:
    """What holds where we are: the settings above, the comment right above."""

    system: bool
    source: Source
    env: dict[str, str] = field(default_factory=dict)
    zone: str = ""
    comments: list[str] = field(default_factory=list)


def read(text: str, form: str = "auto") -> Source:
    """The tasks of the crontab and its lines; what cannot be read is among the problems, each with its line."""
    lines = crontab.lines_of(text)
    if len(lines) > MOST_LINES:
        raise Invalid.because(N_("There are %(count)s lines in it, at most %(limit)s."), count=len(lines), limit=MOST_LINES)
    system = form == "system" or (form == "auto" and crontab.is_system(lines))
    source = Source("crontab")
    reader = Reader(system, source)
    for number, line in enumerate(lines, 1):
        if enough(source.problems):
            source.lines.append(Line(number, line, UNREAD))
            continue
        _take(reader, number, line)
        if len(source.entries) > MOST_TASKS:
            text = N_("There are more than %(limit)s tasks in it.")
            raise Invalid.because(text, limit=MOST_TASKS)
    told = (AS_SYSTEM if system else AS_USER, CREATED_DISABLED) if source.entries or source.problems else (NO_TASK,)
    source.notes = [Problem("", text) for text in told]
    return source


def _take(reader: Reader, number: int, text: str) -> None:
    said = crontab.read(text, reader.system)
    line = Line(number, text, type(said).__name__.lower())
    reader.source.lines.append(line)
    if isinstance(said, Comment):
        _comment(reader, line, said)
        return
    if isinstance(said, Wrong):
        _wrong(reader, line, said.problem)
    elif isinstance(said, Setting):
        _setting(reader, line, said)
    elif isinstance(said, Job):
        _job(reader, line, said)
    reader.comments = []


def _comment(reader: Reader, line: Line, said: Comment) -> None:
    off = crontab.read(line.text.lstrip().lstrip("#").strip(), reader.system)
    if isinstance(off, Job) and not said.heading and _is_schedule(off.schedule):
        line.role, line.notes = "lost", [Problem("", SWITCHED_OFF)]
        reader.comments = []
    elif said.heading:
        reader.comments = []
    elif said.text:
        reader.comments.append(said.text)


def _is_schedule(text: str) -> bool:
    return text.startswith("@") or all(_FIELD.fullmatch(part) for part in text.split())


def _wrong(reader: Reader, line: Line, problem: Problem) -> None:
    line.role = "wrong"
    line.notes.append(problem)
    remedy = REMEDIES.get(problem.text, CORRECT_LINE)
    reader.source.problems.append(on_line(line.number, problem.field, problem, line.text, remedy))


def _setting(reader: Reader, line: Line, said: Setting) -> None:
    if said.name == "CRON_TZ":
        try:
            zone(said.value)
        except Invalid as error:
            _wrong(reader, line, error.problems[0])
            return
        reader.zone = said.value
        line.notes.append(Problem("", ZONE_OF_SCHEDULE))
        return
    reader.env[said.name] = said.value
    if said.name == "MAILTO":
        line.notes.append(Problem("", NO_MAIL))
    elif said.name == "TZ":
        line.notes.append(Problem("", ZONE_OF_COMMAND))
    elif said.name == "SHELL" and said.value not in SHELLS:
        line.notes.append(Problem("", OTHER_SHELL, {"shell": said.value[:60]}))


def _job(reader: Reader, line: Line, job: Job) -> None:
    entry = Entry(line.number, "", {}, whole=False, origin=line.text.strip(), notes=list(job.notes))
    env = dict(reader.env)
    mailto, shell = env.pop("MAILTO", None), env.pop("SHELL", "/bin/sh")
    if job.stdin is not None:
        entry.notes.append(Problem("", INPUT))
    if job.schedule == "@reboot":
        entry.notes.append(Problem("", AT_BOOT))
        timing: dict[str, Any] = {"schedule_type": "manual", "schedule_config": {}}
    else:
        timing = {"schedule_type": "cron", "schedule_config": {"cron": job.schedule}}
    me = _me()
    if job.user and job.user != me:
        entry.notes.append(Problem("", OTHER_USER, {"user": job.user, "me": me}))
    name, description = _named(reader, job)
    entry.values = {
        "name": name,
        "description": description,
        "type": "shell",
        **_content(job, shell),
        **timing,
        "timezone": reader.zone,
        "env": env,
        "working_directory": _directory(env.get("HOME", ""), job.user or me),
        "is_active": False,
        "metadata": _kept(entry.origin, mailto, job.user),
    }
    line.role, line.becomes, line.notes = "task", name, entry.notes
    reader.source.entries.append(entry)


def _kept(line: str, mailto: str | None, user: str) -> dict[str, str]:
    """What stays with the task of where it comes from."""
    found = {"crontab": line, "mailto": mailto or "", "user": user}
    return {name: value for name, value in found.items() if value}


def _content(job: Job, shell: str) -> dict[str, str]:
    """The command as cron would have it run, its input included."""
    command = job.command
    if job.stdin is not None:
        mark = "END"
        while mark in job.stdin.split("\n"):
            mark += "_"
        command = f"{{ {command}\n}} <<'{mark}'\n{job.stdin}\n{mark}"
    if shell in SHELLS:
        return {"command": command, **({"shell": "bash"} if SHELLS[shell] == "bash" else {})}
    return {"command": f"#!{shell}\n{command}"}


def _named(reader: Reader, job: Job) -> tuple[str, str]:
    """A name from the comment right above or the command, and what else the comment says."""
    comments = [tidy for text in reader.comments if (tidy := _printable(text))]
    if comments and len(comments[0]) <= LONGEST_NAME:
        first, rest = comments[0], comments[1:]
    else:
        kind = kinds.get("shell")
        first = _printable(kind.summary(kind.model.model_construct(command=job.command)))[:LONGEST_NAME].strip()
        rest = comments
    return first or "crontab", "\n".join(rest)[:2000]


def _printable(text: str) -> str:
    """`text` without what no name may hold."""
    kept = "".join(one for one in text if one not in "<>" and unicodedata.category(one) not in wording.REFUSED)
    return " ".join(kept.split())


def _directory(home: str, user: str) -> str:
    """Where cron would start it: `HOME` where the crontab names one, else the user's home."""
    if home.startswith("/"):
        return home
    try:
        return pwd.getpwnam(user).pw_dir
    except KeyError:
        return ""


def _me() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
