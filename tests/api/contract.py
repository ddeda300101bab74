"""A request as a document prints it, sent; and whether an answer has what the document prints of it."""

from typing import Any

from werkzeug.test import TestResponse

from tests.api.conftest import Program

NUMBER, NULL = (int, float), type(None)
TIME = "time"


def send(caller: Program, printed: str, **places: Any) -> TestResponse:
    """The method, the path with its `{places}` filled, and below a blank line the body, if there is one."""
    head, _, body = printed.strip().partition("\n\n")
    method, _, path = head.partition("\n")[0].partition(" ")
    for name, value in places.items():
        path = path.replace("{" + name + "}", str(value))
    assert "{" not in path
    kind = {"content_type": "application/json", "data": body.encode()} if body else {}
    return caller.client.open(path, method=method, headers=caller.headers, **kind)


def got(caller: Program, printed: str, **places: Any) -> Any:
    """The answer to a request that is to succeed."""
    response = send(caller, printed, **places)
    assert (response.status_code, response.mimetype) == (200, "application/json"), response.get_data(as_text=True)
    return response.json


def fits(found: Any, shape: dict[str, Any]) -> None:
    """Every key of `shape` is in `found`, of its type."""
    for name, kind in shape.items():
        assert name in found, name
        value = found[name]
        if isinstance(kind, dict):
            fits(value, kind)
        elif kind == TIME:
            assert len(value) == 20 and value[10] == "T" and value.endswith("Z"), (name, value)
        else:
            assert isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), (name, value)
