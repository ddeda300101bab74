"""`${secret:NAME}` in a text: which secrets it names, and the text with their values; keeps no secret and asks nobody."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scheduler.errors import N_, Problem

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
MARK = "${secret:"
STAND_IN = "1"  # what a value is taken for where only the form of a text is looked at: fits a host, a port, a header

_REFERENCE = re.compile(r"\$\{secret:([^{}]*)\}")
# The scheme of an Authorization header is no secret: what stands behind it is.
_ONLY = re.compile(rf"(?:(?:Basic|Bearer|Token) )?(?:\$\{{secret:{NAME.pattern}\}})+", re.IGNORECASE)


def names(text: str) -> frozenset[str]:
    """The secrets a text names, by whatever stands in the place of a name."""
    return frozenset(_REFERENCE.findall(text)) if MARK in text else frozenset()


def stood_in(text: str) -> str:
    """The text as if each secret were one harmless digit."""
    return _REFERENCE.sub(STAND_IN, text) if MARK in text else text


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """The same with the values of the secrets named in its texts; `KeyError` for one that is not there.

    What a secret holds is not looked at again.
    """
    if isinstance(value, Mapping):
        return {name: filled(inner, values) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [filled(inner, values) for inner in value]
    if isinstance(value, str) and MARK in value:
        return _REFERENCE.sub(lambda match: values[match[1]], value)
    return value


def growth(value: Any, values: Mapping[str, str]) -> int:
    """How many characters `filled` would put into the texts of `value`."""
    return sum(len(values[name]) for _, text in texts(value, "") if MARK in text for name in _REFERENCE.findall(text))


def only(text: Any) -> bool:
    """Whether a text is nothing but names of secrets, so that anybody who may see the task may read it."""
    return isinstance(text, str) and _ONLY.fullmatch(text) is not None


def texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text within `value`, each with its dotted place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from texts(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from texts(inner, f"{path}.{number}")


def misnamed(found: Iterable[tuple[str, str]]) -> list[Problem]:
    """Each place that names a secret by what cannot be a name."""
    text = N_("“%(name)s” is not a secret's name: letters, digits, “_”, “-” and “.”, beginning with a letter or “_”.")
    wrong = [(place, name) for place, written in found for name in sorted(names(written)) if not NAME.fullmatch(name)]
    return [Problem(place, text, {"name": name[:60]}) for place, name in wrong]


def misplaced(found: Iterable[tuple[str, str]]) -> list[Problem]:
    """Each place that names a secret although no value is put there: others could see it, or it lies in a file."""
    text = N_("A secret cannot be named here: name it in an environment variable, MY_KEY=${secret:%(name)s}, and use that.")
    wrong = [(place, next((one for one in sorted(names(written)) if NAME.fullmatch(one)), "")) for place, written in found]
    return [Problem(place, text, {"name": name}) for place, name in wrong if name]
