"""Signing in, being found again, signing out, and what too many wrong passwords lead to."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from scheduler.accounts import passwords, sessions, standing, users
from scheduler.accounts.models import AuditEntry, FailedSignIn, SignIn, User
from scheduler.accounts.permissions import SYSTEM, actor_of
from scheduler.database import db
from scheduler.errors import Forbidden, NotFound, Throttled, Unauthenticated
from tests.conftest import PASSWORD, FrozenClock

HOME, AWAY = "192.0.2.1", "198.51.100.2"


def fail(name: str, address: str = HOME, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            sessions.sign_in(name, "wrong password", address)


def wait_for(name: str, address: str = HOME, password: str = PASSWORD) -> int:
    with pytest.raises(Throttled) as refused:
        sessions.sign_in(name, password, address)
    return refused.value.retry_after


def whose(sign_in_id: str) -> str | None:
    """The name of whoever that living sign-in stands for."""
    found = standing.of_sign_in(sign_in_id)
    return found.user.username if found else None


def test_it_finds_whoever_signed_in(ada: User, clock: FrozenClock) -> None:
    begun = sessions.sign_in("ada", PASSWORD, HOME, "Firefox")
    assert whose(begun.id) == "ada" and len(begun.id) == 43
    assert ada.last_sign_in_at == clock.now() and begun.agent == "Firefox"


def test_it_finds_nobody_by_a_made_up_id(app: Flask) -> None:
    assert standing.of_sign_in("x" * 43) is None and standing.of_sign_in("") is None


@pytest.mark.parametrize("name", ["ada", "nobody", "ADA ", "", "a\0da", "\ud800", "x" * 10_000, "' OR 1=1 --"])
def test_it_says_the_same_of_a_wrong_password_and_an_unknown_name(app: Flask, name: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        sessions.sign_in(name, "wrong password", HOME)
    assert str(refused.value) == "password: The user name or the password is not right."


def test_it_refuses_somebody_disabled_in_the_same_words(ada: User, edith: User) -> None:
    users.edit(actor_of(ada), edith.id, {"active": False})
    with pytest.raises(Unauthenticated):
        sessions.sign_in("edith", PASSWORD, HOME)


def test_it_forgets_a_sign_in_when_its_time_is_over(ada: User, clock: FrozenClock) -> None:
    begun = sessions.sign_in("ada", PASSWORD, HOME).id
    clock.move(hours=11, minutes=59)
    assert standing.of_sign_in(begun)
    clock.move(minutes=1)
    assert standing.of_sign_in(begun) is None


def test_it_removes_what_has_expired_when_somebody_signs_in(ada: User, clock: FrozenClock) -> None:
    sessions.sign_in("ada", PASSWORD, HOME)
    clock.move(hours=13)
    sessions.sign_in("edith", PASSWORD, HOME)
    assert db.session.scalar(select(func.count(SignIn.id))) == 1


def test_it_signs_out_one_and_leaves_the_others(ada: User) -> None:
    here, there = (sessions.sign_in("ada", PASSWORD, HOME).id for _ in range(2))
    sessions.sign_out(actor_of(ada), here)
    assert standing.of_sign_in(here) is None and whose(there) == "ada"


def test_it_ends_nobody_elses_sign_in(ada: User, edith: User) -> None:
    begun = sessions.sign_in("ada", PASSWORD, HOME).id
    with pytest.raises(NotFound):
        sessions.sign_out(actor_of(edith), begun)
    assert whose(begun) == "ada"


def test_it_signs_out_everywhere_but_here(ada: User) -> None:
    here, *others = (sessions.sign_in("ada", PASSWORD, HOME).id for _ in range(3))
    assert sessions.end_others(actor_of(ada), here) == 2
    assert [row.id for row in sessions.listed(actor_of(ada))] == [here]
    assert not any(map(standing.of_sign_in, others))


def test_it_lets_five_tries_pass_and_then_makes_one_wait_longer_and_longer(ada: User, clock: FrozenClock) -> None:
    fail("ada", times=5)
    for minutes in (1, 2, 4, 8, 15, 15):
        assert wait_for("ada") == minutes * 60
        clock.move(minutes=minutes)
        fail("ada")
    clock.move(minutes=15)
    assert sessions.sign_in("ada", PASSWORD, HOME)


def test_it_refuses_even_the_right_password_while_waiting(ada: User, clock: FrozenClock) -> None:
    fail("ada", times=5)
    clock.move(seconds=59)
    assert wait_for("ada") == 1


def test_it_counts_an_account_however_its_name_is_written(ada: User) -> None:
    for name in ("ada", "ADA", "Ada", "aDa", "ada\0"):
        fail(name)
    assert wait_for("ada")


def test_it_counts_each_account_and_each_address_apart(ada: User) -> None:
    fail("ada", times=5)
    assert sessions.sign_in("ada", PASSWORD, AWAY) and sessions.sign_in("edith", PASSWORD, HOME)


def test_it_throttles_a_name_nobody_has(app: Flask) -> None:
    fail("nobody", times=5)
    assert wait_for("nobody") == 60


def test_it_forgets_wrong_tries_after_a_right_one_and_after_a_day(ada: User, clock: FrozenClock) -> None:
    fail("ada", times=4)
    sessions.sign_in("ada", PASSWORD, HOME)
    fail("ada", times=4)
    clock.move(days=1, seconds=1)
    fail("edith")
    assert db.session.scalars(select(FailedSignIn.username)).all() == ["edith"]


def test_it_counts_tries_made_at_the_same_moment(app: Flask, ada: User) -> None:
    def attempt(_: int) -> str:
        with app.app_context():
            try:
                sessions.sign_in("ada", "wrong password", HOME)
            except (Unauthenticated, Throttled) as error:
                return type(error).__name__
        return "in"

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(attempt, range(12)))
    assert answers.count("Unauthenticated") == 5 and answers.count("Throttled") == 7


def test_it_lets_a_one_time_password_into_a_browser_but_not_into_the_api(ada: User, edith: User) -> None:
    once = users.reset_password(actor_of(ada), edith.id)
    assert sessions.sign_in("edith", once, HOME).user.one_time_password
    with pytest.raises(Forbidden) as refused:
        sessions.sign_in("edith", once, HOME, origin="api")
    assert refused.value.problems[0].field == "password"
    users.replace_password("edith", once, "a password of my own", HOME)
    assert sessions.sign_in("edith", "a password of my own", HOME, origin="api")


def test_it_makes_an_old_hash_anew_at_sign_in(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ada.password_hash
    monkeypatch.setattr(passwords, "outdated", lambda _hash: True)
    sessions.sign_in("ada", PASSWORD, HOME)
    assert ada.password_hash != before and passwords.verified(ada.password_hash, PASSWORD)


def test_it_writes_down_sign_ins_and_failures_but_never_a_password(ada: User) -> None:
    fail("ada")
    fail("nobody")
    sessions.sign_out(actor_of(ada, HOME), sessions.sign_in("ada", PASSWORD, HOME).id)
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(row.action, row.object_name, row.address) for row in rows] == [
        ("sign_in.failed", "ada", HOME),
        ("sign_in.failed", "nobody", HOME),
        ("sign_in", "ada", HOME),
        ("sign_out", "ada", HOME),
    ]
    assert not any("password" in str(row.after) for row in rows)


def test_it_forgives_everywhere_when_an_administrator_resets_the_password(ada: User, edith: User) -> None:
    fail("edith", HOME, 5)
    once = users.reset_password(SYSTEM, "edith")
    assert sessions.sign_in("edith", once, HOME)
