"""Real answers made into examples: short, and without what is only of this machine or this moment; kept in the file of them."""

import json
import re
from pathlib import Path
from typing import Any

from scheduler.api.openapi_answers import FILE

MOST = 2  # entries of a list
LONGEST = 240  # characters of a text
LINES = 12  # of an answer that is text
OURS = (
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    (re.compile(r"sch_[\w-]{43}"), "sch_" + "0123456789" * 4 + "abc"),
)


def shortened(found: Any, instance: Path) -> Any:
    """`found` as an example."""
    if isinstance(found, dict) and "openapi" in found:
        return {"openapi": found["openapi"], "info": found["info"], "paths": {}, "components": {}}
    if isinstance(found, str) and "\n" in found.strip():
        return "\n".join(_text(line, instance) for line in found.splitlines()[:LINES]) + "\n"
    return _short(found, instance)


def keep(answers: dict[str, Any]) -> None:
    """Write them all down."""
    FILE.write_text(json.dumps(dict(sorted(answers.items())), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _short(found: Any, instance: Path) -> Any:
    if isinstance(found, dict):
        return {name: "scheduler-1" if name == "host" and value else _short(value, instance) for name, value in found.items()}
    if isinstance(found, list):
        return [_short(one, instance) for one in found[:MOST]]
    return _text(found, instance) if isinstance(found, str) else found


def _text(text: str, instance: Path) -> str:
    text = text.replace(str(instance), "/srv/scheduler/instance")
    for pattern, instead in OURS:
        text = pattern.sub(instead, text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
