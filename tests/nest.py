"""The process that has loaded the product and forks; each fork becomes the server it was asked for, as `python` would have."""

import gc
import json
import os
import runpy
import socket
import sys
import time
from typing import Any

import app
from scheduler import failpoints


def main() -> None:
    """Be the nest; a fork comes out of it and goes on as the server, to end as the interpreter ends any program."""
    gc.collect()
    gc.freeze()  # no collection of a server walks, and so copies, what it shares with the others
    order = _hatch(socket.socket(fileno=int(sys.argv[1])))
    if order is None:
        return
    os.setsid()
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    _open(*order["streams"])
    _arm()
    program, *arguments = order["arguments"]
    if program == "app.py":
        sys.argv = [program, *arguments]
        app.main()
    else:  # -m
        sys.argv = arguments
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _hatch(control: socket.socket) -> dict[str, Any] | None:
    """Fork and collect as told until nobody is there to tell; in a fork, what it is to become."""
    with control, control.makefile("rw") as lines:
        for line in lines:
            order = json.loads(line)
            if isinstance(order, int):
                answer = os.waitstatus_to_exitcode(os.waitpid(order, 0)[1])
            elif (answer := os.fork()) == 0:
                return dict(order)
            print(json.dumps(answer), file=lines, flush=True)
    return None


def _open(stdin: str, stdout: str, stderr: str) -> None:
    """These three files in place of the nest's."""
    for number, path in enumerate((stdin, stdout, stderr)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT if number else os.O_RDONLY, 0o600)
        os.dup2(file, number)
        os.close(file)


def _arm() -> None:
    """The failpoints of these variables, where the modules have those of the nest's."""
    unarmed, armed = failpoints.failpoint, failpoints._found()
    for name, module in list(sys.modules.items()):
        if name.startswith("scheduler.") and vars(module).get("failpoint") is unarmed:
            module.failpoint = armed  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
