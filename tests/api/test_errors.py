"""Errors of v1: one shape for all of them, in the language asked for, with the headers that belong to them."""

import pytest

from scheduler import config
from tests.api.conftest import BACKUP

pytestmark = pytest.mark.any_database

SHAPE = {"success", "code", "message", "errors", "timestamp"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v2/scheduler/tasks", 404),
        ("GET", "/tasks/1", 404),
        ("GET", "/tasks/1/executions/exec-1", 404),
        ("GET", "/tasks/", 404),
        ("GET", "/tasks/%00", 404),
        ("GET", "/executions/%00", 404),
        ("GET", "/tasks%2f1", 404),
        ("GET", "%2Ftasks", 404),
        ("PATCH", "/tasks", 405),
        ("DELETE", "/tasks", 405),
        ("GET", "/schedules/preview", 405),
        ("POST", "/tasks", 415),
    ],
)
def test_every_error_has_the_documents_shape(ada_calls, method, path, status):
    answer = ada_calls.send(method, path)
    assert (answer.status_code, answer.mimetype, set(answer.json)) == (status, "application/json", SHAPE)
    assert (answer.json["success"], answer.json["code"]) == (False, status)
    assert answer.json["message"] and answer.json["timestamp"] == "2026-03-02T12:00:00Z"


def test_strangers_get_the_same_shape(anybody):
    assert set(anybody.get("/tasks").json) == SHAPE == set(anybody.get("/api/nowhere").json)


def test_it_says_which_methods_an_address_takes(ada_calls):
    allowed = ada_calls.send("PATCH", "/tasks/1").headers["Allow"]
    assert {"GET", "PUT", "DELETE"} <= set(allowed.replace(" ", "").split(","))


@pytest.mark.parametrize(
    ("asked", "language"), [("zh-CN,zh;q=0.9", "zh"), ("en-GB", "en"), ("en;q=0.5, zh-TW", "zh"), ("fr", "en"), ("", "en")]
)
def test_it_speaks_the_language_asked_for_else_the_configured_one(ada_calls, asked, language):
    answer = ada_calls.get("/tasks/1", headers={"Accept-Language": asked})
    assert answer.headers["Content-Language"] == language
    assert ("没有" in answer.json["message"]) == (language == "zh")


def test_it_speaks_chinese_where_that_is_configured(ada_calls):
    settings = config.settings()
    spoken = settings.server.model_copy(update={"language": "zh"})
    try:
        config.use(settings.model_copy(update={"server": spoken}))
        assert ada_calls.get("/nowhere").headers["Content-Language"] == "zh"
    finally:
        config.use(settings)


def test_a_wrong_hour_is_said_as_in_the_document(ada_calls):
    refused = ada_calls.post("/tasks", BACKUP | {"schedule_config": "0 25 * * *"}).json
    assert (refused["code"], refused["message"]) == (400, "The configuration of the schedule is not valid.")
    (error,) = refused["errors"]
    assert error["field"] == "schedule_config" and "25" in error["message"] and "our" in error["message"]


def test_it_repeats_nothing_long_that_it_was_sent(ada_calls):
    refused = ada_calls.post("/tasks", BACKUP | {"timezone": "x" * 10_000, "y" * 10_000: 1, "schedule_type": "z" * 10_000})
    assert refused.status_code == 400 and len(refused.data) < 2000


def test_an_error_of_ours_says_nothing_of_the_inside(app, ada_calls, monkeypatch):
    monkeypatch.setattr("scheduler.api.v1.tasks.queries.listed", lambda *_: 1 / 0)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = ada_calls.get("/tasks")
    assert (answer.status_code, set(answer.json)) == (500, SHAPE) and "division" not in answer.get_data(as_text=True)
