"""In whose words a request of the service face is answered: 004's, or else 000's; `api` settled by which signs."""

from collections.abc import Collection

from flask import request

SIGNS = ("enabled_only", "offset")  # parameters that only 004 knows
NAME = "task_name"  # the field that only 004 knows


def is_004(task_id: str = "", given: Collection[str] = ()) -> bool:
    """Whether 004 asks: by a number, by `task_name`, or by one of its parameters."""
    return task_id.isdecimal() or NAME in given or any(name in request.args for name in SIGNS)
