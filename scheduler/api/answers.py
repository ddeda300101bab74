"""The envelope every answer of v1 comes in, and pages, which come bare; what is inside is the shapes' business."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from scheduler import clock
from scheduler.api.asking import Paging
from scheduler.api.language import say, spoken
from scheduler.api.times import shown
from scheduler.errors import N_

GOT = N_("Found.")


def done(data: Any, text: str = GOT, **params: Any) -> Response:
    """One thing, or nothing, in the envelope of a success."""
    return answer({"success": True, "code": 200, "message": say(text, **params), "data": data})


def page(items: Sequence[Any], total: int, paging: Paging) -> Response:
    """One page of a list."""
    return answer({"total": total, "page": paging.page, "size": paging.size, "items": list(items)})


def failed(status: int, message: str, errors: Sequence[Mapping[str, str]]) -> Response:
    """What is wrong, as v1's document says it."""
    said = {"success": False, "code": status, "message": message, "errors": list(errors), "timestamp": shown(clock.now())}
    return answer(said, status)


def answer(body: Any, status: int = 200) -> Response:
    """`body` as JSON, Chinese as Chinese."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    response = Response(text.encode("utf-8", "replace"), status, mimetype="application/json")
    response.content_language.add(spoken())
    response.vary.update(("Accept-Language", "Authorization", "Cookie"))
    return response
