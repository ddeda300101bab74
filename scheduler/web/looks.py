"""How each status looks: its word, icon and tone, in one place; what a status means lives in runs."""

from dataclasses import dataclass
from typing import Literal

from scheduler.errors import N_
from scheduler.web import viewer

Tone = Literal["good", "bad", "warn", "busy", "idle"]


@dataclass(frozen=True)
class StatusLook:
    """A status for people: an English label for the catalogue, an icon of the sprite, a tone of the style sheet."""

    label: str
    icon: str
    tone: Tone

    @property
    def word(self) -> str:
        """The label in the viewer's language."""
        return viewer.sentence(self.label)


STATUS: dict[str, StatusLook] = {
    "pending": StatusLook(N_("Queued"), "hourglass", "idle"),
    "running": StatusLook(N_("Running"), "loader-2", "busy"),
    "success": StatusLook(N_("Success"), "circle-check", "good"),
    "business_failure": StatusLook(N_("Business failure"), "alert-triangle", "warn"),
    "technical_failure": StatusLook(N_("Technical failure"), "circle-x", "bad"),
    "timeout": StatusLook(N_("Timed out"), "clock-x", "bad"),
    "lost": StatusLook(N_("Lost"), "plug-connected-x", "bad"),
    "cancelled": StatusLook(N_("Cancelled"), "ban", "idle"),
    "missed": StatusLook(N_("Missed"), "calendar-x", "warn"),
    "skipped": StatusLook(N_("Skipped"), "player-skip-forward", "idle"),
    "unstarted": StatusLook(N_("Not started"), "circle-minus", "idle"),
    "retrying": StatusLook(N_("Waiting to retry"), "rotate-clockwise", "busy"),
    "never": StatusLook(N_("Never run"), "zzz", "idle"),
    "disabled": StatusLook(N_("Disabled"), "player-pause", "idle"),
    "deleted": StatusLook(N_("In the trash"), "trash", "warn"),
    "hidden": StatusLook(N_("Not yours to see"), "lock", "idle"),
}
