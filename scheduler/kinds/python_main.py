"""Runs a Python file as `python FILE` would, but an exception that escapes it exits 2; knows nothing of the scheduler.

A program of its own: it is copied beside the task's code and run by any Python from 3.8 on.
"""

from __future__ import annotations

import os
import sys
import types

ESCAPED = 2
INTERRUPTED = 130


def report(error: BaseException) -> None:
    """Shows `error` as Python does, without the frames of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        sys.excepthook(type(error), error.with_traceback(trace), trace)
    except Exception as second:
        sys.__excepthook__(type(second), second, second.__traceback__)
        sys.__excepthook__(type(error), error, trace)


def execute(path: str) -> None:
    """Runs the file at `path` as the module `__main__`, which pickle and multiprocessing look up by name."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = main
    with open(path, "rb") as file:
        source = file.read()
    exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)


def run(path: str) -> int | None:
    """The exit code of the file at `path`; `SystemExit` is left to Python itself."""
    try:
        execute(path)
    except SystemExit:
        raise
    except KeyboardInterrupt as error:
        report(error)
        return INTERRUPTED
    except BaseException as error:
        report(error)
        return ESCAPED
    return None


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    folder = os.path.dirname(sys.argv[0])
    # Code that came without a folder of its own imports from the working directory, as `python -c` does.
    sys.path[0] = "" if folder == os.path.dirname(__file__) else folder
    sys.exit(run(sys.argv[0]))
