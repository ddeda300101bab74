"""Rules in files: what goes out comes in as it was, by keys and names, by those who may, whole or not at all."""

import json
from typing import Any

import pytest

from scheduler.accounts.models import AuditEntry
from scheduler.accounts.permissions import SYSTEM, Actor
from scheduler.database import db
from scheduler.errors import Invalid
from scheduler.notify import channel_verbs, rule_verbs
from scheduler.notify.models import Channel, Rule
from scheduler.tasks import trash
from scheduler.tasks.transfer import exchange
from scheduler.tasks.transfer.changes import PLAIN, Options, Plan
from tests.factories import as_actor, make_group, make_task
from tests.web.test_run_query_counts import statements

SAID: dict[str, Any] = {"name": "Failing", "triggers": ["technical_failure"], "channels": [{"channel": "on call"}]}
QUIET = {"from": "22:00", "to": "07:00"}
REPLACE = Options(replace=True)


@pytest.fixture(autouse=True)
def on_call(app: Any) -> Channel:
    return channel_verbs.create(SYSTEM, {"name": "on call", "type": "inbox", "config": {"users": ["ada"]}})


def bring(text: str, actor: Actor = SYSTEM, options: Options = PLAIN, format_: str = "yaml") -> Plan:
    return exchange.bring_in(actor, exchange.read(text.encode(), format_), options)


def rules(*entries: dict[str, Any]) -> str:
    return json.dumps({"format": "scheduler", "version": 1, "rules": list(entries)})


def actions(plan: Plan) -> list[tuple[str, str]]:
    return sorted((change.action, change.name) for change in plan.rules)


@pytest.mark.parametrize("format_", ["yaml", "json"])
def test_what_goes_out_comes_in_as_it_was(on_call, format_):
    group, task = make_group("empty"), make_task(key="backup")
    rule_verbs.create(SYSTEM, {"scope": "task", "task": task.key}, SAID | {"channels": [{"channel": on_call.id}], "threshold": 3})
    rule_verbs.create(SYSTEM, {"scope": "group", "group": group.key}, SAID | {"quiet_hours": QUIET, "throttle_per_hour": 5})
    rule_verbs.create(SYSTEM, {"scope": "all"}, SAID | {"enabled": False, "repeat": True})
    file = exchange.written(SYSTEM, format_)
    for rule in db.session.query(Rule):
        db.session.delete(rule)
    db.session.commit()
    assert {change.action for change in bring(file, format_=format_).rules} == {"create"}
    assert exchange.written(SYSTEM, format_) == file
    assert {change.action for change in bring(file, format_=format_).rules} == {"same"}


def test_a_rule_comes_along_with_the_task_and_the_group_it_is_about(app):
    make_group("night"), make_task(key="backup", group="night")
    for place in ({"scope": "task", "task": "backup"}, {"scope": "group", "group": "night"}):
        rule_verbs.create(SYSTEM, place, SAID)
    file = exchange.written(SYSTEM, "yaml").replace("backup", "copy").replace("night", "day").replace("name: task", "name: other")
    assert actions(bring(file)) == [("create", "copy: Failing"), ("create", "day: Failing")]


def test_a_file_changes_the_rule_of_its_place_and_name(app):
    known = rule_verbs.create(SYSTEM, {"scope": "all"}, SAID | {"threshold": 4})
    (change,) = bring(rules(SAID | {"scope": "all", "triggers": ["timeout"]})).rules
    assert change.fields == {"triggers": (["technical_failure"], ["timeout"]), "threshold": (4, None)}
    assert known.rule.terms["threshold"] == 1 and known.rule.version == 2


def test_of_two_of_one_name_the_one_that_differs_is_changed(app):
    first, second = (rule_verbs.create(SYSTEM, {"scope": "all"}, SAID | {"threshold": number}).rule for number in (2, 3))
    bring(rules(SAID | {"scope": "all", "threshold": 3}, SAID | {"scope": "all", "threshold": 9}))
    assert (first.terms["threshold"], second.terms["threshold"], second.version) == (9, 3, 1)


