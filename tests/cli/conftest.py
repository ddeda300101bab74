"""A command line over the test's own installation."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from scheduler import cli

Call = Callable[..., Result]


@pytest.fixture
def call(app: Flask) -> Call:
    """`call("export", "--format", "json")`; `input=` is what stands on standard input."""

    def invoke(*words: str, input: bytes | str | None = None) -> Result:
        return app.test_cli_runner().invoke(cli.commands, list(words), input=input)

    return invoke
