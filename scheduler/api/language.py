"""Which language the API answers in, and sentences of the catalogue in it; what is said is everybody else's business."""

from typing import Any

from flask import request
from flask_babel import force_locale, gettext

from scheduler.config import settings

LANGUAGES = ("zh", "en")


def spoken() -> str:
    """What `Accept-Language` asks for, else the configured language; nobody's profile decides what a program reads."""
    wishes = (wish.partition("-")[0].lower() for wish, quality in request.accept_languages if quality)
    return next((wish for wish in wishes if wish in LANGUAGES), settings().server.language)


def say(text: str, **params: Any) -> str:
    """A sentence of the catalogue, in the language of this request."""
    return said_in(spoken(), text, **params)


def said_in(language: str, text: str, **params: Any) -> str:
    """A sentence of the catalogue in `language`."""
    with force_locale(language):
        return str(gettext(text, **params))
