"""Executions over the API: what is shown of one, how they are found, stopped, and kept from strangers."""

import json

import pytest

from scheduler.runs import ledger, lifecycle
from scheduler.runs.folders import attempt_folder
from scheduler.tasks.models import DEFAULT_GROUP
from tests.api.conftest import end, fields


def test_it_shows_how_an_execution_went(ada_calls, app):
    ada_calls.make()
    execution = ada_calls.run()
    end(app, 1, 0, summary="1000 rows", last_line="bye", peak_memory_kb=131072, cpu_seconds=9.0)
    found = ada_calls.data(f"/executions/{execution}")
    assert (found["status"], found["exit_code"], found["output_summary"]) == ("SUCCESS", 0, "1000 rows")
    assert (found["start_time"], found["end_time"]) == ("2026-03-02T12:00:00Z", "2026-03-02T12:00:45Z")
    assert found["resource_usage"] == {"max_memory_mb": 128.0, "cpu_seconds": 9.0, "avg_cpu_percent": 20.0}
    assert (found["triggered_by"], found["host"], found["pid"], len(found["attempts"])) == ("ada", "host", 321, 1)


@pytest.mark.parametrize(
    ("code", "status", "kind"), [(0, "SUCCESS", None), (1, "FAILED", "business_failure"), (2, "FAILED", "technical_failure")]
)
def test_it_says_in_which_way_it_failed(ada_calls, app, code, status, kind):
    ada_calls.make()
    execution = ada_calls.run()
    end(app, 1, code, last_error_line="no disk")
    found = ada_calls.data(f"/executions/{execution}")
    assert (found["status"], found["failure_kind"]) == (status, kind)
    assert found["error_message"] == ("no disk" if kind else None)


def test_it_tells_what_the_program_said_of_itself(ada_calls, app):
    ada_calls.make()
    execution = ada_calls.run()
    end(app, 1, 0, progress={"percent": 65.0, "text": "loading"}, metrics={"rows": 1000.0})
    found = ada_calls.data(f"/executions/{execution}")
    assert found["progress"] == {"current_step": "loading", "progress_percent": 65}
    assert (found["metrics"], found["attempts"][0]["metrics"]) == ({"rows": 1000.0}, {"rows": 1000.0})


def test_it_shows_each_attempt_of_a_retried_one(ada_calls, app, clock):
    ada_calls.make(retry_count=1, retry_delay_seconds=0)
    execution = ada_calls.run()
    end(app, 1, 2, seconds=5)
    end(app, 1, 0, seconds=7)
    found = ada_calls.data(f"/executions/{execution}")
    attempts = [(one["number"], one["status"], one["exit_code"]) for one in found["attempts"]]
    assert attempts == [(1, "FAILED", 2), (2, "SUCCESS", 0)]
    assert (found["attempt"], found["duration_seconds"]) == (2, 7)


def test_it_says_why_one_was_missed(ada_calls, app, clock):
    ada_calls.make()
    with app.app_context():
        ledger.settle(clock.move(hours=13))
        clock.move(hours=-13)
    found = ada_calls.get("/tasks/1/executions").json["items"][0]
    assert (found["status"], found["reason"], found["start_time"], found["attempts"]) == ("MISSED", "late", None, [])
    assert found["scheduled_at"] == "2026-03-02T18:00:00Z"


def test_it_finds_executions_by_status_time_and_page(ada_calls, app, clock):
    ada_calls.make(timezone="Asia/Shanghai")
    for run_id in (1, 2, 3):
        ada_calls.run()
        end(app, run_id, run_id % 2)
        clock.move(minutes=4)

    def found(query):
        return [item["exit_code"] for item in ada_calls.get(f"/tasks/1/executions?{query}").json["items"]]

    assert found("status=failed") == [1, 1] and found("status=RUNNING") == []
    assert found("size=1&page=2") == [0] and found("page=9") == []
    assert found("start_date=2026-03-02T20:04:00") == [1, 0]  # on the clock of Shanghai
    assert found("end_date=2026-03-02T12:04:00Z") == [0, 1]
    assert found("start_date=2026-03-02T20:04:00+08:00&end_date=2026-03-02") == [1, 0]
    assert found("end_date=9999-12-31&start_date=0001-01-01") == [1, 0, 1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999", "page"),
        ("size=101", "size"),
        ("size=10000", "size"),
        ("size=", "size"),
        ("status=WELL", "status"),
        ("start_date=yesterday", "start_date"),
        ("end_date=2026-13-01", "end_date"),
        ("start_date=2026-02-01&end_date=2026-01-01", "end_date"),
        ("q=%00", "q"),
        ("cause=magic", "cause"),
    ],
)
def test_it_refuses_a_question_that_makes_no_sense(ada_calls, query, field):
    refused = ada_calls.get(f"/executions?{query}")
    assert (refused.status_code, fields(refused)) == (400, [field])


