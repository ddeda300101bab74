"""The script kind."""

import sys

import pytest

from scheduler.errors import Invalid
from scheduler.kinds import kinds, read
from tests.kinds.conftest import Perform

Script = kinds.get("script")


@pytest.mark.parametrize("interpreter", ["sh", "/bin/sh", sys.executable])
def test_it_finds_the_interpreter_by_name_or_path(perform: Perform, interpreter: str) -> None:
    assert perform("script", interpreter=interpreter, code="exit(3)" if "python" in interpreter else "exit 3").returncode == 3


def test_it_passes_arguments_as_they_are(perform: Perform) -> None:
    done = perform("script", interpreter="sh", code='printf "%s\n" "$@"', args=["it's $HOME", "; id", "a {dir}/b"])
    assert done.stdout == "it's $HOME\n; id\na {dir}/b\n"


@pytest.mark.parametrize("name", ["", " ", "./run", "-e"])
def test_it_needs_an_interpreter(name: str) -> None:
    with pytest.raises(Invalid, match="interpreter"):
        read(Script, {"code": "1", "interpreter": name})


def test_it_is_summed_up_by_interpreter_and_first_line() -> None:
    assert Script.summary(read(Script, {"code": "# x\nprint 1;", "interpreter": "/usr/bin/perl"})) == "perl: print 1;"
