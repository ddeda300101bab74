"""`?wait=` on a trigger, and keys that make a request harmless to repeat."""

import pytest

from scheduler.api import waiting
from tests.api.conftest import BACKUP, end, fields

KEY = {"Idempotency-Key": "order-7"}


@pytest.fixture
def over(app, ada_calls):
    """An execution that is over, made with a key."""
    ada_calls.make()
    execution = ada_calls.post("/tasks/1/trigger", headers=KEY).json["data"]["execution_id"]
    end(app, 1, 3)
    return execution


def test_it_answers_with_the_execution_that_is_over(ada_calls, over):
    found = ada_calls.post("/tasks/1/trigger?wait=60", headers=KEY).json["data"]
    assert (found["execution_id"], found["status"], found["exit_code"]) == (over, "FAILED", 3)


def test_it_answers_with_one_that_is_not_when_the_time_is_up(ada_calls, monkeypatch):
    naps = []
    monkeypatch.setattr(waiting.time, "sleep", naps.append)
    ada_calls.make()
    assert ada_calls.post("/tasks/1/trigger?wait=2").json["data"]["status"] == "PENDING"
    assert sum(naps) == pytest.approx(2)


@pytest.mark.parametrize("wait", ["61", "-1", "soon", "1.5", ""])
def test_it_waits_a_minute_at_most(ada_calls, wait):
    ada_calls.make()
    answer = ada_calls.post(f"/tasks/1/trigger?wait={wait}")
    assert (answer.status_code, fields(answer)) == (400, ["wait"]) and ada_calls.get("/executions").json["total"] == 0


def test_only_so_many_wait_and_the_next_runs_nothing(ada_calls, over):
    places = [waiting.place(1) for _ in range(4)]  # of sixteen threads
    for place in places:
        place.__enter__()
    answer = ada_calls.post("/tasks/1/trigger?wait=1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5") and ada_calls.get("/executions").json["total"] == 1
    assert ada_calls.post("/tasks/1/trigger").status_code == 200
    for place in places:
        place.__exit__(None, None, None)
    assert ada_calls.post("/tasks/1/trigger?wait=1", headers=KEY).status_code == 200


def test_a_place_is_given_back_when_something_goes_wrong(ada_calls):
    for _ in range(5):
        assert ada_calls.post("/tasks/9/trigger?wait=1").status_code == 404


def test_one_key_makes_one_task(ada_calls):
    first, again = (ada_calls.post("/tasks", BACKUP, headers=KEY) for _ in range(2))
    assert first.json["data"]["id"] == again.json["data"]["id"] == 1 and ada_calls.get("/tasks").json["total"] == 1
    assert ada_calls.post("/tasks", BACKUP | {"name": "Other"}, headers=KEY).status_code == 409


@pytest.mark.parametrize("key", ["x" * 81, "ключ"])
def test_a_key_is_short_and_plain(ada_calls, key):
    answer = ada_calls.post("/tasks", BACKUP, headers={"Idempotency-Key": key.encode().decode("latin-1")})
    assert answer.status_code == 400 and fields(answer) == ["Idempotency-Key"]