def test_it_lists_executions_across_tasks(ada_calls):
    ada_calls.make()
    ada_calls.make(name="Other")
    ada_calls.run(1)
    ada_calls.run(2)
    assert [item["task_name"] for item in ada_calls.get("/executions").json["items"]] == ["Other", "Backup"]
    assert ada_calls.get("/executions?task_id=other").json["total"] == 1
    assert ada_calls.get("/executions?q=backup&cause=API").json["total"] == 1


def test_it_stops_a_running_execution_and_says_when_it_is_over(ada_calls, app):
    ada_calls.make()
    execution = ada_calls.run()
    with app.app_context():
        lifecycle.claim([1])
    assert ada_calls.post(f"/executions/{execution}/stop").json["data"] is None
    end_report = ada_calls.data(f"/executions/{execution}")
    assert end_report["status"] == "RUNNING"  # asked, not yet gone
    with app.app_context():
        lifecycle.unstart(1, 1)
    ada_calls.post(f"/executions/{execution}/stop")
    assert ada_calls.post(f"/executions/{execution}/stop").status_code == 409


def test_it_shows_what_runs_now_and_how_far_it_is(ada_calls, app, clock, instance):
    ada_calls.make()
    execution = ada_calls.run()
    with app.app_context():
        lifecycle.claim([1])
    clock.move(minutes=3)
    folder = attempt_folder(instance, 1, 1)
    folder.mkdir(parents=True)
    (folder / "progress").write_text(json.dumps({"percent": 65, "text": "loading"}))
    (found,) = ada_calls.data("/running")
    assert (found["execution_id"], found["running_time"]) == (execution, 180)
    assert found["progress"] == {"current_step": "loading", "progress_percent": 65}


def test_strangers_learn_nothing_of_what_is_not_theirs(program, ada_calls):
    ada_calls.make(private=True)
    execution = ada_calls.run()
    stranger = program("edith")
    for path in ("/tasks/{}", "/tasks/{}/executions", "/tasks/{}/stats", "/tasks/{}/next-runs", "/tasks/{}/status"):
        theirs, nobodys = stranger.get(path.format(1)), stranger.get(path.format(99))
        assert theirs.status_code == nobodys.status_code == 404 and theirs.json == nobodys.json
    for path in ("/executions/{}", "/executions/{}/logs", "/executions/{}/logs/file", "/executions/{}/logs/download"):
        theirs, nobodys = stranger.get(path.format(execution)), stranger.get(path.format("exec-20260302-aaaaaaaaaaaa"))
        assert theirs.status_code == nobodys.status_code == 404 and theirs.json == nobodys.json
    for verb in ("trigger", "stop", "pause", "resume", "restore"):
        theirs, nobodys = stranger.post(f"/tasks/1/{verb}"), stranger.post(f"/tasks/99/{verb}")
        assert theirs.status_code == nobodys.status_code == 404 and theirs.json == nobodys.json
    assert stranger.post(f"/executions/{execution}/stop").status_code == 404
    assert stranger.get("/tasks").json["total"] == stranger.get("/executions").json["total"] == 0


def test_a_role_reaches_as_far_as_the_matrix_says(program, ada_calls):
    ada_calls.make()
    victor, oscar = program("victor"), program("oscar")
    assert victor.get("/tasks/1").status_code == 200
    assert victor.post("/tasks/1/trigger").status_code == victor.post("/tasks/1/pause").status_code == 403
    execution = oscar.run()
    assert victor.post(f"/executions/{execution}/stop").status_code == 403
    assert oscar.post(f"/executions/{execution}/stop").status_code == oscar.post("/tasks/1/pause").status_code == 200
    assert oscar.put("/tasks/1", {"command": "id"}).status_code == oscar.post("/tasks", {}).status_code == 403
    assert oscar.delete("/tasks/1").status_code == oscar.post("/tasks/1/clone", {"name": "x"}).status_code == 403


def test_a_group_one_may_not_see_is_no_group(program):
    stranger = program("mallory")
    assert stranger.get("/tasks").json["total"] == 0
    assert stranger.post("/tasks", {"name": "x", "group": DEFAULT_GROUP}).status_code == 403
