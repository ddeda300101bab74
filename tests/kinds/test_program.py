"""The program kind: a file below the instance folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.errors import Invalid
from scheduler.kinds import Context, kinds, read
from tests.kinds.conftest import Perform

Program = kinds.get("program")
CODE = "import sys, sibling\nprint(sibling.word, sys.argv[1:])\nraise ValueError('x')"


@pytest.fixture
def tasks(context: Context) -> Path:
    folder = context.instance / "tasks"
    folder.mkdir(parents=True)
    (folder / "job.py").write_text(CODE)
    (folder / "sibling.py").write_text("word = 'near'")
    (context.instance.parent / "outside.py").write_text("")
    return folder


def refusals(context: Context, path: str, **values: str) -> list[str]:
    return [str(problem) for problem in Program.check(read(Program, {"path": path, **values}), context)]


def test_it_runs_a_python_file_beside_its_siblings(tasks: Path, context: Context, perform: Perform) -> None:
    done = perform("program", context, path="tasks/job.py", args=["a b"])
    assert (done.stdout, done.returncode) == ("near ['a b']\n", 2)
    assert f'File "{tasks.resolve()}/job.py", line 3' in done.stderr and "python_main" not in done.stderr


def test_it_runs_an_executable_of_another_language_by_itself(tasks: Path, context: Context, perform: Perform) -> None:
    (tasks / "job.sh").write_text('#!/bin/sh\necho "$1"\nexit 4')
    assert "not executable" in refusals(context, "tasks/job.sh")[0]
    assert perform("program", context, path="tasks/job.sh", args=["x"], interpreter="sh").returncode == 4
    (tasks / "job.sh").chmod(0o700)
    assert perform("program", context, path="tasks/job.sh", args=["x y"]).stdout == "x y\n"


@pytest.mark.parametrize("path", ["../outside.py", "tasks/../../outside.py", "tasks/..", "/../x"])
def test_it_refuses_to_climb(tasks: Path, context: Context, path: str) -> None:
    assert "must not contain" in refusals(context, path)[0]


def test_it_refuses_a_link_that_leads_outside(tasks: Path, context: Context) -> None:
    (tasks / "link.py").symlink_to(context.instance.parent / "outside.py")
    assert "outside the instance folder" in refusals(context, "tasks/link.py")[0]


def test_it_takes_an_absolute_path_only_when_allowed(tasks: Path, context: Context) -> None:
    path = str(context.instance.parent / "outside.py")
    assert "allow_absolute_programs" in refusals(context, path)[0]
    assert refusals(replace(context, allow_absolute_programs=True), path) == []


@pytest.mark.parametrize("path", ["tasks/none.py", "tasks", "."])
def test_it_refuses_what_is_not_a_file(tasks: Path, context: Context, path: str) -> None:
    assert "There is no file" in refusals(context, path)[0]


def test_it_refuses_again_when_the_file_is_gone(tasks: Path, context: Context) -> None:
    content = read(Program, {"path": "tasks/job.py"})
    (tasks / "job.py").unlink()
    with pytest.raises(Invalid, match="path: There is no file"):
        Program.prepare(content, context)
