"""What calls answer in the examples of the OpenAPI document: real answers, kept in a file that the tests write and check."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask_babel import gettext

FILE = Path(__file__).with_name("openapi_answers.json")  # by operation; see `tests/api/test_openapi.py`


def kept() -> dict[str, Any]:
    """The answers by the name of their operation: what JSON says, or a text."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def put_in(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Give every call of `paths` its answer as an example, in the language that is spoken."""
    answers = kept()
    for methods in paths.values():
        for said in methods.values():
            content = said["responses"]["200"]["content"]
            if said["operationId"] in answers:
                content[next(iter(content))]["example"] = _spoken(answers[said["operationId"]])


def _spoken(answer: Any) -> Any:
    if isinstance(answer, dict) and {"success", "message"} <= answer.keys():
        said = answer["message"]
        return answer | {"message": gettext(said)}
    return answer
