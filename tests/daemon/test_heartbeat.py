"""The sign of life: its age by our clock, whatever the clock does."""

from pathlib import Path

import pytest

from scheduler import heartbeat
from tests.conftest import FrozenClock


def test_there_is_none_before_the_first(tmp_path: Path) -> None:
    assert (heartbeat.age(tmp_path), heartbeat.fresh(tmp_path)) == (None, False)


def test_it_ages(tmp_path: Path, clock: FrozenClock) -> None:
    heartbeat.beat(tmp_path)
    heartbeat.beat(tmp_path)
    clock.move(seconds=10)
    assert heartbeat.age(tmp_path) == pytest.approx(10, abs=0.01)
    assert heartbeat.fresh(tmp_path)
    clock.move(seconds=6)
    assert not heartbeat.fresh(tmp_path)


def test_the_very_first_beat_counts(tmp_path: Path, clock: FrozenClock) -> None:
    heartbeat.beat(tmp_path)
    assert heartbeat.fresh(tmp_path)


@pytest.mark.parametrize(("seconds", "fresh"), [(-5, True), (-3600, False)])
def test_a_clock_set_back_far_makes_it_doubtful(tmp_path: Path, clock: FrozenClock, seconds: int, fresh: bool) -> None:
    heartbeat.beat(tmp_path)
    heartbeat.beat(tmp_path)
    clock.move(seconds=seconds)
    assert heartbeat.fresh(tmp_path) is fresh


def test_it_is_for_the_owner_alone(tmp_path: Path) -> None:
    heartbeat.beat(tmp_path)
    assert (tmp_path / "run" / "heartbeat").stat().st_mode & 0o077 == 0
