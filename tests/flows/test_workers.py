"""Workers and a real Redis: each attempt starts once, whatever becomes of messages, broker and workers."""

import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from scheduler import config
from scheduler.database import db
from scheduler.execution.engines import Carrier, carrier
from scheduler.runs.models import Run
from tests.factories import attempts
from tests.flows.conftest import Site
from tests.redis import Redis
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def redis(site: Site) -> Iterator[Redis]:
    """A broker, which the servers of the site use."""
    made = Redis().start()
    site.settings = {"ENGINE__TYPE": "celery", "ENGINE__CELERY__BROKER": made.url}
    yield made
    site.close()
    made.close()


@pytest.fixture
def hand(redis: Redis) -> Carrier:
    """Somebody else at the broker."""
    found = carrier(config.Settings(engine=config.Engine(type="celery", celery=config.Celery(broker=redis.url))))
    assert found is not None
    return found


def marked(site: Site, count: int, then: str = "") -> list[Run]:
    """Runs that write down their own starts, asked for just now."""
    command = f"echo $SCHEDULER_RUN_ID >> {site.instance}/marks; {then}"
    return [site.run(site.task(command)) for _ in range(count)]


def starts(site: Site) -> Counter[int]:
    file = site.instance / "marks"
    return Counter(map(int, file.read_text().split())) if file.exists() else Counter()


def once(*runs: Run) -> Counter[int]:
    return Counter({run.id: 1 for run in runs})


def nodes_of(runs: list[Run]) -> Counter[str]:
    return Counter(attempts(run)[-1].node for run in runs)


def test_in_the_folder_of_the_daemon_a_worker_performs_outlives_nothing_and_is_outlived(site: Site, redis: Redis) -> None:
    site.start(program=("app.py",))
    worker = site.worker()
    runs = marked(site, 2, "sleep 6; echo done")
    until(lambda: len(starts(site)) == 2)
    worker.kill()
    stopped, waits = marked(site, 2)
    until(lambda: site.status(stopped) == "running")
    site.stop(stopped)
    assert site.until_over(stopped, patience=3) == ["cancelled"]  # nobody has taken it, nobody needs to
    assert site.until_over(*runs) == ["success", "success"]
    assert [site.output(run) for run in runs] == [b"done\n"] * 2
    assert (site.status(waits), attempts(waits)[0].node) == ("running", "")
    worker = site.worker()
    assert site.until_over(waits) == ["success"]
    assert starts(site) == once(*runs, waits)
    running = site.run(site.task("sleep 60"))
    until(lambda: site.processes())
    worker.terminate()
    assert worker.wait(30) == 0 and site.status(running) == "running"
    site.stop(running)
    assert site.until_over(running) == ["cancelled"] and not site.processes()


def test_two_workers_elsewhere_start_each_once_though_messages_double(site: Site, redis: Redis, hand: Carrier) -> None:
    site.start()
    for name in ("one", "two"):
        site.worker(site.instance / name, ENGINE__MAX_WORKERS="6")  # room for what comes twice while the first goes on
    runs = marked(site, 8, "sleep 2")
    until(lambda: len(starts(site)) == 8)
    for _ in range(3):  # as a visibility timeout that has run out would
        hand.publish([(run.id, number) for run in runs for number in (1, 2)])
    assert set(site.until_over(*runs)) == {"success"}
    until(lambda: hand.waiting() == 0)
    assert starts(site) == once(*runs) and {run.attempts for run in runs} == {1}
    shares = nodes_of(runs)
    assert len(shares) == 2 and set(shares) == {(site.instance / name / "node").read_text().strip() for name in ("one", "two")}


def test_a_killed_worker_elsewhere_finds_what_it_left_when_it_returns(site: Site, redis: Redis) -> None:
    site.start()
    there = site.instance / "there"
    worker = site.worker(there)
    short, long = marked(site, 1, "sleep 3; exit 1") + marked(site, 1, "sleep 60")
    until(lambda: len(starts(site)) == 2)
    worker.send_signal(signal.SIGKILL)
    until(lambda: (there / "runs" / str(short.id) / "1" / "result").exists())
    site.stop(long)
    site.worker(there)
    assert site.until_over(short, long) == ["business_failure", "cancelled"]
    assert starts(site) == once(short, long) and not site.processes()
    assert {attempt.host for run in (short, long) for attempt in attempts(run)} == {attempts(short)[0].host} != {""}


def test_a_worker_that_dies_with_what_it_has_just_taken_has_not_begun_it(site: Site, redis: Redis) -> None:
    site.start()
    there = site.instance / "there"
    worker = site.worker(there, FAILPOINT="take_after_commit:kill")
    (run,) = marked(site, 1)
    assert worker.wait(30) == -signal.SIGKILL
    site.worker(there)
    assert site.until_over(run) == ["success"]
    assert starts(site) == once(run) and [attempt.status for attempt in attempts(run)] == ["unstarted", "success"]


def test_without_a_broker_everything_waits_and_then_starts(site: Site, redis: Redis) -> None:
    redis.stop()
    site.start()
    site.worker()
    (first,) = marked(site, 1)
    until(lambda: "event=broker_unreachable" in site.log())
    time.sleep(4)
    assert (site.status(first), len(attempts(first)), starts(site)) == ("pending", 1, Counter())
    redis.start()
    assert site.until_over(first, patience=40) == ["success"]
    worker_gone = site._servers[-1]
    worker_gone.terminate()
    worker_gone.wait(30)
    (second,) = marked(site, 1)
    until(lambda: site.status(second) == "running")
    redis.said("FLUSHALL")
    site.worker()
    assert site.until_over(second, patience=40) == ["success"]  # told of again, without anybody's asking
    assert starts(site) == once(first, second)
    db.session.rollback()
    assert attempts(second)[-1].number == 1
