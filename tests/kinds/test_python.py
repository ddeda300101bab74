"""The python kind and the wrapper it runs under."""

import ast
import sys
from pathlib import Path

import pytest

from scheduler.errors import Invalid
from scheduler.kinds import Context, kinds, python_main, read
from tests.kinds.conftest import Perform

Python = kinds.get("python")
ESCAPING = """import json

def load(text):
    return json.loads(text)

load("nonsense")
"""


def code_of(perform: Perform, code: str) -> int:
    return perform("python", code=code).returncode


def test_it_exits_2_when_an_exception_escapes(perform: Perform) -> None:
    assert code_of(perform, "raise RuntimeError('no')") == 2


def test_its_traceback_shows_the_code_and_not_the_wrapper(perform: Perform) -> None:
    error = perform("python", code=ESCAPING).stderr
    assert 'task.py", line 4, in load\n    return json.loads(text)\n' in error
    assert "python_main" not in error and error.startswith("Traceback") and "JSONDecodeError: Expecting" in error


def test_its_chained_traceback_is_clean_too(perform: Perform) -> None:
    error = perform("python", code="try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e").stderr
    assert "direct cause" in error and "python_main" not in error


@pytest.mark.parametrize(("argument", "code"), [("", 0), ("0", 0), ("1", 1), ("3", 3), ("None", 0), ("True", 1)])
def test_it_keeps_the_code_of_sys_exit(perform: Perform, argument: str, code: int) -> None:
    assert code_of(perform, f"import sys; sys.exit({argument})") == code


def test_it_prints_the_text_of_sys_exit_and_exits_1(perform: Perform) -> None:
    done = perform("python", code="import sys; sys.exit('nothing to do')")
    assert (done.stderr, done.returncode) == ("nothing to do\n", 1)


def test_it_exits_130_when_interrupted(perform: Perform) -> None:
    assert code_of(perform, "import os, signal; os.kill(os.getpid(), signal.SIGINT)") == 130


def test_it_is_the_main_module_with_its_own_arguments(perform: Perform) -> None:
    done = perform("python", code="import sys; print(__name__, sys.modules['__main__'].__file__ == sys.argv[0], sys.argv[1:])",
                   args=["a b", "$(id)", "{dir}"])  # fmt: skip
    assert done.stdout == "__main__ True ['a b', '$(id)', '{dir}']\n"


def test_it_can_pickle_and_spawn(perform: Perform) -> None:
    code = "from concurrent.futures import ProcessPoolExecutor as P\nimport multiprocessing as m\ndef f(x): return x + 1\n" \
           "if __name__ == '__main__':\n    print(list(P(1, m.get_context('spawn')).map(f, [1, 2])))"  # fmt: skip
    assert perform("python", code=code).stdout == "[2, 3]\n"


def test_it_runs_exit_handlers_and_waits_for_threads(perform: Perform) -> None:
    code = "import atexit, threading\natexit.register(print, 'bye')\nthreading.Timer(0.05, print, ['thread']).start()\n1 / 0"
    done = perform("python", code=code)
    assert (done.stdout, done.returncode) == ("thread\nbye\n", 2)


def test_it_obeys_an_excepthook_of_the_code_and_survives_a_broken_one(perform: Perform) -> None:
    assert perform("python", code="import sys\nsys.excepthook = lambda *a: print('mine')\n1/0").stdout == "mine\n"
    done = perform("python", code="import sys\nsys.excepthook = None\n1/0")
    assert done.returncode == 2 and "ZeroDivisionError" in done.stderr


def test_it_imports_from_the_working_directory(perform: Perform) -> None:
    code = "import pathlib; pathlib.Path('near.py').write_text('here = 5'); import near; print(near.here)"
    assert perform("python", code=code).stdout == "5\n"


def test_it_leaks_nothing_of_the_wrapper_into_the_code(perform: Perform) -> None:
    code = "print(sorted(n for n in globals() if n.strip('_') == n)); x: undefined_name = 1"
    assert "NameError" in perform("python", code=code).stderr
    assert perform("python", code=code).stdout == "[]\n"


def test_it_prints_without_buffering(perform: Perform) -> None:
    assert perform("python", code="import os; print('kept'); os._exit(0)").stdout == "kept\n"


def test_its_wrapper_keeps_to_the_grammar_of_python_3_8() -> None:
    assert ast.parse(Path(python_main.__file__).read_text(), feature_version=(3, 8)).body


def test_it_finds_a_bare_interpreter_on_the_path(perform: Perform, tmp_path: Path) -> None:
    (tmp_path / "mypython").write_text(f'#!/bin/sh\necho mine\nexec {sys.executable} "$@"')
    (tmp_path / "mypython").chmod(0o700)
    done = perform("python", code="1/0", interpreter="mypython", env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert (done.stdout, done.returncode) == ("mine\n", 2)


def test_it_checks_the_syntax_and_names_the_line(context: Context) -> None:
    (problem,) = Python.check(read(Python, {"code": "x = 1\nif x\n    pass"}), context)
    assert (problem.field, problem.text % problem.params) == ("code", "Line 2: expected ':'.")


@pytest.mark.parametrize("code", ["(" * 60_000, "-" * 60_000 + "1", "a" + ".a" * 30_000, "f" + "()" * 30_000])
def test_its_check_survives_code_made_to_break_the_compiler(context: Context, code: str) -> None:
    assert [problem.field for problem in Python.check(read(Python, {"code": code}), context)] == ["code"]


def test_it_leaves_another_pythons_grammar_to_that_python(context: Context) -> None:
    assert Python.check(read(Python, {"code": "print 'old'", "interpreter": "python2.7"}), context) == []
    assert Python.check(read(Python, {"code": "print 'old'", "interpreter": sys.executable}), context)


@pytest.mark.parametrize("name", ["bin/python", "-c", "../python3", "py\nthon"])
def test_it_refuses_an_interpreter_that_is_neither_absolute_nor_bare(name: str) -> None:
    with pytest.raises(Invalid, match="interpreter"):
        read(Python, {"code": "pass", "interpreter": name})