def test_replacing_deletes_what_the_file_lacks_where_it_speaks_of_rules(app):
    rule_verbs.create(SYSTEM, {"scope": "all"}, SAID)
    bring('{"format": "scheduler", "version": 1}', options=REPLACE)
    assert db.session.query(Rule).count() == 1
    assert actions(bring(rules(), options=REPLACE)) == [("delete", "*: Failing")]
    assert db.session.query(Rule).count() == 0


def test_the_rules_of_a_task_that_is_replaced_go_to_the_trash_with_it_and_come_back(app):
    task = make_task(key="old")
    rule_verbs.create(SYSTEM, {"scope": "task", "task": "old"}, SAID)
    assert bring(rules(), options=REPLACE).rules == []
    assert rule_verbs.listed(SYSTEM) == []
    trash.restore(SYSTEM, task.id)
    assert len(rule_verbs.listed(SYSTEM)) == 1


def test_a_channel_that_is_not_here_is_named_and_may_follow(app):
    text = rules(SAID | {"scope": "all", "channels": [{"channel": "nobody"}]})
    plan = bring(text)
    assert ["nobody" in note.params["names"] for note in plan.source.notes] == [True]
    assert {change.action for change in bring(text).rules} == {"same"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scope": "nowhere"}, "scope"),
        ({"scope": "task"}, "task"),
        ({"scope": "task", "task": "none"}, "task"),
        ({"scope": "group", "group": "none"}, "group"),
        ({"scope": "all", "task": "backup"}, "task"),
        ({"scope": "all", "nonsense": 1}, "nonsense"),
        ({"scope": "all", "triggers": []}, "triggers"),
        ({"scope": "all", "triggers": ["nonsense"]}, "triggers.0"),
        ({"scope": "all", "channels": [{"channel": 1}]}, "channels.0.channel"),
        ({"scope": ["all"]}, "scope"),
        ({"scope": "task", "task": ["backup"]}, "task"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_nothing_is_made(app, wrong, field):
    make_task(key="backup")
    with pytest.raises(Invalid) as refused:
        bring(rules(SAID | {"scope": "all"}, SAID | wrong), format_="json")
    assert refused.value.problems[0].field.endswith(f"rules[1].{field}") and db.session.query(Rule).count() == 0


def test_nobody_makes_changes_or_deletes_rules_where_they_may_not(app, ada, edith):
    make_task(as_actor(ada), key="hers", private=True)
    rule_verbs.create(SYSTEM, {"scope": "all"}, SAID)
    for text, options in (
        (rules(SAID | {"scope": "all", "threshold": 2}), PLAIN),
        (rules(SAID | {"scope": "all", "name": "New"}), PLAIN),
        (rules(SAID | {"scope": "task", "task": "hers"}), PLAIN),
        (rules(), REPLACE),
    ):
        with pytest.raises(Invalid):
            bring(text, as_actor(edith), options)
    assert db.session.query(Rule).one().version == 1


def many(count: int, **more: Any) -> str:
    return rules(*(SAID | {"scope": "task", "task": f"t-{n}", "name": f"r{n}", **more} for n in range(count)))


def asked(text: str) -> int:
    """How many questions the database is asked while a file comes in; neither what is written nor the audit log counts."""
    with statements() as found:
        bring(text)
    return sum(one.startswith("SELECT") and "audit" not in one for one in found)


def test_a_hundred_rules_ask_as_often_as_ten(app):
    for number in range(100):
        make_task(key=f"t-{number}", name=f"t {number}")
    asked(many(1))
    few = asked(many(10)), asked(many(10, threshold=2)), asked(many(10, threshold=2))
    lots = asked(many(100, threshold=2)), asked(many(100, threshold=3)), asked(many(100, threshold=3))
    assert few == lots
    counts = [db.session.query(AuditEntry).filter_by(action=f"rule.{act}").count() for act in ("create", "edit")]
    assert counts == [100, 110]


def test_rules_that_are_called_alike_are_taken_each_once(app):
    alike = [SAID | {"scope": "all", "threshold": number} for number in range(1, 400)]
    bring(rules(*alike))
    assert {one.action for one in bring(rules(*reversed(alike))).rules} == {"same"}
    told = bring(rules(*alike[1:], alike[1]), options=REPLACE).rules
    assert sorted(one.action for one in told if one.action != "same") == ["change"]
