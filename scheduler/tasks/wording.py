"""What a name, a key, a tag may be made of, and how a key is made from a name; pure, for every named thing."""

import hashlib
import re
import unicodedata

from scheduler.errors import N_, Invalid, Problem

NAME_LENGTH = 100
KEY = re.compile(r"(?=[a-z0-9_-]*[a-z])[a-z0-9][a-z0-9_-]{0,99}")
# Controls, formats (right-to-left marks, joiners), surrogates, private use, unassigned, pictures, separators of lines.
REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "So", "Zl", "Zp"}


def name(value: str, field: str = "name", longest: int = NAME_LENGTH) -> str:
    """`value` with its spaces tidied; `Invalid` when it is empty, too long, or holds what cannot be in a name."""
    tidy = " ".join(value.split())
    if not tidy:
        raise Invalid.because(N_("It must not be empty."), field=field)
    if len(tidy) > longest:
        text = N_("It may be at most %(longest)s characters long; this is %(length)s.")
        raise Invalid.because(text, field=field, longest=longest, length=len(tidy))
    for character in value:
        if character in "<>" or (unicodedata.category(character) in REFUSED and not character.isspace()):
            text = N_("“%(character)s” cannot be part of it: letters, digits, spaces and punctuation can.")
            raise Invalid.because(text, field=field, character=_shown(character))
    return tidy


def key(value: str, field: str = "key") -> str:
    """`value`, if it is a key: lower-case letters, digits, `-` and `_`, with at least one letter."""
    if not KEY.fullmatch(value):
        text = N_("A key is 1–100 lower-case letters, digits, “-” or “_”, with at least one letter.")
        raise Invalid.because(text, field=field)
    return value


def key_from(name: str) -> str:
    """A key that reads like `name`; one made of its checksum where nothing of it can be written in ASCII."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:80].strip("-")
    if re.search("[a-z]", slug) and len(slug) * 2 >= len(name):
        return slug
    return "-".join(filter(None, ["task", slug, hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]]))


def plain(value: str, field: str) -> list[Problem]:
    """The problem with `value` when it holds characters no text of ours may hold: NUL and other controls."""
    bad = next((c for c in value if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\r\t"), None)
    return [Problem(field, N_("“%(character)s” cannot be part of it."), {"character": _shown(bad)})] if bad else []


def _shown(character: str) -> str:
    return character if character in "<>" else f"U+{ord(character):04X}"
