"""What Debian's cron fires around the clock changes of 2026, row by row; the rows are its own answers."""

import gzip
import json
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest

from scheduler.schedules import parse

ROWS = json.loads(gzip.decompress(Path(__file__).with_name("debian-cron-2026.json.gz").read_bytes()))
BY_ZONE = {zone: list(rows) for zone, rows in groupby(sorted(ROWS, key=lambda row: row[1]), key=lambda row: row[1])}


@pytest.mark.parametrize("zone", BY_ZONE)
def test_it_fires_when_debians_cron_fires(zone):
    wrong = [row for row in BY_ZONE[zone][::8] if _fires(*row[:3], len(row[3])) != row[3]]
    assert not wrong


@pytest.mark.slow  # seventy thousand instants
@pytest.mark.parametrize("zone", BY_ZONE)
def test_every_row_fires_when_debians_cron_fires(zone):
    wrong = [row for row in BY_ZONE[zone] if _fires(*row[:3], len(row[3])) != row[3]]
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("zone", BY_ZONE)
def test_it_fires_the_same_asked_from_the_second_before_each_instant(zone):
    for text, _, _, fires in BY_ZONE[zone]:
        schedule = parse("cron", {"cron": text}, zone)
        assert [_next(schedule, fire - 1) for fire in fires] == fires, text


def _fires(text, zone, start, count):
    schedule, found = parse("cron", {"cron": text}, zone), [start]
    for _ in range(count):
        found.append(_next(schedule, found[-1]))
    return found[1:]


def _next(schedule, second):
    return int(schedule.next_after(datetime.fromtimestamp(second, UTC)).timestamp())
