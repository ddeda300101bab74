"""Telling listeners: all of them, by name, whoever fails."""

import logging

import pytest
from blinker import Signal

from scheduler import signals


def test_it_passes_ids_by_name() -> None:
    signal, heard = Signal(), list[int]()

    def listen(task_id: int) -> None:
        heard.append(task_id)

    signal.connect(listen)
    signals.emit(signal, task_id=7)
    assert heard == [7]


def test_it_lets_nobody_miss_a_signal_because_another_listener_failed(caplog: pytest.LogCaptureFixture) -> None:
    signal, heard = Signal("the doc"), list[int]()

    def fail(task_id: int) -> None:
        raise RuntimeError("broken listener")

    def listen(task_id: int) -> None:
        heard.append(task_id)

    for listener in (fail, listen):
        signal.connect(listener)
    with caplog.at_level(logging.ERROR):
        signals.emit(signal, task_id=7)
    assert heard == [7]
    assert "broken listener" in caplog.text


def test_it_needs_no_listener(caplog: pytest.LogCaptureFixture) -> None:
    signals.emit(Signal(), task_id=7)
    assert not caplog.records


def test_there_are_five_signals() -> None:
    found = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert found == {"task_changed", "task_removed", "run_queued", "run_finished", "cancel_requested"}
