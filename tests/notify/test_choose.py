"""From ends of runs to deliveries: whose rules speak, whom they name, and that each is written exactly once."""

import pytest

from scheduler.database import db
from scheduler.notify import channel_verbs, choose, rule_verbs
from scheduler.runs.models import Ending
from tests.factories import as_actor, make_group, make_run, make_task, perform
from tests.notify.conftest import deliveries, end, watched

INBOX = {"type": "inbox", "users": ["ada"]}
LETTER = {"type": "email", "recipients": ["a@example.org", "b@example.org"]}


def test_it_writes_one_delivery_for_each_receiver(app):
    end(watched(LETTER, INBOX))
    choose.choose()
    assert [row.receiver for row in deliveries()] == ["email:a@example.org", "email:b@example.org", "inbox:ada"]


def test_an_end_is_taken_in_once(app):
    end(watched(INBOX))
    assert (choose.choose(), choose.choose(), len(deliveries())) == (1, 0, 1)


def test_without_any_rule_ends_leave_nothing_behind(app):
    end(make_task())
    choose.choose()
    assert db.session.scalars(db.select(Ending)).all() == [] and deliveries() == []


def test_what_was_cancelled_is_nothing_to_tell(app):
    run = make_run(watched(INBOX))
    perform(run, None, reason="cancelled")
    assert choose.choose() == 0


def test_three_in_a_row_are_counted_over_passes(app):
    task = watched(INBOX, threshold=3)
    for _ in range(4):
        end(task)
        choose.choose()
    assert [row.values["threshold_count"] for row in deliveries()] == [3]


def test_a_rule_that_waits_for_something_else_counts_anew(app, ada):
    rule = {"triggers": ["technical_failure"], "threshold": 2, "channels": [INBOX]}
    task = make_task()
    known = rule_verbs.create(as_actor(ada), {"scope": "task", "task": task.key}, rule)
    end(task)
    choose.choose()
    rule_verbs.edit(as_actor(ada), known.rule.id, {"triggers": ["technical_failure", "lost"]})
    end(task)
    choose.choose()
    assert deliveries() == []


def test_a_receiver_two_rules_name_hears_once(app, ada):
    rule_verbs.create(as_actor(ada), {"scope": "all"}, {"triggers": ["technical_failure"], "channels": [INBOX]})
    end(watched(INBOX, name="own", triggers=["technical_failure"]))
    choose.choose()
    assert [row.rule[:5] for row in deliveries()] == ["task-"]


def test_a_groups_rule_is_for_its_tasks_alone(app, ada):
    make_group("night")
    rule = {"triggers": ["technical_failure"], "channels": [INBOX]}
    rule_verbs.create(as_actor(ada), {"scope": "group", "group": "night"}, rule)
    end(make_task(name="in", group="night"))
    end(make_task(name="out"))
    choose.choose()
    assert [row.values["task_name"] for row in deliveries()] == ["in"]


def test_a_channel_that_is_switched_off_tells_nobody(app, ada):
    channel = channel_verbs.create(as_actor(ada), {"name": "ops", "type": "inbox", "config": {"users": ["ada"]}})
    rule = {"triggers": ["technical_failure"], "channels": [{"channel": "ops"}]}
    rule_verbs.create(as_actor(ada), {"scope": "all"}, rule)
    channel_verbs.edit(as_actor(ada), channel.id, {"enabled": False})
    end(make_task())
    choose.choose()
    assert deliveries() == []


def test_the_owner_is_whoever_owns_the_task(app, edith):
    rule = {"triggers": ["technical_failure"], "channels": [{"type": "inbox", "users": ["owner"]}]}
    end(make_task(as_actor(edith), metadata={"task_notify": [rule]}))
    choose.choose()
    assert [row.address for row in deliveries()] == ["edith"]


@pytest.mark.parametrize(("code", "told"), [(0, 0), (1, 1), (3, 1)])
def test_the_older_form_is_a_rule_too(app, code, told):
    end(make_task(metadata={"task_notify": {"on_success": False, "on_failure": True, "email": "a@example.org"}}), code)
    choose.choose()
    assert len(deliveries()) == told


def test_what_an_import_kept_and_nobody_can_read_is_no_rule(app):
    end(make_task(metadata={"task_notify": {"email": ["a@example.org"]}}))
    assert (choose.choose(), deliveries()) == (1, [])


def test_quiet_hours_put_a_delivery_off(app, clock):
    end(watched(INBOX, quiet_hours={"from": "19:00", "to": "21:00"}))  # 20:00 on the installation's clock
    choose.choose()
    assert deliveries()[0].not_before == clock.now().replace(hour=13)
