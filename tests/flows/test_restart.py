"""The server dies while tasks run: they finish, and the next server writes down what became of them."""

import signal
import time
from datetime import timedelta
from itertools import pairwise

import pytest

from scheduler.execution.protocol import read_result
from scheduler.runs.folders import attempt_folder
from tests.factories import attempts
from tests.flows.conftest import Site
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_tasks_outlive_a_killed_server(site: Site) -> None:
    site.cold = True
    server = site.start()
    codes = [0, 0, 0, 1, 7]
    tasks = [site.task(f"echo out; echo err >&2; sleep 3; echo done; exit {code}") for code in codes]
    runs = [site.run(task) for task in tasks]
    until(lambda: all(site.status(run) == "running" for run in runs) and len(site.processes()) >= 5)
    server.kill()
    server.wait()
    site.start()
    ended = site.until_over(*runs)
    assert ended == ["success", "success", "success", "business_failure", "technical_failure"]
    assert [run.exit_code for run in runs] == codes
    assert [run.attempts for run in runs] == [1] * 5
    assert [sorted(site.output(run).split()) for run in runs] == [[b"done", b"err", b"out"]] * 5
    assert [len(site.runs(task)) for task in tasks] == [1] * 5
    measured = [read_result(attempt_folder(site.instance, run.id, 1)) or {} for run in runs]  # by its supervisor, not by us
    assert [run.duration for run in runs] == [one["duration"] for one in measured]
    assert min(one["duration"] for one in measured) > 2.9


def test_what_ends_while_no_server_runs_is_written_down_by_the_next(site: Site) -> None:
    server = site.start()
    run = site.run(site.task("sleep 1; echo alone; exit 7"))
    until(lambda: site.status(run) == "running" and site.processes())
    server.kill()
    until(lambda: not site.processes())
    site.start()
    assert site.until_over(run) == ["technical_failure"]
    assert (run.exit_code, site.output(run)) == (7, b"alone\n")


def test_a_server_asked_to_leave_leaves_tasks_running(site: Site) -> None:
    site.cold = True
    server = site.start()
    run = site.run(site.task("sleep 3; echo done"))
    until(lambda: site.status(run) == "running" and site.processes())
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0
    assert site.status(run) == "running"
    assert site.processes()
    site.start()
    assert site.until_over(run) == ["success"]


def test_waiting_runs_and_retries_survive(site: Site) -> None:
    server = site.start()
    task = site.task(
        "echo try $SCHEDULER_ATTEMPT; [ $SCHEDULER_ATTEMPT = 2 ] || exit 7",
        retry_count=2,
        retry_delay_seconds=2,
        business_exit_codes=[9],
    )
    run = site.run(task)
    until(lambda: site.status(run) == "pending" and run.attempts == 1)
    server.kill()
    server.wait()
    waiting = site.run(task)
    site.start()
    assert site.until_over(run)[0] == "success"
    assert [attempt.status for attempt in attempts(run)] == ["technical_failure", "success"]
    assert [site.output(run, number) for number in (1, 2)] == [b"try 1\n", b"try 2\n"]
    site.until_over(waiting)


def test_instants_due_while_no_server_ran_have_their_rows(site: Site) -> None:
    server = site.start()
    task = site.task("true", cron="* * * * * *", overlap_policy="queue", misfire_grace_seconds=1)
    until(lambda: len(site.runs(task)) >= 2)
    server.kill()
    time.sleep(3)
    site.start()
    until(lambda: "missed" in {run.status for run in site.runs(task)} and site.runs(task)[-1].status == "success")
    steps = {after.scheduled_at - before.scheduled_at for before, after in pairwise(site.runs(task))}
    assert steps == {timedelta(seconds=1)}
