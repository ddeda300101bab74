"""Doorbells at a receiver that is busy; streams and frames are tested where a runner speaks them."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.execution import sockets
from scheduler.execution.sockets import Doorbell


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[socket.socket]:
    with sockets.receive(tmp_path / "bell") as receiver:
        yield receiver


@pytest.fixture
def doorbell(receiver: socket.socket, tmp_path: Path) -> Doorbell:
    """Rung until no more letters find room."""
    doorbell = Doorbell(tmp_path / "bell")
    while doorbell.ring(b"before"):
        continue
    return doorbell


def test_who_is_in_a_hurry_does_not_wait_for_a_busy_receiver(doorbell: Doorbell) -> None:
    assert not doorbell.ring(b"1/1")


def test_who_has_finished_waits_until_the_receiver_has_room(doorbell: Doorbell, receiver: socket.socket) -> None:
    threading.Timer(0.05, receiver.recv, [64]).start()
    assert doorbell.ring(b"1/1", patient=True)


def test_nobody_waits_for_a_receiver_that_is_gone(doorbell: Doorbell, receiver: socket.socket) -> None:
    receiver.close()
    assert not doorbell.ring(b"1/1", patient=True)
