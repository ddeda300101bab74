"""Rules, channels and messages by the API: what they answer, who may have them, and `notify` of tasks in all faces."""

import pytest

from scheduler.notify import choose, deliver
from tests.api.conftest import end
from tests.notify.conftest import post

__all__ = ["post"]
CHANNEL = {"name": "on call", "type": "inbox", "config": {"users": ["ada"]}}
RULE = {"triggers": ["technical_failure"], "channels": [{"channel": "on call"}]}
WANT = {"name": "own", "triggers": ["lost"], "channels": [{"type": "email", "recipients": ["owner"]}]}


@pytest.fixture
def task(ada_calls):
    """The key of a task."""
    body = {"name": "Night", "key": "night", "command": "true", "schedule_type": "MANUAL"}
    return ada_calls.post("/api/v1/scheduler/tasks", body).json["data"]["key"]


def test_a_channel_takes_003s_flat_form(ada_calls):
    flat = {"name": "ops", "type": "email", "recipients": ["a@example.org"], "subject_template": "{{task_name}}"}
    made = ada_calls.post("/api/v1/scheduler/notification-channels", flat).json["data"]
    assert made["config"] == {"recipients": ["a@example.org"], "subject_template": "{{task_name}}"}


def test_a_secret_is_not_read_back_and_stays_when_its_mask_comes(ada_calls, post, hooks):
    config = {"url": hooks.url, "secret": "s3cret", "headers": {"Authorization": "Bearer t0ken"}}
    made = ada_calls.post("/api/v1/scheduler/notification-channels", {"name": "hook", "type": "webhook", "config": config})
    shown = made.json["data"]
    assert "s3cret" not in made.text and "t0ken" not in made.text
    ada_calls.put(f"/api/v1/scheduler/notification-channels/{shown['id']}", {"config": shown["config"] | {"method": "PUT"}})
    ada_calls.post(f"/api/v1/scheduler/notification-channels/{shown['id']}/test")
    ((_, headers, _),) = hooks.requests
    assert headers["Authorization"] == "Bearer t0ken" and "X-Scheduler-Signature" in headers


def test_a_test_answers_what_the_other_side_says(ada_calls, post):
    post.refusals.append("550 nobody here")
    config = {"recipients": ["a@example.org", "b@example.org"]}
    made = ada_calls.post("/api/v1/scheduler/notification-channels", {"name": "ops", "type": "email", "config": config})
    tried = ada_calls.post(f"/api/v1/scheduler/notification-channels/{made.json['data']['id']}/test").json["data"]
    assert [(one["ok"], one["code"]) for one in tried] == [(False, 550), (True, 250)]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"config": {"users": []}}, "config.users"),
        ({"config": {"users": ["ada"], "room": 7}}, "config.room"),
        ({"type": "pigeon"}, "type"),
        ({"name": ""}, "name"),
        ({"type": "webhook", "config": {"url": "file:///etc/passwd"}}, "config.url"),
        ({"type": "email", "config": {"recipients": ["a@b\r\nBcc: c@d"]}}, "config.recipients.0"),
        ({"type": "email", "config": {"recipients": ["a@b.org"], "subject_template": "a\nBcc: x"}}, "config.subject_template"),
        ({"type": "webhook", "config": {"url": "http://x/", "headers": {"X\r\nY": "z"}}}, "config.headers.X Y"),
    ],
)
def test_a_wrong_channel_is_named(ada_calls, wrong, field):
    refused = ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL | wrong)
    assert refused.status_code == 400
    assert [" ".join(error["field"].split()) for error in refused.json["errors"]] == [field]


def test_a_taken_name_is_a_conflict(ada_calls):
    ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL)
    assert ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL).status_code == 409


def test_channels_are_administrators_and_their_contents_too(ada_calls, program):
    made = ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL).json["data"]
    assert program("edith").post("/api/v1/scheduler/notification-channels", CHANNEL).status_code == 403
    (shown,) = program("edith").get("/api/v1/scheduler/notification-channels").json["items"]
    assert (shown["name"], shown["config"]) == (made["name"], {})


