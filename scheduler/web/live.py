"""Regions that refresh themselves: a digest of what they show, so that a refresh with nothing new costs nothing."""

import hashlib

from flask import request

from scheduler.web import rendering, viewer


def digest(*facts: object) -> str:
    """A short text that changes when one of `facts` does, or the viewer's language or zone."""
    return hashlib.sha256(repr((viewer.language(), viewer.timezone().key, facts)).encode()).hexdigest()[:16]


def unchanged(now: str) -> bool:
    """Whether a region asks for itself again (`?seen=`) and shows just this: answer 204."""
    return rendering.partial() and request.args.get("seen") == now
