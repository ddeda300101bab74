"""API keys: made for some of what their owner may do, recognized again, gone with their owner."""

import pytest
from sqlalchemy import select, text

from scheduler.accounts import audit, keys, users
from scheduler.accounts.models import ApiKey, User
from scheduler.accounts.permissions import Actor, can
from scheduler.database import db
from scheduler.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from scheduler.gate import visitor_with
from tests.conftest import NOON, FrozenClock
from tests.factories import as_actor


def made(user: User, *scopes: str, **values: object) -> tuple[ApiKey, str]:
    return keys.create(as_actor(user), {"name": "nightly sync", "scopes": list(scopes or ["read"]), **values})


def acting(app: object, user: User, *scopes: str) -> Actor:
    with app.test_request_context():  # type: ignore[attr-defined]
        return visitor_with(keys.recognized(made(user, *scopes)[1])).actor


def test_it_keeps_the_beginning_and_never_the_key(edith: User) -> None:
    key, whole = made(edith)
    assert whole.startswith(key.prefix) and len(whole) - len(key.prefix) > 30
    stored = str(db.session.execute(text("SELECT * FROM api_key")).all()) + str(
        db.session.scalars(select(audit.AuditEntry)).all()
    )
    assert whole not in stored and key.digest in stored


def test_it_recognizes_its_own_and_nothing_else(edith: User) -> None:
    key, whole = made(edith)
    assert keys.recognized(whole).id == key.id
    for other in (whole[:-1], whole + "x", whole.lower(), "sch_", "sch_ä", "sch_" + "x" * 5000):
        with pytest.raises(Unauthenticated):
            keys.recognized(other)


def test_it_is_no_good_after_its_time(edith: User, clock: FrozenClock) -> None:
    _, whole = made(edith, expires_at=NOON.replace(hour=13))
    keys.recognized(whole)
    clock.move(hours=1)
    with pytest.raises(Unauthenticated):
        keys.recognized(whole)


@pytest.mark.parametrize("fields", [{"active": False}])
def test_it_dies_with_its_owners_disabling_for_good(ada: User, edith: User, fields: dict[str, bool]) -> None:
    _, whole = made(edith)
    users.edit(as_actor(ada), edith.id, fields)
    users.edit(as_actor(ada), edith.id, {"active": True})
    with pytest.raises(Unauthenticated):
        keys.recognized(whole)


def test_it_dies_with_its_owner(ada: User, edith: User) -> None:
    _, whole = made(edith)
    users.remove(as_actor(ada), edith.id)
    with pytest.raises(Unauthenticated):
        keys.recognized(whole)
    assert db.session.scalar(select(ApiKey)) is None


@pytest.mark.parametrize(
    ("scopes", "allowed", "denied"),
    [
        (["read"], {"task.see", "log.read"}, {"task.run", "task.edit", "env.see", "self.edit", "user.manage"}),
        (["run"], {"task.see", "task.run", "task.stop"}, {"task.edit", "log.read", "pause.all"}),
        (["write"], {"task.edit", "task.create"}, {"task.run", "user.manage"}),
        (["admin"], {"user.manage", "self.edit"}, {"task.edit", "task.run"}),
        (["read", "run", "write", "admin"], {"task.edit", "task.run", "user.manage", "log.read"}, set()),
    ],
)
def test_it_does_what_its_scopes_name(app: object, ada: User, scopes: list[str], allowed: set[str], denied: set[str]) -> None:
    actor = acting(app, ada, *scopes)
    assert {action for action in allowed | denied if can(actor, action)} == allowed


def test_it_never_does_more_than_its_owner_may_by_now(app: object, ada: User, edith: User) -> None:
    _, whole = made(edith, "read", "run", "write")
    users.edit(as_actor(ada), edith.id, {"role": "viewer"})
    with app.test_request_context():  # type: ignore[attr-defined]
        actor = visitor_with(keys.recognized(whole)).actor
    assert can(actor, "task.see") and not can(actor, "task.edit") and not can(actor, "task.run")


@pytest.mark.parametrize(("name", "best"), [("victor", "read"), ("oscar", "run"), ("edith", "write"), ("ada", "admin")])
def test_a_role_is_offered_its_scopes_and_no_more(app: object, name: str, best: str) -> None:
    user = db.session.scalars(select(User).where(User.username == name)).one()
    known = ["read", "run", "write", "admin"]
    beyond = known[known.index(best) + 1 :]
    assert keys.offered(as_actor(user)) == known[: known.index(best) + 1]
    for scope in beyond:
        with pytest.raises(Invalid, match="scopes"):
            made(user, scope)


def test_a_key_makes_no_keys(app: object, ada: User) -> None:
    with pytest.raises(Forbidden):
        keys.create(acting(app, ada, "read", "run", "write"), {"name": "more", "scopes": ["admin"]})


def test_it_writes_its_last_use_now_and_then(edith: User, clock: FrozenClock) -> None:
    key, whole = made(edith)
    keys.recognized(whole)
    clock.move(minutes=4)
    keys.recognized(whole)
    assert key.last_used_at == NOON
    clock.move(minutes=1)
    keys.recognized(whole)
    assert key.last_used_at == clock.now()


def test_only_its_owner_finds_and_revokes_it(ada: User, edith: User) -> None:
    key, whole = made(edith)
    with pytest.raises(NotFound):
        keys.revoke(as_actor(ada), key.id)
    keys.revoke(as_actor(edith), key.id)
    with pytest.raises(Unauthenticated):
        keys.recognized(whole)


def test_making_and_revoking_are_in_the_audit_log(edith: User) -> None:
    key, _ = made(edith, "read", "run")
    keys.revoke(as_actor(edith), key.id)
    revoked, created = audit.entries(as_actor(edith))
    assert (created.action, revoked.action) == ("key.create", "key.revoke")
    assert created.after and created.after["scopes"] == ["read", "run"] and created.after["prefix"] == key.prefix


def test_what_a_key_does_names_it_in_the_audit_log(app: object, ada: User) -> None:
    actor = acting(app, ada, "admin")
    users.create(actor, {"username": "grace", "role": "viewer"})
    assert actor.via and audit.entries(as_actor(ada))[0].via == actor.via


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 61}),
        ("name", {"name": "a\nb"}),
        ("scopes", {"scopes": []}),
        ("scopes.0", {"scopes": ["everything"]}),
        ("expires_at", {"expires_at": NOON}),
        ("colour", {"colour": "red"}),
    ],
)
def test_it_names_what_is_wrong(edith: User, field: str, values: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        keys.create(as_actor(edith), {"name": "sync", "scopes": ["read"], **values})
    assert [problem.field for problem in caught.value.problems] == [field]


def test_nobody_has_more_than_fifty(edith: User) -> None:
    for _ in range(keys.MOST):
        made(edith)
    with pytest.raises(Conflict):
        made(edith)
