"""The bridge between the form of a task and its values, both ways; what values are right is for the task's drafts to say."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict

from scheduler import clock
from scheduler.config import settings
from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds import kinds
from scheduler.schedules import builder, schedules, spellings, zone
from scheduler.schedules.expression import ALIASES
from scheduler.web import controls, task_controls, task_fixes
from scheduler.web.controls import Typed

ROOT = "schedule_config"
TIMING = frozenset({"schedule_type", ROOT, "timezone", "start_at", "end_at", "max_runs"})
FRESH: Mapping[str, Any] = {"type": "shell", "schedule_type": "daily", ROOT: builder.STARTING["daily"], "is_active": True}
NO_COLUMN = N_("Write * for any.")


def typed(values: Mapping[str, Any]) -> Typed:
    """The form that shows `values`."""
    form: Typed = MultiDict()
    type_, schedule = values.get("type") or "", values["schedule_type"]
    form["type"] = form["type_was"] = type_
    form["schedule_type"] = form["schedule_was"] = schedule
    shown = _for_people(values)
    for control in task_controls.everything(type_, schedule):
        control.show(form, shown)
    return form


def fresh() -> Typed:
    """The form of a task that does not exist yet."""
    return typed({**FRESH, "timezone": settings().engine.timezone})


def values(form: Typed) -> dict[str, Any]:
    """What the form says, as a draft's values; raises `Invalid` for what could not even be read."""
    type_, schedule = form.get("type", ""), form.get("schedule_type", "")
    wanted = list(task_controls.everything(type_, schedule))
    found = controls.nested((control.name, control.read(form)) for control in wanted)
    found |= {"type": type_ or None, "schedule_type": schedule, ROOT: config(form)}
    wrong = [
        Problem(control.name, N_("“%(name)s” is there twice."), {"name": name[:60]})
        for control in wanted
        if control.widget == "pairs" and (name := controls.twice(form, control.name))
    ]
    if wrong:
        raise Invalid(wrong)
    return found


def config(form: Typed) -> Any:
    """The schedule's configuration as the form has it."""
    kind = form.get("schedule_type", "")
    if kind == "cron":
        return {"cron": _line(form)}
    found = controls.nested((control.name, control.read(form)) for control in task_controls.of_schedule(kind))
    return found.get(ROOT, {})


