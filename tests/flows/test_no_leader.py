"""Daemons that all lead at once, as after a broken lock or lease: the unique keys alone keep every row and start single."""

import time

import pytest

from tests.flows.conftest import Site
from tests.flows.tally import Tally

pytestmark = pytest.mark.slow

LEADERLESS = ("-m", "tests.flows.leaderless")


def test_three_that_lead_at_once_double_nothing(site: Site) -> None:
    site.start(program=LEADERLESS)
    doomed = site.start(program=LEADERLESS)
    last = site.start(program=LEADERLESS)
    tally = Tally(site)
    tally.add(5, seconds=8)
    time.sleep(4)
    doomed.kill()
    found = tally.count()
    assert found.pop("runs") >= 20 and set(found.values()) == {0}, found
    assert last.poll() is None
    assert site.log().count("event=attempt_started") >= 20
