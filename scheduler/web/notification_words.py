"""Rules, events and deliveries in words for people: one sentence for each rule; decides nothing."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from scheduler.errors import N_
from scheduler.notify.channels import ways
from scheduler.notify.rule_verbs import Known
from scheduler.notify.terms import Choice, Terms

EVENTS: Mapping[str, str] = {
    "success": N_("Success"),
    "business_failure": N_("Business failure"),
    "technical_failure": N_("Technical failure"),
    "timeout": N_("Timed out"),
    "lost": N_("Lost"),
    "missed": N_("Missed"),
    "skipped": N_("Skipped"),
    "recovered": N_("Works again"),
}
# Tone, icon and word of each status of a delivery.
STANDINGS: Mapping[str, tuple[str, str, str]] = {
    "pending": ("idle", "hourglass", N_("Waiting")),
    "sent": ("good", "circle-check", N_("Sent")),
    "failed": ("bad", "circle-x", N_("Given up")),
    "folded": ("idle", "copy", N_("In a summary")),
}


def event(name: str) -> str:
    """An event in a word."""
    return str(_(EVENTS[name])) if name in EVENTS else name


def events() -> list[tuple[str, str]]:
    """Every event a rule may wait for, with its word."""
    return [(name, event(name)) for name in EVENTS]


def when(terms: Terms) -> str:
    """When a rule speaks."""
    named = str(_(", ")).join(event(name) for name in terms.triggers)
    if terms.threshold == 1:
        return named
    if terms.repeat:
        return str(_("%(events)s, every %(n)s in a row", events=named, n=terms.threshold))
    return str(_("%(events)s, %(n)s in a row", events=named, n=terms.threshold))


def whom(terms: Terms) -> list[tuple[str, str]]:
    """By which ways a rule tells whom: icon and words."""
    return [_choice(choice) for choice in terms.channels]


def limits(terms: Terms) -> str:
    """What holds a rule back."""
    parts = []
    if terms.throttle_per_hour:
        parts.append(_("at most %(n)s an hour", n=terms.throttle_per_hour))
    if terms.quiet_hours:
        parts.append(_("quiet %(begin)s–%(end)s", begin=terms.quiet_hours.begin, end=terms.quiet_hours.end))
    return str(_(", ")).join(parts)


def place(known: Known) -> str:
    """What a rule is about."""
    if known.task is not None:
        return str(_("Task “%(name)s”", name=known.task.name))
    if known.group is not None:
        return str(_("Group “%(name)s”", name=known.group.name))
    return str(_("Every task"))


def standing(status: str) -> dict[str, Any]:
    """How a delivery stands."""
    tone, icon, word = STANDINGS[status]
    return {"tone": tone, "icon": icon, "word": _(word)}


def _choice(choice: Choice) -> tuple[str, str]:
    if choice.channel is not None:
        return "bolt", str(choice.channel)
    way, given = ways.get(choice.type or ""), choice.model_extra or {}
    named = given.get("recipients") or given.get("users") or [given.get("url") or ""]
    return way.icon, ", ".join(map(str, named)) or str(_(way.label))
