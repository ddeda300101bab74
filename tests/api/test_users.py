"""Users over HTTP, for administrators."""

import pytest

from tests.api.conftest import fields
from tests.conftest import PASSWORD

GRACE = {"username": "grace", "role": "operator", "email": "grace@example.org"}


def test_it_makes_one_with_a_password_for_one_use(ada_calls, anybody):
    made = ada_calls.post("/users", GRACE).json["data"]
    assert {name: made[name] for name in GRACE} == GRACE and made["must_change_password"]
    login = {"username": "grace", "password": made["one_time_password"]}
    assert anybody.post("/api/v1/auth/login", login).status_code == 403
    assert "one_time_password" not in ada_calls.data("/users/grace")


def test_it_takes_a_given_password_and_answers_none(ada_calls, anybody):
    made = ada_calls.post("/users", GRACE | {"password": "chosen by the boss", "must_change": False}).json["data"]
    login = {"username": "grace", "password": "chosen by the boss"}
    assert made["one_time_password"] is None and anybody.post("/api/v1/auth/login", login).status_code == 200


def test_it_lists_users_by_name_in_pages(ada_calls):
    page = ada_calls.get("/users?size=2&page=2").json
    assert (page["total"], [one["username"] for one in page["items"]]) == (5, ["mallory", "oscar"])


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"is_active": False}])
def test_another_role_or_no_activity_ends_tokens_at_once(ada_calls, program, change):
    edith = program("edith")
    assert ada_calls.put("/users/edith", change).status_code == 200
    assert edith.get("/tasks").status_code == 401


def test_another_password_ends_tokens_at_once(ada_calls, program, anybody):
    edith = program("edith")
    made = ada_calls.post("/users/edith/password", {}).json["data"]["one_time_password"]
    assert edith.get("/tasks").status_code == 401 and len(made) >= 10
    assert anybody.post("/api/v1/auth/login", {"username": "edith", "password": PASSWORD}).status_code == 401


def test_it_changes_grants_and_refuses_an_old_version(ada_calls, edith):
    body = {"limited_to_groups": True, "grants": {"1": "editor"}, "version": 1}
    found = ada_calls.put(f"/users/{edith.id}", body).json["data"]
    assert (found["limited_to_groups"], found["grants"], found["version"]) == (True, {"1": "editor"}, 2)
    assert ada_calls.put(f"/users/{edith.id}", body).status_code == 409


def test_it_deletes_one_and_never_oneself_nor_the_last_administrator(ada_calls, program, ada):
    program("edith").make()
    assert ada_calls.delete("/users/edith").status_code == 200 and ada_calls.get("/users/edith").status_code == 404
    assert ada_calls.data("/tasks/1")["owner"] is None
    assert ada_calls.delete(f"/users/{ada.id}").status_code == 409
    assert ada_calls.put("/users/ada", {"role": "viewer"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "viewer"}, "username"),
        (GRACE | {"role": "king"}, "role"),
        (GRACE | {"is_active": 1}, "is_active"),
        (GRACE | {"active": True}, "active"),
        (GRACE | {"email": "nobody"}, "email"),
        (GRACE | {"password": "short"}, "password"),
        (GRACE | {"grants": {"99": "viewer"}}, "grants"),
    ],
)
def test_it_names_the_wrong_field(ada_calls, body, field):
    answer = ada_calls.post("/users", body)
    assert answer.status_code == 400 and fields(answer) == [field]


def test_a_name_is_taken_once(ada_calls):
    assert ada_calls.post("/users", GRACE | {"username": "ADA"}).status_code == 409


@pytest.mark.parametrize("name", ["edith", "oscar", "victor"])
def test_nobody_else_sees_or_makes_users(program, name):
    caller = program(name)
    assert (
        caller.get("/users").status_code
        == caller.get("/users/ada").status_code
        == caller.get(f"/users/{name}").status_code
        == 403
    )
    assert caller.post("/users", GRACE).status_code == caller.delete("/users/victor").status_code == 403
