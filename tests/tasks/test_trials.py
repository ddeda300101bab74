"""A trial: born in the trash, run once, in nobody's way, gone a day later."""

from collections import Counter

import pytest

from scheduler.accounts import audit
from scheduler.accounts.models import User
from scheduler.database import db
from scheduler.errors import Forbidden, Invalid, NotFound
from scheduler.kinds import kinds
from scheduler.runs import history, ledger, lifecycle, retention
from scheduler.runs.status import Status
from scheduler.tasks import contents, definitions, groups, queries, trash, trials
from scheduler.tasks.models import Task
from tests.conftest import FrozenClock
from tests.factories import SYSTEM, as_actor, claim, finish, make_group, make_run, make_task

VALUES = {"name": "backup", "command": "echo hello"}


def test_it_is_run_once_and_not_again(edith: User) -> None:
    run = make_run(trials.create(as_actor(edith), VALUES | {"retry_count": 3}), as_actor(edith))
    lifecycle.cancel_orphans()
    claim(run)
    finish(run, 7)
    assert db.session.get_one(type(run), run.id).status == Status.TECHNICAL_FAILURE


def test_it_is_in_no_list_and_takes_no_name(edith: User) -> None:
    actor = as_actor(edith)
    trial = trials.create(actor, VALUES)
    assert definitions.create(actor, VALUES).name == trial.name == "backup"
    assert queries.counts(actor, frozenset())["all"] == 1 and not trash.deleted(actor)


def test_it_cannot_be_brought_back(edith: User) -> None:
    trial = trials.create(as_actor(edith), VALUES)
    with pytest.raises(NotFound):
        trash.restore(as_actor(edith), trial.id)
    with pytest.raises(NotFound):
        trash.find(SYSTEM, trial.key)


def test_its_schedule_is_not_looked_at(edith: User) -> None:
    trial = trials.create(as_actor(edith), VALUES | {"schedule_type": "cron", "schedule_config": "99 * * * *"})
    assert (trial.schedule_kind, trial.enabled, trial.next_run_at) == ("manual", False, None)


def test_what_is_wrong_with_its_content_is_said_and_leaves_nothing(edith: User) -> None:
    with pytest.raises(Invalid):
        trials.create(as_actor(edith), {"name": "x", "type": "python", "code": "def"})
    assert db.session.query(Task).count() == 0


def test_it_knows_the_secrets_of_the_task_it_is_like(edith: User) -> None:
    http = {"type": "http", "url": "https://example.org/", "auth": {"type": "bearer", "token": "s3cret"}}
    like = definitions.create(as_actor(edith), {"name": "call", **http})
    trial = trials.create(as_actor(edith), {"method": "POST"}, like)
    found = contents.opened(kinds.get("http"), trial.content)
    assert found["method"] == "POST" and found["auth"]["token"] == "s3cret"


def test_only_who_may_create_and_run_may_try(oscar: User, mallory: User, edith: User) -> None:
    with pytest.raises(Forbidden):
        trials.create(as_actor(oscar), VALUES)
    with pytest.raises(Forbidden):
        trials.create(as_actor(oscar), {}, make_task())


def test_others_do_not_see_it(edith: User, victor: User) -> None:
    run = make_run(trials.create(as_actor(edith), VALUES), as_actor(edith))
    with pytest.raises(NotFound):
        history.find(as_actor(victor), run.public_id)


def test_what_was_tried_is_in_the_audit_log(edith: User) -> None:
    trial = trials.create(as_actor(edith), VALUES)
    (entry,) = [one for one in db.session.query(audit.AuditEntry) if one.action == "task.try"]
    assert entry.object_id == str(trial.id) and entry.after["command"] == "echo hello"


def test_it_is_gone_for_good_a_day_later(edith: User, clock: FrozenClock) -> None:
    claim(run := make_run(trials.create(as_actor(edith), VALUES), as_actor(edith)))
    finish(run)
    clock.move(hours=23)
    retention.empty_trash(clock.now(), Counter(), lambda seconds: None)
    assert db.session.query(Task).count() == 1
    clock.move(hours=2)
    retention.empty_trash(clock.now(), Counter(), lambda seconds: None)
    assert db.session.query(Task).count() == 0


def test_it_keeps_no_group_from_being_deleted(ada: User) -> None:
    group = make_group("nights")
    trials.create(as_actor(ada), VALUES | {"group": "nights"})
    groups.remove(as_actor(ada), group.id)
    assert {one.key for one in queries.groups(as_actor(ada))} == {"default"}


def test_a_deleted_task_is_still_not_run(edith: User) -> None:
    gone = trash.remove(as_actor(edith), make_task().id)
    with pytest.raises(NotFound):
        ledger.request(as_actor(edith), gone)
