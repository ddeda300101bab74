"""A thread that looks when it is woken and rests in between; here without a thread, its sleep told instead of slept."""

import logging
import threading
from collections.abc import Callable

import pytest
from flask import Flask, current_app

from scheduler.daemon.loop import AGAIN, ALONE, Loop

_log = logging.getLogger("Ada")


class Night(threading.Event):
    """Sleep that is over at once and told in `slept`; somebody comes at the end of it, or `then` happens."""

    def __init__(self, slept: list[float | None], then: Callable[[int], object]) -> None:
        super().__init__()
        self._slept, self._then = slept, then

    def wait(self, timeout: float | None = None) -> bool:
        self._slept.append(timeout)
        self._then(len(self._slept))
        return self.is_set()


def loop_of(app: Flask, answers: list[float | None], sleeps: int, breath: float = 0.0) -> tuple[Loop, list[float | None]]:
    """A loop whose looks answer so, and what it has slept; it is stopped in its last sleep."""
    slept: list[float | None] = []
    loop = Loop(app, _log, "ada", lambda: answers.pop(0), breath)
    loop._woken = Night(slept, lambda count: count == sleeps and loop._stopping.set())
    return loop, slept


def test_it_looks_at_the_beginning_and_then_rests_until_it_is_woken(app: Flask) -> None:
    loop, slept = loop_of(app, answers := [None, None], sleeps=2)
    loop._run()
    assert (answers, slept) == ([], [ALONE, ALONE])


def test_it_does_not_rest_while_there_is_more_to_be_done(app: Flask) -> None:
    loop, slept = loop_of(app, answers := [0.0] * 5 + [None], sleeps=1)
    loop._run()
    assert (answers, slept) == ([], [ALONE])


def test_it_rests_as_long_as_the_look_says_but_never_for_ever(app: Flask) -> None:
    loop, slept = loop_of(app, [30.0, 7200.0], sleeps=2)
    loop._run()
    assert slept == [30.0, ALONE]


def test_it_draws_breath_before_each_look(app: Flask) -> None:
    breaths: list[float | None] = []
    loop, _ = loop_of(app, [0.0, 0.0, None], sleeps=1, breath=2.0)
    loop._stopping = Night(breaths, lambda count: None)
    loop._run()
    assert breaths == [2.0, 2.0, 2.0, 2.0]


def test_whoever_comes_during_a_look_leads_to_another(app: Flask) -> None:
    woken: list[bool] = []

    def look() -> None:
        loop.wake()

    loop = Loop(app, _log, "ada", look)
    loop._woken = Night([], lambda count: (woken.append(loop._woken.is_set()), count == 2 and loop._stopping.set()))
    loop._run()
    assert woken == [True, True]


def test_a_look_that_fails_is_made_again_and_told_once(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    looks: list[str] = []
    pauses: list[float | None] = []

    def look() -> None:
        looks.append(current_app.name)
        if len(looks) < 4:
            raise OSError("the disk is gone")

    loop = Loop(app, _log, "ada", look)
    loop._stopping = Night(pauses, lambda count: None)
    loop._woken = Night([], lambda count: loop._stopping.set())
    with caplog.at_level(logging.INFO, "Ada"):
        loop._run()
    assert (len(looks), pauses.count(AGAIN)) == (4, 3)
    assert (caplog.text.count("event=ada_failed"), caplog.text.count("event=recovered")) == (1, 1)


def test_a_look_that_goes_on_hears_that_it_shall_end(app: Flask) -> None:
    heard = threading.Event()

    def look() -> None:
        begun.set()
        assert loop.pause(20)
        heard.set()

    begun, loop = threading.Event(), Loop(app, _log, "ada", look)
    loop.start()
    assert begun.wait(30)
    loop.stop(10)
    assert heard.is_set() and not loop._thread.is_alive()


def test_one_that_never_began_is_stopped_too(app: Flask) -> None:
    Loop(app, _log, "ada", lambda: None).stop(10)
