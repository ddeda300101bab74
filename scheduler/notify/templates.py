"""Templates of notifications: names in double braces become values, and nothing else means anything; no code, no attributes."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from scheduler.errors import N_
from scheduler.validation import Refusal

# Of document 003, then ours.
VARIABLES = (
    "task_id", "task_name", "execution_status", "execution_start_time", "execution_end_time", "execution_duration",
    "threshold_count", "execution_log_tail", "task_key", "event", "rule_name", "execution_id", "execution_url",
    "execution_error", "execution_exit_code",
)  # fmt: skip
_PLACE = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]{0,63})[ \t]*\}\}")


def checked(template: str) -> str:
    """`template`, if each name in it is known; what stands in braces and is no name stays as it is written."""
    for name in _PLACE.findall(template):
        if name not in VARIABLES:
            raise Refusal(N_("There is no variable “%(name)s”; there are: %(names)s."), name=name, names=", ".join(VARIABLES))
    return template


def one_line(text: str) -> str:
    """`text` without anything that could begin another header."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def filled(template: str, values: Mapping[str, Any], written: Callable[[Any], str] = str) -> str:
    """`template` with the values in their places; each is put in once, so a value that looks like a place stays text."""
    return _PLACE.sub(lambda match: written(values.get(match[1], "")) if match[1] in VARIABLES else match[0], template)


def in_json(value: Any) -> str:
    """A value as it may stand between the quotation marks of a text in JSON."""
    return json.dumps(str(value), ensure_ascii=False)[1:-1]
