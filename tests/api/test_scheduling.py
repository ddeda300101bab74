"""The scheduler as a whole through the API: its status, pausing, the queue, retries."""

from collections.abc import Callable

import pytest
from flask import Flask

from scheduler import config, heartbeat
from scheduler.tasks import pausing
from tests.api.conftest import Program, end, fields
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, claim, make_group, make_run, make_task


def test_it_says_how_it_stands(app: Flask, ada_calls: Program, clock: FrozenClock) -> None:
    heartbeat.beat(config.settings().instance)
    clock.move(seconds=2)
    make_task(is_active=False), claim(make_run()), make_run()
    assert ada_calls.data("/status") == {
        "running": True, "paused": False, "pause": None, "total_tasks": 3, "enabled_tasks": 2,
        "running_executions": 1, "queued": 1, "last_tick_age": 2, "leader": None,
    }  # fmt: skip


def test_it_counts_what_one_may_see(program: Callable[[str], Program]) -> None:
    make_run(group=make_group("hidden").key)
    found = program("mallory").data("/status")
    assert (found["total_tasks"], found["queued"]) == (0, 0)


@pytest.mark.parametrize("path", ["/pause", "/scheduler/pause"])
def test_it_pauses(ada_calls: Program, path: str) -> None:
    answer = ada_calls.post(path, {"reason": "a disk", "until": "2026-03-02T21:00:00"})
    assert answer.status_code == 200 and answer.json["data"]["until"] == "2026-03-02T13:00:00Z"
    found = ada_calls.data("/status")
    assert found["paused"] and found["pause"]["reason"] == "a disk" and found["pause"]["paused_by"] == "ada"


def test_it_pauses_without_a_word(ada_calls: Program) -> None:
    assert ada_calls.post("/scheduler/pause").status_code == 200


@pytest.mark.parametrize("path", ["/resume", "/scheduler/resume"])
def test_it_resumes(ada_calls: Program, path: str) -> None:
    pausing.pause(SYSTEM)
    assert [ada_calls.post(path).status_code for _ in range(2)] == [200, 409]
    assert ada_calls.data("/status")["paused"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"until": "2026-03-02T11:00:00Z"}, "until"),
        ({"until": "soon"}, "until"),
        ({"reason": "x" * 501}, "reason"),
        ({"why": "?"}, "why"),
    ],
)
def test_it_refuses_what_makes_no_sense(ada_calls: Program, body: dict[str, str], field: str) -> None:
    answer = ada_calls.post("/scheduler/pause", body)
    assert (answer.status_code, fields(answer)) == (400, [field])


def test_pausing_is_for_administrators(program: Callable[[str], Program]) -> None:
    assert [program("edith").post(f"/scheduler/{verb}").status_code for verb in ("pause", "resume")] == [403, 403]


def test_it_lists_the_queue(app: Flask, ada_calls: Program) -> None:
    heartbeat.beat(config.settings().instance)
    going = make_run()
    claim(going)
    behind = make_run(going.task_id and make_task(), priority=1)
    found = ada_calls.get("/queue?size=5").json
    assert (found["total"], found["items"][0]["execution_id"], found["items"][0]["waits_for"]) == (1, behind.public_id, "ready")
    assert found["items"][0]["reason"] == "It is about to start."


def test_a_waiting_retry_is_cancelled(app: Flask, ada_calls: Program) -> None:
    run = make_run(retry_count=1, retry_delay_seconds=600)
    end(app, run.id, 7)
    path = f"/executions/{run.public_id}"
    assert [ada_calls.post(f"{path}/stop").status_code for _ in range(2)] == [200, 409]
    assert ada_calls.data(path)["status"] == "CANCELLED" and ada_calls.get("/queue").json["total"] == 0


def test_a_retry_starts_at_once(app: Flask, ada_calls: Program) -> None:
    run = make_run(retry_count=1, retry_delay_seconds=600)
    end(app, run.id, 7)
    path = f"/executions/{run.public_id}"
    assert ada_calls.get("/queue").json["items"][0]["reason"] == "Its next attempt starts at 2026-03-02T12:10:00Z."
    assert ada_calls.data(path)["next_attempt_at"] == "2026-03-02T12:10:00Z"
    assert [ada_calls.post(f"{path}/hasten").status_code for _ in range(2)] == [200, 409]
    assert ada_calls.data(path)["next_attempt_at"] is None
