"""Every call of the OpenAPI document, asked what makes sense and what does not: no 500, and no answer the document does not know.

Nothing of the document is left out: whoever asks is signed in again where a call has ended that (signing out, another password),
and waiting for an execution takes no time, for nothing executes here. `FUZZ_EXAMPLES=500` looks harder.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from scheduler.accounts import tokens
from scheduler.api import waiting
from scheduler.api.openapi_examples import PLACES
from scheduler.config import settings as installation
from scheduler.errors import Unauthenticated
from tests.api.scene import arrange, signed_in

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
PARTS = 4  # for those who test on several processors
ONLY = os.environ.get("FUZZ_ONLY", "")
CHECKED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]
CALM = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


class Caller:
    """The application as a server calls it, each request in a context of its own, and asked by an administrator."""

    def __init__(self, app: Flask) -> None:
        self.app, self.token = app, ""
        self.asked = "POST"  # the last method: only reading leaves a sign-in as it was

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self.app.app_context():
            environ.setdefault("HTTP_AUTHORIZATION", f"Bearer {self._living()}")
        with self.app.app_context():
            self.asked = environ["REQUEST_METHOD"]
            return list(self.app(environ, start))

    def _living(self) -> str:
        try:
            if self.asked != "GET":
                tokens.bearer(self.token)
        except Unauthenticated:
            self.token = signed_in().access
        return self.token


def asked(operation: APIOperation) -> Iterator[Any]:
    """What to ask: anything; and about what there is, so that not all of it ends with 404."""
    names = [parameter.name for parameter in operation.path_parameters]
    there = {name: PLACES[name] for name in names}
    for mode in GenerationMode:
        if mode.is_positive or any((there, operation.query, operation.headers, operation.body)):
            yield operation.as_strategy(generation_mode=mode)
        if there and (mode.is_positive or any((operation.query, operation.headers, operation.body))):
            yield operation.as_strategy(generation_mode=mode, path_parameters=there)


def problems_of(operation: APIOperation) -> Iterator[str]:
    for strategy in asked(operation):

        @CALM
        @given(case=strategy)
        def holds(case: Case) -> None:
            # Whatever is sent as plain text is text: a dry run answers 200 and tells what is wrong with it.
            unjudged = [checks.negative_data_rejection] if case.media_type == "text/plain" else []
            case.call_and_validate(checks=CHECKED, excluded_checks=unjudged)

        try:
            holds()
        except (Exception, BaseExceptionGroup) as error:
            yield f"{operation.label}: {error!r}"


@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_meets_a_fault_or_an_undocumented_answer(
    app: Flask, served: tuple[Flask, Callable[[], None]], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=lambda seconds: None))
    caller = Caller(app)
    arrange(app, installation().instance)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", caller)
    found: list[str] = []
    for operation in [result.ok() for result in schema.get_all_operations()][part::PARTS]:
        if ONLY in operation.label:
            found += problems_of(operation)
            if operation.method != "get":
                served[1]()
                arrange(app, installation().instance)
                caller.token = ""
    assert found == [], "\n\n".join(found)
