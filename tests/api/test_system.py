"""The installation's metrics and clean-up by API, and the text that Prometheus reads."""

import re

import pytest
from werkzeug.test import TestResponse

from scheduler import config, heartbeat, nodes
from scheduler.config import History, Security
from scheduler.runs import ledger, measures
from scheduler.tasks import pausing
from tests.api.conftest import Program, fields
from tests.factories import SYSTEM, claim, make_run, make_task, perform, rows


@pytest.fixture(autouse=True)
def no_glance(monkeypatch):
    monkeypatch.setattr(measures, "GLANCE", 0.0)


@pytest.fixture
def handed_over(app):
    """Attempts are for workers; answers the settings without."""
    before = config.settings()
    config.use(before.model_copy(update={"engine": before.engine.model_copy(update={"type": "celery"})}))
    yield before
    config.use(before)


@pytest.fixture
def trusting(app):
    """`trusting("10.0.0.0/8")`: networks anybody may read metrics from."""
    before = config.settings()

    def trust(*networks: str) -> None:
        config.use(before.model_copy(update={"security": Security(metrics_from=networks)}))

    yield trust
    config.use(before)


def scrape(app, address: str = "192.0.2.7", **headers: str) -> TestResponse:
    return app.test_client().get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})


def value(answer: TestResponse, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", answer.text, re.MULTILINE)
    assert found, f"no {name} in\n{answer.text}"
    return float(found[1])


def test_metrics_say_how_the_scheduler_stands(instance, ada_calls):
    (instance / "run" / "heartbeat").unlink(missing_ok=True)  # another test's daemon was there
    assert ada_calls.data("/metrics")["scheduler_status"] == "STOPPED"
    heartbeat.beat(config.settings().instance)
    assert ada_calls.data("/metrics")["scheduler_status"] == "RUNNING"
    pausing.pause(SYSTEM, "", None)
    assert ada_calls.data("/metrics")["scheduler_status"] == "PAUSED"


def test_metrics_say_whether_the_broker_has_workers(ada_calls, handed_over):
    assert ada_calls.data("/metrics")["redis_status"] == "UNHEALTHY"
    nodes.seen("here", works=True)
    assert ada_calls.data("/metrics")["redis_status"] == "HEALTHY"
    config.use(handed_over)
    assert ada_calls.data("/metrics")["redis_status"] == "DISABLED"


@pytest.mark.parametrize(("who", "status"), [("victor", 403), ("oscar", 200), ("ada", 200)])
def test_metrics_are_for_operators_and_above(program, who, status):
    caller = program(who)
    assert caller.get("/metrics").status_code == caller.get("/metrics").status_code == status
    assert caller.client.get("/metrics", headers=caller.headers).status_code == status


def test_today_begins_at_midnight_on_the_clock_of_the_installation(app, clock):
    perform(make_run())
    clock.move(hours=3, minutes=59)  # 23:59 in Shanghai
    assert measures.work(clock.now()).completed_today == 1
    clock.move(minutes=1)
    assert measures.work(clock.now()).completed_today == 0


@pytest.mark.parametrize("who", ["edith", "oscar", "victor"])
def test_cleaning_is_for_administrators(program, who):
    caller = program(who)
    for call in ("/cleanup-workspaces", "/upkeep"):
        assert caller.post(call).status_code == 403
    assert caller.get("/upkeep").status_code == 403


@pytest.mark.parametrize("hours", ["-1", "x", "1e3", "99999999", ""])
def test_it_refuses_hours_that_are_none(ada_calls, hours):
    answer = ada_calls.post(f"/cleanup-workspaces?max_age_hours={hours}")
    assert answer.status_code == 400 and fields(answer) == ["max_age_hours"]


def test_a_clean_up_can_be_asked_for_once_at_a_time(ada_calls):
    asked = ada_calls.post("/upkeep").json["data"]
    assert (asked["status"], asked["asked_by"]) == ("PENDING", "ada")
    assert ada_calls.post("/upkeep").status_code == 409
    found = ada_calls.data("/upkeep")
    assert found["runs"] == [asked] and found["next_run"] == "2026-03-02T19:40:00Z"
    assert found["keeps"] == History().model_dump()


def test_a_task_says_how_long_its_history_is_kept(ada_calls):
    made = ada_calls.make(retention_days=7, max_records=100)
    assert (made["retention_days"], made["max_records"]) == (7, 100)
    refused = ada_calls.put("/tasks/1", {"retention_days": 0})
    assert fields(refused) == ["retention_days"]


def test_prometheus_reads_what_is_in_the_database(app, clock, trusting):
    trusting("192.0.2.0/24")
    task = make_task(cron="* * * * *")
    clock.at = task.next_run_at
    ledger.settle(clock.now())
    clock.move(seconds=2)
    perform(rows(task)[0], started_at=clock.now().timestamp())
    perform(make_run(), code=1)
    claim(make_run())
    make_run()
    answer = scrape(app)
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert value(answer, 'scheduler_runs_total{status="success"}') == 1
    assert value(answer, 'scheduler_runs_total{status="business_failure"}') == 1
    assert value(answer, 'scheduler_runs_total{status="lost"}') == 0
    assert (value(answer, "scheduler_queue_depth"), value(answer, "scheduler_running")) == (1, 1)
    edges = [value(answer, f'scheduler_start_lateness_seconds_bucket{{le="{edge}"}}') for edge in ("1", "2.5", "+Inf")]
    assert edges == [0, 1, 1] and value(answer, "scheduler_start_lateness_seconds_sum") == 2


def test_prometheus_reads_how_far_the_schedule_is_behind(app, clock, trusting):
    trusting("192.0.2.7")
    heartbeat.beat(config.settings().instance)
    task = make_task(cron="* * * * *")
    assert value(scrape(app), "scheduler_lag_seconds") == 0 and value(scrape(app), "scheduler_up") == 1
    clock.at = task.next_run_at
    clock.move(seconds=90)
    answer = scrape(app)
    assert value(answer, "scheduler_lag_seconds") == 90 and value(answer, "scheduler_up") == 0
    assert value(answer, "scheduler_last_tick_age_seconds") == 150


def test_every_line_is_one_that_prometheus_takes(app, trusting):
    trusting("192.0.2.0/24")
    perform(make_run())
    text = scrape(app).text
    assert text.endswith("\n")
    line = re.compile(r'# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.e+-]+')
    assert [one for one in text.splitlines() if not line.fullmatch(one)] == []


def test_metrics_are_open_to_nobody_unless_a_network_is_named(app, trusting):
    answer = scrape(app)
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type.startswith("text/plain")
    trusting("192.0.2.0/24", "2001:db8::/32")
    assert scrape(app, "192.0.3.7").status_code == 401
    for near in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8::1"):
        assert scrape(app, near).status_code == 200
    assert scrape(app, "").status_code == 401


def test_a_header_brings_nobody_nearer(app, trusting):
    trusting("192.0.2.0/24")
    assert scrape(app, "203.0.113.1", **{"X-Forwarded-For": "192.0.2.9"}).status_code == 401


def test_a_network_opens_the_metrics_alone(app, trusting):
    trusting("192.0.2.0/24")
    near = {"REMOTE_ADDR": "192.0.2.9"}
    assert Program(app).client.get("/api/v1/scheduler/metrics", environ_overrides=near).status_code == 401