def changes(form: Typed, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the form says anew of a task that has `stored`; what shows as it did before is left as it is.

    What a form cannot show to the letter (a line break within an argument, `@daily`) thus survives being looked at.
    """
    now, before = values(form), values(typed(stored))
    changed = {name: value for name, value in now.items() if name not in before or before[name] != value}
    if "type" in changed:
        changed |= {control.name.partition(".")[0]: now[control.name.partition(".")[0]] for control in
                    task_controls.of_type(form.get("type", ""))}  # fmt: skip
    if TIMING & changed.keys():
        changed |= {name: now[name] for name in TIMING}
    return changed


def settled(form: Typed) -> list[Problem]:
    """Bring a form as it came in to one state: a pasted line split, a fix applied, the fields of newly chosen kinds in place."""
    task_fixes.apply(form)
    problems = _split(form)
    chosen, before = form.get("schedule_type", ""), form.get("schedule_was", "")
    if chosen not in schedules:
        form["schedule_type"] = chosen = before if before in schedules else "manual"
    if before in schedules and chosen != before:
        form["schedule_type"] = before
        kept = _canonical(before, form)
        form["schedule_type"] = chosen
        _put_config(form, chosen, _begun(builder.convert(before, kept, chosen), form))
    form["schedule_was"] = chosen
    if form.get("type", "") not in ("", *kinds.names):
        form["type"] = form.get("type_was", "shell")
    form["type_was"] = form["type"]
    return problems


def unsettled(form: Typed) -> bool:
    """Whether the form comes with fields of another kind than the one that is chosen."""
    chosen = (("type", "type_was"), ("schedule_type", "schedule_was"))
    return any(form.get(now) != form.get(was, form.get(now)) for now, was in chosen)


def forget_secrets(form: Typed) -> list[Problem]:
    """Take typed secrets out of a form that is shown again, and say so."""
    text = N_("What was typed here is not shown again: type it once more.")
    secret = [control for control in task_controls.of_type(form.get("type", "")) if control.widget == "secret"]
    return [Problem(control.name, text) for control in secret if controls.forget_secret(form, control.name)]


def kept(form: Typed) -> list[tuple[str, str]]:
    """What was typed for other types of task: carried along unseen, so that choosing back and forth loses nothing."""
    shown = {control.name for control in task_controls.of_type(form.get("type", ""))}
    others = (control for kind in kinds for control in task_controls.of_type(kind.name) if control.name not in shown)
    names = dict.fromkeys(control.name for control in others if control.widget in ("code", "text"))
    return [(name, form[name]) for name in names if form.get(name)]


def placed(problems: Iterable[Problem], form: Typed) -> list[Problem]:
    """Each problem at the control that shows it: `env.PATH` at `env`, `limits` nowhere in particular."""
    known = {control.name for control in task_controls.everything(form.get("type", ""), form.get("schedule_type", ""))}
    known |= {"type", "version", ROOT, task_controls.LINE}
    return [Problem(_place(problem.field, known), problem.text, problem.params) for problem in problems]


def _place(field: str, known: set[str]) -> str:
    if field in (f"{ROOT}.cron", "schedule_type"):
        return ROOT
    while field and field not in known:
        field = field.rpartition(".")[0]
    return field


def _for_people(stored: Mapping[str, Any]) -> dict[str, Any]:
    """`stored` with instants on the task's own clock and a cron text in columns."""
    zone_name = stored.get("timezone") or settings().engine.timezone
    moments = {name: _local(stored.get(name), zone_name) for name in ("start_at", "end_at")}
    shown = dict(stored.get(ROOT) or {})
    if "at" in shown:
        shown["at"] = _local(shown["at"], zone_name)
    if "cron" in shown:
        shown = _columns(str(shown["cron"]))
    return {**stored, **moments, ROOT: shown}


def _local(text: str | None, zone_name: str) -> str | None:
    """A date and time as a browser's field has it."""
    if not text:
        return text
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(zone(zone_name)).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def _columns(text: str) -> dict[str, str]:
    """A cron text by columns; what has not the right number of them stands in the first."""
    parts = ALIASES.get(text, text).split()
    names = [control.name.partition(".")[2] for control in task_controls.CRON]
    if len(parts) == len(names) + 1:
        return {"second": parts[0], **dict(zip(names, parts[1:], strict=True))}
    return dict(zip(names, parts, strict=True)) if len(parts) == len(names) else {"minute": text}


def _line(form: Typed) -> str:
    """The cron text the columns make; an empty column is refused by name."""
    columns = [(control.name, form.get(control.name, "").strip()) for control in task_controls.CRON]
    empty = [Problem(name, NO_COLUMN) for name, text in columns if not text]
    if empty and len(empty) < len(columns):
        raise Invalid(empty)
    second = form.get(task_controls.SECOND.name, "").strip()
    return " ".join(filter(None, [second, *(text for _, text in columns)]))


def _split(form: Typed) -> list[Problem]:
    """Spread a whole crontab line, from its own field or pasted into a column, over the fields it belongs to."""
    boxes: Sequence[str] = [control.name for control in (*task_controls.CRON, task_controls.SECOND)]
    whole = (name for name in (task_controls.LINE, *boxes) if re.search(r"\S\s+\S|^\s*@", form.get(name, "")))
    source = next(whole, task_controls.LINE)
    line = form.get(source, "").strip()
    if not line:
        return []
    text, command = (None if line.startswith("@every") else builder.split_crontab_line(line)) or (line, "")
    kind, config = "cron", {"cron": text}
    if len(text.split()) not in (5, 6):
        try:
            kind, config = spellings.read(kind, text)
        except Invalid as error:
            # In a column it will be refused with the rest of the expression.
            return [Problem(source, one.text, one.params) for one in error.problems] if source == task_controls.LINE else []
    form[task_controls.LINE] = ""
    form["schedule_type"] = form["schedule_was"] = kind
    _put_config(form, kind, config)
    if command:
        form["type"], form["command"] = "shell", command
    return []


def _put_config(form: Typed, kind: str, config: Mapping[str, Any]) -> None:
    """Let the fields of a schedule show `config`, and nothing else."""
    for name in [name for name in form if name.startswith(f"{ROOT}.")]:
        form.poplist(name)
    shown = _for_people({"timezone": _known(form.get("timezone")), ROOT: config})
    for control in task_controls.of_schedule(kind):
        control.show(form, shown)


def _begun(found: dict[str, Any], form: Typed) -> dict[str, Any]:
    """A configuration to begin with: once is tomorrow at this hour until somebody says when."""
    if found.get("at") != "":
        return found
    here = zone(_known(form.get("timezone")))
    return {"at": (clock.now().astimezone(here) + timedelta(days=1)).strftime("%Y-%m-%dT%H:00")}


def _known(timezone: str | None) -> str:
    """The zone a form names, or the installation's while what it names is none."""
    try:
        return zone(timezone or "").key
    except Invalid:
        return settings().engine.timezone


def _canonical(kind: str, form: Typed) -> dict[str, Any]:
    try:
        return spellings.read(kind, config(form))[1]
    except Invalid:
        return {}  # half-typed: the new kind begins anew
