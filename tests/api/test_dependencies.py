"""Dependencies over the API: sent and shown as keys, refused by name, told with their warnings."""

import pytest

from scheduler.accounts.models import Grant
from scheduler.database import db
from scheduler.tasks import trash
from tests.api.conftest import end, fields
from tests.factories import SYSTEM, make_group, make_task

MANUAL = {"schedule_type": "MANUAL", "schedule_config": None}


def test_it_shows_the_keys_it_was_sent(ada_calls):
    first = ada_calls.make(name="a")
    made = ada_calls.make(name="b", **MANUAL, depends_on=[first["id"]], depends_mode="any")
    assert (made["depends_on"], made["depends_mode"]) == (["a"], "any")
    assert (first["depends_on"], first["depends_mode"]) == ([], "all")
    changed = ada_calls.put("/tasks/b", {"depends_on": None, "depends_mode": None}).json["data"]
    assert (changed["depends_on"], changed["depends_mode"]) == ([], "all")


def test_what_it_shows_it_takes_back(ada_calls):
    ada_calls.make(name="a"), ada_calls.make(name="gone"), ada_calls.make(name="b", depends_on=["a", "gone"])
    ada_calls.delete("/tasks/gone")
    shown = ada_calls.data("/tasks/b")
    assert shown["depends_on"] == ["a", "2"]
    assert ada_calls.put("/tasks/b", {"depends_on": shown["depends_on"]}).json["data"]["depends_on"] == ["a", "2"]


def test_a_circle_is_refused_with_the_way_round(ada_calls):
    ada_calls.make(name="a"), ada_calls.make(name="b", depends_on=["a"])
    answer = ada_calls.put("/tasks/a", {"depends_on": ["b"]})
    assert answer.status_code == 400 and fields(answer) == ["depends_on"]
    assert "a → b → a" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"depends_on": ["nobody"]}, "depends_on"),
        ({"depends_on": "a"}, "depends_on"),
        ({"depends_on": [True]}, "depends_on.0"),
        ({"depends_on": [1.5]}, "depends_on.0"),
        ({"depends_mode": "some"}, "depends_mode"),
    ],
)
def test_what_it_cannot_read_is_refused_by_name(ada_calls, sent, field):
    ada_calls.make(name="a")
    answer = ada_calls.put("/tasks/a", sent)
    assert answer.status_code == 400 and fields(answer) == [field]


def test_an_execution_names_those_it_came_after(ada_calls, app):
    ada_calls.make(name="a"), ada_calls.make(name="b", depends_on=["a"])
    first = ada_calls.run("a")
    end(app, 1)
    (made,) = ada_calls.get("/executions?task_id=2").json["items"]
    assert (made["cause"], made["upstream_executions"]) == ("dependency", [first])
    assert ada_calls.data(f"/executions/{first}")["upstream_executions"] == []


def test_it_tells_what_waits_for_what(ada_calls, app):
    ada_calls.make(name="a"), ada_calls.make(name="c", is_active=False), ada_calls.make(name="b", depends_on=["a", "c"])
    first = ada_calls.run("a")
    end(app, 1)
    told = ada_calls.data("/tasks/b/dependencies")
    assert [(one["key"], one["arrived_execution_id"], one["last_status"]) for one in told["upstreams"]] == [
        ("a", first, "SUCCESS"),
        ("c", None, None),
    ]
    assert told["warnings"] == ["“c” is disabled and runs only by hand."]
    assert [one["name"] for one in ada_calls.data("/tasks/a/dependencies")["dependants"]] == ["b"]


def test_it_warns_of_what_is_in_the_trash(ada_calls):
    ada_calls.make(name="a"), ada_calls.make(name="b", depends_on=["a"])
    ada_calls.delete("/tasks/a")
    told = ada_calls.data("/tasks/b/dependencies")
    assert told["upstreams"][0]["is_deleted"] and len(told["warnings"]) == 2
    assert told["warnings"][0] == "“a” is in the trash and counts no more."


def test_it_names_nothing_one_may_not_see(program, app, mallory):
    group = make_group("open")
    db.session.add(Grant(user_id=mallory.id, group_id=group.id, role="editor"))
    db.session.commit()
    secret = make_task(name="secret")
    make_task(name="mine", group="open", depends_on=["secret"])
    number = secret.id
    trash.remove(SYSTEM, number)
    calls = program("mallory")
    told = calls.get("/tasks/mine/dependencies")
    assert told.json["data"]["upstreams"][0]["name"] is None and calls.data("/tasks/mine")["depends_on"] == [str(number)]
    assert "secret" not in told.text and f"#{number}" in told.text