def test_a_rule_is_made_changed_and_deleted(ada_calls, task):
    ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL)
    made = ada_calls.post("/api/v1/scheduler/notification-rules", RULE | {"scope": "task", "task": task}).json["data"]
    assert (made["task"], made["threshold"], made["channels"]) == (task, 1, [{"channel": "on call"}])
    place = f"/api/v1/scheduler/notification-rules/{made['id']}"
    assert ada_calls.put(place, {"threshold": 3}).json["data"]["threshold"] == 3
    assert ada_calls.put(place, {"threshold": 4, "version": 1}).status_code == 409
    assert ada_calls.delete(place).status_code == 200 and ada_calls.get(place).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scope": "moon"}, "scope"),
        ({"scope": "task"}, "task"),
        ({"task": "night"}, "task"),
        ({"triggers": []}, "triggers"),
        ({"channels": []}, "channels"),
        ({"channels": [{"channel": "nobody"}]}, "channels.0.channel"),
        ({"channels": [{"type": "email", "recipients": []}]}, "channels.0.recipients"),
        ({"channels": [{"type": "webhook", "url": "http://x/", "secret": "s"}]}, "channels.0.secret"),
        ({"quiet_hours": {"from": "25:00", "to": "07:00"}}, "quiet_hours.from"),
        (
            {"channels": [{"type": "email", "recipients": ["a@b.org"], "body_template": "{{nothing}}"}]},
            "channels.0.body_template",
        ),
    ],
)
def test_a_wrong_rule_is_named(ada_calls, wrong, field):
    ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL)
    refused = ada_calls.post("/api/v1/scheduler/notification-rules", {"scope": "all"} | RULE | wrong)
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (400, [field])


def test_who_may_edit_a_task_may_have_rules_for_it_and_not_for_all(ada_calls, program, task):
    ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL)
    own = RULE | {"scope": "task", "task": task}
    assert program("edith").post("/api/v1/scheduler/notification-rules", own).status_code == 200
    assert program("edith").post("/api/v1/scheduler/notification-rules", RULE | {"scope": "all"}).status_code == 403
    assert program("oscar").post("/api/v1/scheduler/notification-rules", own).status_code == 403


def test_a_rule_of_a_task_one_may_not_see_is_not_there(ada_calls, program, task):
    ada_calls.post("/api/v1/scheduler/notification-channels", CHANNEL)
    made = ada_calls.post("/api/v1/scheduler/notification-rules", RULE | {"scope": "task", "task": task}).json["data"]
    assert program("mallory").get(f"/api/v1/scheduler/notification-rules/{made['id']}").status_code == 404
    assert program("mallory").get("/api/v1/scheduler/notification-rules").json["total"] == 0


def test_a_message_is_read_by_whom_it_is_for(app, ada_calls, program, task):
    want = {"triggers": ["technical_failure"], "channels": [{"type": "inbox", "users": ["owner"]}]}
    ada_calls.put(f"/api/v1/scheduler/tasks/{task}", {"notify": [want]})
    number = ada_calls.get(f"/api/v1/scheduler/tasks/{task}").json["data"]["id"]
    run = ada_calls.post(f"/api/v1/scheduler/tasks/{number}/trigger").json["data"]["execution_id"]
    end(app, 1, exit_code=3)
    choose.choose()
    deliver.record([(job.id, deliver.perform(job)) for job in deliver.claim()])
    (message,) = ada_calls.get("/api/v1/scheduler/messages?unread=true").json["items"]
    assert (message["execution_id"], message["is_read"]) == (run, False)
    assert program("edith").get(f"/api/v1/scheduler/messages/{message['id']}").status_code == 404
    assert ada_calls.post(f"/api/v1/scheduler/messages/{message['id']}/read").json["data"] == {"unread": 0}
    (sent,) = ada_calls.get("/api/v1/scheduler/notification-rules/deliveries").json["items"]
    assert (sent["status"], sent["receiver"]) == ("sent", "ada")


def test_every_face_reads_notify_back_as_it_was_given(ada_calls, task):
    shown = ada_calls.put(f"/api/v1/scheduler/tasks/{task}", {"notify": [WANT]}).json["data"]
    assert (shown["notify"], shown["metadata"]) == ([WANT], {})
    assert ada_calls.get(f"/api/scheduler/tasks/{task}").json["task_notify"] == [WANT]
    assert ada_calls.get(f"/api/tasks/{task}").json["task_notify"] == [WANT]


def test_v1_keeps_notify_when_metadata_changes_and_null_takes_it_away(ada_calls, task):
    place = f"/api/v1/scheduler/tasks/{task}"
    ada_calls.put(place, {"notify": [WANT]})
    kept = ada_calls.put(place, {"metadata": {"room": 7}}).json["data"]
    assert (kept["notify"], kept["metadata"]) == ([WANT], {"room": 7})
    gone = ada_calls.put(place, {"notify": None}).json["data"]
    assert (gone["notify"], gone["metadata"]) == ([], {"room": 7})


def test_v1_names_what_is_wrong_with_notify(ada_calls, task):
    refused = ada_calls.put(f"/api/v1/scheduler/tasks/{task}", {"notify": [WANT | {"threshold": 0}]})
    assert [error["field"] for error in refused.json["errors"]] == ["notify.0.threshold"]
