"""What is asked of a carrier, of Celery with a real Redis: it brings numbers, survives its broker, and says when it cannot."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler import config
from scheduler.execution.engines import Carrier, Consumer, carrier
from tests.redis import Redis
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.any_database]


@pytest.fixture
def redis() -> Iterator[Redis]:
    made = Redis().start()
    yield made
    made.close()


@pytest.fixture
def made(redis: Redis) -> Carrier:
    found = carrier(config.Settings(engine=config.Engine(type="celery", celery=config.Celery(broker=redis.url))))
    assert found is not None
    return found


class Taker:
    """Somebody who takes messages and writes down which."""

    def __init__(self, carrier: Carrier, threads: int = 2, seconds: float = 0.0) -> None:
        self.taken: list[tuple[int, int]] = []
        self.most = self._now = 0
        self._seconds = seconds
        self.consumer: Consumer = carrier.consumer(self._perform, threads)

    def _perform(self, run_id: int, number: int) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        time.sleep(self._seconds)
        self.taken.append((run_id, number))
        self._now -= 1


def test_who_does_not_use_celery_does_not_import_it() -> None:
    loads = "import app, sys; sys.exit(any(name in sys.modules for name in ('celery', 'kombu', 'redis')))"
    assert subprocess.run([sys.executable, "-c", loads], cwd=ROOT).returncode == 0


def test_nothing_is_carried_unless_that_is_set() -> None:
    assert carrier(config.Settings()) is None


@pytest.mark.filterwarnings("ignore:\\s*In Celery 5.1")
def test_what_is_told_is_taken_once_and_survives_the_broker(redis: Redis, made: Carrier) -> None:
    """One test for all that needs a consumer: of Celery's, one process can stop only one."""
    made.publish([(run_id, 1) for run_id in range(20)])
    assert made.waiting() == 20
    taker = Taker(made, seconds=0.05)
    taker.consumer.start()
    until(lambda: taker.taken)
    assert made.waiting() + len(taker.taken) + 2 >= 20  # who is busy leaves the others to others
    until(lambda: len(taker.taken) == 20, 5)  # ten rounds: who comes free is given the next at once
    assert sorted(taker.taken) == [(run_id, 1) for run_id in range(20)]
    assert taker.most == 2
    redis.said("FLUSHALL")
    made.publish([(21, 1)])
    until(lambda: (21, 1) in taker.taken)
    redis.stop()
    with pytest.raises(OSError, match="broker does not answer"):
        made.publish([(22, 1)])
    with pytest.raises(OSError, match="broker does not answer"):
        made.waiting()
    redis.start()
    made.publish([(23, 1)])
    until(lambda: (23, 1) in taker.taken)
    taker.consumer.stop(10)
    assert taker.consumer.over
    made.publish([(24, 1)])
    assert made.waiting() == 1
