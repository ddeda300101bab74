"""The shell kind."""

import pytest

from scheduler.errors import Invalid
from scheduler.kinds import Context, kinds, read
from tests.kinds.conftest import Perform

Shell = kinds.get("shell")


def test_it_runs_several_lines_in_sh(perform: Perform) -> None:
    done = perform("shell", command="echo one\nfalse || echo two\nexit 7")
    assert (done.stdout, done.returncode) == ("one\ntwo\n", 7)


def test_it_gives_the_command_to_the_shell_that_cron_uses(context: Context) -> None:
    assert Shell.prepare(read(Shell, {"command": "true"}), context).argv == ("/bin/sh", "-c", "true")


def test_it_runs_bash_when_bash_is_chosen(perform: Perform) -> None:
    assert perform("shell", command='a=(x y); echo "${a[1]}"', shell="bash").stdout == "y\n"


def test_it_obeys_a_shebang(perform: Perform) -> None:
    done = perform("shell", command="#!/usr/bin/env python3\nimport sys\nprint('from', 'python')\nsys.exit(4)")
    assert (done.stdout, done.returncode) == ("from python\n", 4)


def test_it_gives_a_shebang_its_one_argument(perform: Perform) -> None:
    assert perform("shell", command="#!/bin/sh -e\nfalse\necho never").stdout == ""


def test_it_survives_the_line_ends_of_a_browser(perform: Perform) -> None:
    done = perform("shell", command="#!/bin/sh\r\necho one\r\necho two\r\n")
    assert done.stdout == "one\ntwo\n"


def test_it_passes_parameters_as_environment_and_never_as_text(perform: Perform) -> None:
    done = perform("shell", command='echo "$NAME"', env={"NAME": '$(echo canary); `id`"'})
    assert done.stdout == '$(echo canary); `id`"\n'


def test_it_leaves_braces_of_the_command_alone(perform: Perform) -> None:
    assert perform("shell", command="echo '{dir}/command' {dir}").stdout == "{dir}/command {dir}\n"


@pytest.mark.parametrize("values", [{}, {"command": " \n"}, {"command": 5}, {"command": "a\0b"}, {"command": "\ud800"},
                                    {"command": "x" * 70_000}])  # fmt: skip
def test_it_refuses_a_command_that_is_none(values: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        read(Shell, values)
    assert [problem.field for problem in refused.value.problems] == ["command"]


def test_it_says_how_long_is_too_long() -> None:
    with pytest.raises(Invalid, match="70 KB, at most 64"):
        read(Shell, {"command": "x" * 71_000})


def test_it_refuses_unknown_fields_and_shells_by_name() -> None:
    with pytest.raises(Invalid) as refused:
        read(Shell, {"command": "true", "comand": "x", "shell": "fish"})
    assert {problem.field for problem in refused.value.problems} == {"comand", "shell"}


def test_it_is_summed_up_by_the_line_that_does_something() -> None:
    assert Shell.summary(read(Shell, {"command": "#!/bin/sh\n# backup\nset -e\npg_dump app\nls"})) == "pg_dump app …"
