"""The page of the API: every call of the OpenAPI document, read without a network or a script; the document is made elsewhere."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from scheduler.config import settings
from scheduler.web import access, viewer
from scheduler.web.reference_parts import marked, models, sections
from scheduler.web.rendering import render

LONGEST = 100

pages = Blueprint("reference", __name__, url_prefix="/api/docs")

_document: Callable[[str], Mapping[str, Any]] | None = None


def use(document: Callable[[str], Mapping[str, Any]]) -> None:
    """Show from now on what `document` answers for a language."""
    global _document
    _document = document


@pages.get("")
@access.signed_in
def index() -> Response:
    """Every call, or those that hold the words of `q`, and every schema."""
    if _document is None:
        raise RuntimeError("nobody has said where the document comes from")
    document = _document(viewer.language())
    wanted = request.args.get("q", "").strip()[:LONGEST]
    server = settings().server.url.rstrip("/") or request.url_root.rstrip("/")
    return render(
        "reference/index.html",
        document=document,
        marked=marked,
        wanted=wanted,
        sections=sections(document, server, wanted),
        models=models(document),
        count=sum(map(len, document["paths"].values())),
        refusals={name.partition("-")[2]: said["description"] for name, said in document["components"]["responses"].items()},
    )
