"""Making and changing users: who may, what is refused, what ends sign-ins, and what the audit log says."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from scheduler.accounts import passwords, sessions, standing, users
from scheduler.accounts.models import AuditEntry, User
from scheduler.accounts.permissions import SYSTEM, Actor, actor_of
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid, NotFound, SchedulerError, Throttled
from tests.conftest import PASSWORD

NEW = {"username": "grace", "role": "operator"}
HOME = "192.0.2.1"


def fields(raised: pytest.ExceptionInfo[Any]) -> set[str]:
    return {problem.field for problem in raised.value.problems}


def last_entry() -> AuditEntry:
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).all()[0]


def test_it_makes_a_user_with_a_password_for_one_use(ada: User) -> None:
    user, once = users.create(actor_of(ada), NEW)
    assert user.one_time_password and passwords.verified(user.password_hash, once)
    assert last_entry().action == "user.create" and last_entry().actor_name == "ada"
    assert once not in str(last_entry().after)


def test_it_takes_a_given_password_and_has_it_changed_unless_told_otherwise(ada: User) -> None:
    given = {**NEW, "password": "chosen by the boss"}
    assert users.create(actor_of(ada), given)[0].one_time_password
    user, answer = users.create(actor_of(ada), {**given, "username": "robot", "must_change": False})
    assert answer == "" and not user.one_time_password


VERBS = [
    lambda actor, user: users.create(actor, NEW),
    lambda actor, user: users.edit(actor, user.id, {"role": "viewer"}),
    lambda actor, user: users.set_password(actor, user.id, "a long password"),
    lambda actor, user: users.reset_password(actor, user.id),
    lambda actor, user: users.listed(actor),
    lambda actor, user: users.found(actor, user.id),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", ["edith", "oscar", "victor", "mallory"])
def test_it_lets_only_administrators_manage_users(ada: User, verb: Any, name: str) -> None:
    somebody = users.found(SYSTEM, name)
    with pytest.raises(Forbidden):
        verb(actor_of(somebody), ada)
    with pytest.raises(Forbidden):
        verb(Actor(None, "", ""), ada)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": ""}, "username"), ({"username": " grace"}, "username"), ({"username": "gra\nce"}, "username"),
        ({"username": "gra\u202ece"}, "username"), ({"username": "gra\0ce"}, "username"), ({"username": "x" * 65}, "username"),
        ({"role": "root"}, "role"), ({"role": ""}, "role"), ({"email": "no address"}, "email"),
        ({"email": "a@b\r\nBcc: c@d"}, "email"), ({"grants": {2**31: "viewer"}}, f"grants.{2**31}"),
        ({"password": "short"}, "password"), ({"password": "grace"}, "password"), ({"surprise": 1}, "surprise"),
        ({"active": "yes"}, "active"), ({"grants": {1: "administrator"}}, "grants.1"), ({"grants": {"x": "viewer"}}, "grants.x"),
        ({"grants": {99: "viewer"}}, "grants"), ({"role": "administrator", "limited_to_groups": True}, "limited_to_groups"),
    ],
    ids=str,
)  # fmt: skip
def test_it_refuses_what_makes_no_user(ada: User, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as raised:
        users.create(actor_of(ada), {**NEW, **change})
    assert fields(raised) == {field}


@pytest.mark.parametrize("name", ["edith", "EDITH", "Edith"])
def test_it_refuses_a_name_that_is_taken_in_any_case(ada: User, name: str) -> None:
    with pytest.raises(Conflict) as raised:
        users.create(actor_of(ada), {**NEW, "username": name})
    assert fields(raised) == {"username"}


def test_it_changes_what_is_given_and_leaves_the_rest(ada: User, edith: User) -> None:
    users.edit(actor_of(ada), edith.id, {"email": "edith@example.test", "grants": {1: "operator"}})
    users.edit(actor_of(ada), edith.id, {"limited_to_groups": True})
    assert (edith.email, edith.role, edith.limited_to_groups) == ("edith@example.test", "editor", True)
    assert actor_of(edith).grants == {1: "operator"}
    assert last_entry().before == {"limited_to_groups": False} and last_entry().after == {"limited_to_groups": True}


def test_it_changes_and_takes_back_a_grant(ada: User, edith: User) -> None:
    for grants in ({1: "operator"}, {1: "editor"}, {}):
        users.edit(actor_of(ada), edith.id, {"grants": grants})
        db.session.expire_all()
        assert actor_of(edith).grants == grants


def test_it_refuses_to_save_over_somebody_elses_change(ada: User, edith: User) -> None:
    seen = edith.version
    users.edit(actor_of(ada), edith.id, {"email": "a@example.test"}, seen)
    with pytest.raises(Conflict):
        users.edit(actor_of(ada), edith.id, {"email": "b@example.test"}, seen)


@pytest.mark.parametrize("change", [{"role": "editor"}, {"active": False}])
def test_it_keeps_the_last_active_administrator(ada: User, change: dict[str, Any]) -> None:
    with pytest.raises(Conflict):
        users.edit(actor_of(ada), ada.id, change)
    assert (ada.role, ada.active) == ("administrator", True)


def test_it_lets_an_administrator_go_when_another_stays(ada: User, edith: User) -> None:
    users.edit(actor_of(ada), edith.id, {"role": "administrator"})
    users.edit(actor_of(edith), ada.id, {"active": False})
    with pytest.raises(Conflict):
        users.edit(actor_of(edith), edith.id, {"active": False})


def test_it_counts_no_disabled_administrator(ada: User, edith: User) -> None:
    users.edit(actor_of(ada), edith.id, {"role": "administrator", "active": False})
    with pytest.raises(Conflict):
        users.edit(actor_of(ada), ada.id, {"role": "viewer"})


CHANGES: list[tuple[dict[str, Any], bool]] = [
    ({"role": "viewer"}, False),
    ({"active": False}, False),
    ({"email": "e@x.test"}, True),
]


@pytest.mark.parametrize(("change", "stays"), CHANGES)
def test_it_ends_sign_ins_when_role_or_activity_change(ada: User, edith: User, change: dict[str, Any], stays: bool) -> None:
    begun = sessions.sign_in("edith", PASSWORD, HOME).id
    users.edit(actor_of(ada), edith.id, change)
    assert bool(standing.of_sign_in(begun)) is stays


def test_it_changes_a_password_and_keeps_only_the_sign_in_it_was_done_from(edith: User) -> None:
    here, there = (sessions.sign_in("edith", PASSWORD, HOME).id for _ in range(2))
    users.change_own_password(actor_of(edith, HOME), edith, PASSWORD, "quite another one", keep=here)
    assert standing.of_sign_in(here) and not standing.of_sign_in(there)
    assert sessions.authenticate("edith", "quite another one", HOME)
    assert last_entry().action == "user.password" and "quite" not in str(last_entry().after)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("wrong password", "quite another one", "old_password"),
        (PASSWORD, PASSWORD, "new_password"),
        (PASSWORD, "short", "new_password"),
    ],
)
def test_it_changes_no_password_without_the_old_one_or_for_a_bad_one(edith: User, old: str, new: str, field: str) -> None:
    with pytest.raises(Invalid) as raised:
        users.change_own_password(actor_of(edith, HOME), edith, old, new)
    assert fields(raised) == {field} and passwords.verified(edith.password_hash, PASSWORD)


def test_it_throttles_guessing_the_old_password(edith: User) -> None:
    for _ in range(5):
        with pytest.raises(Invalid):
            users.change_own_password(actor_of(edith, HOME), edith, "wrong password", "quite another one")
    with pytest.raises(Throttled):
        users.change_own_password(actor_of(edith, HOME), edith, PASSWORD, "quite another one")


def test_it_changes_nobody_elses_password_as_their_own(ada: User, edith: User) -> None:
    with pytest.raises(Forbidden):
        users.change_own_password(actor_of(ada), edith, PASSWORD, "quite another one")


def test_it_ends_every_sign_in_when_an_administrator_sets_a_password(ada: User, edith: User) -> None:
    begun = sessions.sign_in("edith", PASSWORD, HOME).id
    users.set_password(actor_of(ada), edith.id, "set by the boss")
    assert not standing.of_sign_in(begun) and edith.one_time_password


def test_it_saves_a_profile(edith: User) -> None:
    users.edit_profile(actor_of(edith), {"language": "zh", "timezone": "Asia/Shanghai", "theme": "dark"})
    assert (edith.language, edith.timezone, edith.theme) == ("zh", "Asia/Shanghai", "dark")


@pytest.mark.parametrize(
    "given",
    [{"language": "fr"}, {"timezone": "Mars/Olympus"}, {"timezone": "../etc/passwd"}, {"theme": "pink"}, {"role": "editor"}],
)
def test_it_saves_no_profile_with_anything_else(edith: User, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as raised:
        users.edit_profile(actor_of(edith), given)
    assert fields(raised) == set(given)


def test_it_knows_users_by_number_and_name_and_says_when_there_are_none(ada: User, edith: User) -> None:
    assert users.found(SYSTEM, "edith") == users.found(SYSTEM, edith.id) == users.found(actor_of(edith), "edith")
    for nobody in (0, -1, 999_999, 10**30, "nobody", ""):
        with pytest.raises(NotFound):
            users.found(SYSTEM, nobody)


@pytest.fixture
def empty(app: Flask) -> None:
    db.session.execute(delete(User))
    db.session.commit()


def test_it_makes_the_first_administrator_once(empty: None, instance: Path) -> None:
    once = users.ensure_administrator()
    kept = instance / "keys" / "first-password"
    assert once and kept.read_text().strip() == once and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert users.ensure_administrator() is None and users.ensure_administrator("another password") is None
    assert sessions.sign_in("admin", once, HOME).user.one_time_password


def test_it_forgets_the_first_password_when_it_is_changed(empty: None, instance: Path) -> None:
    once = users.ensure_administrator() or ""
    users.replace_password("admin", once, "a password of my own", HOME)
    assert not (instance / "keys" / "first-password").exists()
    assert not sessions.authenticate("admin", "a password of my own", HOME).one_time_password


def test_it_takes_the_first_password_from_the_environment_and_prints_nothing(empty: None, instance: Path) -> None:
    assert users.ensure_administrator("given by the environment") is None
    assert not sessions.sign_in("admin", "given by the environment", HOME).user.one_time_password
    assert not (instance / "keys" / "first-password").exists()


def test_it_takes_an_empty_password_from_the_environment_for_none(empty: None) -> None:
    assert len(users.ensure_administrator("") or "") > 15


def test_it_makes_one_administrator_when_several_processes_start_at_once(app: Flask, empty: None) -> None:
    def start(_: int) -> str | None:
        with app.app_context():
            try:
                return users.ensure_administrator()
            except SchedulerError as error:  # pragma: no cover
                return repr(error)

    with ThreadPoolExecutor(6) as pool:
        made = [once for once in pool.map(start, range(6)) if once]
    assert len(made) == 1 and sessions.authenticate("admin", made[0], HOME)
