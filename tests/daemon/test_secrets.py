"""Secrets at the start of an attempt: in what is handed to the engine, hidden in its output; gone, it fails once."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from scheduler.daemon.dispatcher import Dispatcher
from scheduler.database import db
from scheduler.kinds import kinds
from scheduler.runs.models import Run
from scheduler.tasks import groups, secrets
from tests.factories import SYSTEM, attempts, make_group, make_run
from tests.fakes import FakeEngine

VALUE = "hunter2-canary"
TOKEN = "${secret:TOKEN}"


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def dispatcher(app: Flask, engine: FakeEngine) -> Iterator[Dispatcher]:
    secrets.put(SYSTEM, "TOKEN", {"value": VALUE})
    made = Dispatcher(app, engine)
    made._stopping.set()
    yield made
    made.stop()


def begun(dispatcher: Dispatcher, engine: FakeEngine, **values: Any) -> Any:
    run = make_run(**values)
    dispatcher._start_waiting()
    return engine.specs[run.id, 1]


def ended(dispatcher: Dispatcher, **values: Any) -> Run:
    run = make_run(**values)
    dispatcher._start_waiting()
    db.session.rollback()
    return db.session.get_one(Run, run.id)


def test_it_is_in_the_environment_and_hidden_in_the_output(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    spec = begun(dispatcher, engine, env={"KEY": f"a {TOKEN}"}, params={"P": TOKEN, "Q": "plain"})
    assert (spec.env["KEY"], spec.env["P"], spec.env["Q"]) == (f"a {VALUE}", VALUE, "plain")
    assert VALUE in spec.masks and "plain" not in spec.masks
    assert VALUE not in str([spec.argv, spec.files, spec.cwd, spec.dir, spec.workspace])


def test_a_request_has_it_where_it_is_named(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    auth = {"type": "basic", "username": "me", "password": TOKEN}
    spec = begun(dispatcher, engine, type="http", url=f"https://example.org/{TOKEN}", headers={"X-Key": f"k {TOKEN}"}, auth=auth)
    assert spec.env["SCHEDULER_HTTP_REQUEST"].count(VALUE) == 3 and TOKEN not in str(spec)
    assert VALUE not in str([spec.argv, spec.files]) and {VALUE, f"k {VALUE}"} <= {*spec.masks}


def test_what_a_group_runs_has_those_of_the_group(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    group = make_group("ops")
    secrets.put(SYSTEM, "TOKEN", {"groups": ["ops"]})
    groups.edit(SYSTEM, group.id, {"default_content": {"type": "http", "url": TOKEN + "/a"}})
    secrets.put(SYSTEM, "TOKEN", {"value": "https://example.org/hook"})
    assert "https://example.org/hook/a" in begun(dispatcher, engine, type=None, group="ops").env["SCHEDULER_HTTP_REQUEST"]


def test_what_a_secret_holds_is_not_looked_at_again(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    secrets.put(SYSTEM, "OTHER", {"value": TOKEN + r" \1"})
    assert begun(dispatcher, engine, env={"A": "${secret:OTHER}"}).env["A"] == TOKEN + r" \1"


def test_without_it_a_run_fails_at_once_and_is_not_tried_again(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    run = make_run(env={"KEY": TOKEN}, retry_count=5)
    healthy = make_run()
    secrets.remove(SYSTEM, "TOKEN")
    dispatcher._start_waiting()
    db.session.rollback()
    run = db.session.get_one(Run, run.id)
    assert (run.status, run.attempts) == ("technical_failure", 1) and list(engine.specs) == [(healthy.id, 1)]
    assert run.error == "There is no secret “TOKEN” that tasks of the group “default” may name."


def test_one_that_is_shared_no_more_is_not_given_out(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    run = make_run(env={"KEY": TOKEN})
    secrets.put(SYSTEM, "TOKEN", {"groups": []})
    dispatcher._start_waiting()
    assert attempts(run)[0].status == "technical_failure" and not engine.specs


def test_a_name_that_stands_there_a_thousand_times_harms_nobody(dispatcher: Dispatcher, engine: FakeEngine) -> None:
    secrets.put(SYSTEM, "TOKEN", {"value": "long " * 6000})
    run, healthy = make_run(env={"KEY": TOKEN * 4000}), make_run(env={"KEY": TOKEN})
    dispatcher._start_waiting()
    assert "too long together: 117188 KB, at most 256" in str(attempts(run)[0].error) and list(engine.specs) == [(healthy.id, 1)]


@pytest.mark.parametrize("values", [
    {"url": "https://example.org/", "headers": {"X-Key": TOKEN}}, {"url": TOKEN}, {"url": f"https://example.org:{TOKEN}/"},
    {"url": "https://example.org/", "auth": {"type": "bearer", "token": TOKEN}},
])  # fmt: skip
def test_one_that_does_not_fit_is_said_without_it(dispatcher: Dispatcher, values: dict[str, Any]) -> None:
    secrets.put(SYSTEM, "TOKEN", {"value": "höchst\ngeheim"})
    run = ended(dispatcher, type="http", **values)
    assert run.status == "technical_failure" and run.error and "geheim" not in run.error and "höchst" not in run.error


def test_a_kind_that_tells_all_tells_nobody(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(content: Any, _context: Any) -> None:
        raise RuntimeError(f"no {content.headers}")

    monkeypatch.setattr(kinds.get("http"), "prepare", fail)
    with caplog.at_level(logging.DEBUG):
        run = ended(dispatcher, type="http", url="https://example.org/", headers={"X-Key": TOKEN})
    assert run.error == "It could not be prepared: no {'X-Key': '********'}" and VALUE not in caplog.text
