"""The controls of a form: what each shows of a value, and which value it stands for; no task is known here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from scheduler.kinds import Field, references
from scheduler.vault import MASK

Typed = MultiDict[str, str]  # what stands in the form, as text
Choices = tuple[tuple[str, str], ...]
BRIEF = 80


@dataclass(frozen=True)
class Control:
    """One control; its dotted name is the place of its value. `default` is what an empty one means."""

    name: str
    label: str
    widget: str = "text"
    hint: str = ""
    choices: Choices = ()
    required: bool = False
    default: Any = None
    group: str = ""
    suffix: str = ""
    low: int | None = None
    high: int | None = None

    @classmethod
    def of_kind(cls, field: Field) -> "Control":
        """A kind's own field."""
        given = (field.name, field.label, field.widget, field.hint, field.choices, field.required, field.default, field.group)
        return cls(*given)

    def show(self, typed: Typed, values: Mapping[str, Any]) -> None:
        """Write what `values` hold for it into the form."""
        value = at(values, self.name)
        WIDGETS[self.widget][0](typed, self.name, self.default if value is None else value)

    def read(self, typed: Typed) -> Any:
        """The value it stands for."""
        value = WIDGETS[self.widget][1](typed, self.name)
        return self.default if value is None else value

    def brief(self, typed: Typed) -> str:
        """What stands in it, on one short line."""
        found = rows(typed, self.name) if self.widget == "pairs" else [*typed.getlist(self.name)]
        text = " ".join(", ".join(one if isinstance(one, str) else "=".join(one) for one in found if one).split())
        text = ("✓" if text else "—") if self.widget == "checkbox" else text or "—"
        return text if len(text) <= BRIEF else text[: BRIEF - 1] + "…"


def at(values: Mapping[str, Any], name: str) -> Any:
    """What stands at a dotted name; None where there is nothing."""
    inner: Any = values
    for part in name.split("."):
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    return inner


def nested(flat: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Values by dotted name, as maps within maps."""
    found: dict[str, Any] = {}
    for name, value in flat:
        *path, last = name.split(".")
        inner = found
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found


def pair_names(name: str) -> tuple[str, str]:
    """What the two columns of names and values are called in the form."""
    return f"{name}-key", f"{name}-value"


def rows(typed: Typed, name: str) -> list[tuple[str, str]]:
    """The rows of names and values as they were typed, without the empty ones."""
    keys, values = (typed.getlist(part) for part in pair_names(name))
    return [(key, value) for key, value in zip(keys, values, strict=False) if key.strip() or value]


def twice(typed: Typed, name: str) -> str:
    """The first name that stands in two rows."""
    keys = [key.strip() for key, _ in rows(typed, name)]
    return next((key for place, key in enumerate(keys) if key in keys[:place]), "")


def forget_secret(typed: Typed, name: str) -> bool:
    """Take a secret that was typed out of the form, so that no page shows it; whether there was one, and not only its name."""
    typed_secret = typed.get(name, "") not in ("", MASK) and not references.only(typed[name])
    if typed_secret:
        typed[name] = ""
    return typed_secret


def _show_text(typed: Typed, name: str, value: Any) -> None:
    typed[name] = "" if value is None else str(value)


def _read_text(typed: Typed, name: str) -> str | None:
    text = typed.get(name)
    return None if text is None else text.replace("\r\n", "\n")


def _read_number(typed: Typed, name: str) -> str | None:
    return typed.get(name, "").strip() or None


def _show_check(typed: Typed, name: str, value: Any) -> None:
    if value:
        typed[name] = "1"


def _read_check(typed: Typed, name: str) -> bool:
    return typed.get(name, "") not in ("", "0")


def _show_lines(typed: Typed, name: str, value: Any) -> None:
    typed[name] = "\n".join(map(str, value or ()))


def _read_lines(typed: Typed, name: str) -> list[str]:
    return [line for line in typed.get(name, "").splitlines() if line.strip()]


def _show_words(typed: Typed, name: str, value: Any) -> None:
    typed[name] = ", ".join(map(str, value or ()))


def _read_words(typed: Typed, name: str) -> list[str]:
    return [word.strip() for word in typed.get(name, "").replace("，", ",").split(",") if word.strip()]


def _show_many(typed: Typed, name: str, value: Any) -> None:
    if value:
        typed.setlist(name, [str(one) for one in value])


def _read_many(typed: Typed, name: str) -> list[str]:
    return [one.strip() for one in typed.getlist(name) if one.strip()]


def _read_picks(typed: Typed, name: str) -> list[str]:
    """What was ticked, and what was typed beside it."""
    found = (one.strip() for text in typed.getlist(name) for one in text.replace("，", ",").split(","))
    return list(dict.fromkeys(filter(None, found)))


def _show_pairs(typed: Typed, name: str, value: Any) -> None:
    given = dict(value or {})
    keys, values = pair_names(name)
    if given:
        typed.setlist(keys, list(given))
        typed.setlist(values, [str(one) for one in given.values()])


def _read_pairs(typed: Typed, name: str) -> dict[str, str]:
    return {key.strip(): value for key, value in rows(typed, name)}


WIDGETS: Mapping[str, tuple[Callable[[Typed, str, Any], None], Callable[[Typed, str], Any]]] = {
    "text": (_show_text, _read_text),
    "code": (_show_text, _read_text),
    "note": (_show_text, _read_text),
    "select": (_show_text, _read_text),
    "segmented": (_show_text, _read_text),
    "secret": (_show_text, _read_text),
    "zone": (_show_text, _read_number),
    "number": (_show_text, _read_number),
    "moment": (_show_text, _read_number),
    "checkbox": (_show_check, _read_check),
    "lines": (_show_lines, _read_lines),
    "words": (_show_words, _read_words),
    "times": (_show_many, _read_many),
    "days": (_show_many, _read_many),
    "picks": (_show_many, _read_picks),
    "pairs": (_show_pairs, _read_pairs),
}
