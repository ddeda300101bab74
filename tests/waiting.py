"""Waiting for what another process will do; asserts nothing about how long it takes."""

import time
from collections.abc import Callable

LOOK = 0.02


def until(true: Callable[[], object], patience: float = 20.0) -> None:
    """Look until something is true, for `patience` seconds at least.

    They are counted in looks: a machine that stalls for seconds stalls those who wait as well as those who work.
    """
    for _ in range(round(patience / LOOK)):
        if true():
            return
        time.sleep(LOOK)
    raise AssertionError("it never happened")
