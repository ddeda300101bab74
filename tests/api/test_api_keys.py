"""API keys over HTTP: sent in a header of their own or as the bearer, good for their scopes, and managed by their owner."""

import pytest

from tests.api.conftest import BACKUP, Program


@pytest.fixture
def key(ada_calls):
    def of(*scopes, **fields):
        return ada_calls.post("/api-keys", {"name": "ci", "scopes": list(scopes), **fields}).json["data"]["key"]

    return of


@pytest.mark.parametrize("header", [{"X-API-Key": "{}"}, {"Authorization": "Bearer {}"}, {"Authorization": "bearer  {} "}])
def test_it_is_taken_in_either_header(app, key, header):
    text = key("read")
    anybody = Program(app)
    anybody.headers = {name: value.format(text) for name, value in header.items()}
    assert anybody.get("/tasks").status_code == 200 and anybody.data("/api/v1/auth/me")["username"] == "ada"


@pytest.mark.parametrize("text", ["", "sch_", "sch_unknown", "nonsense", "sch_\xe9"])
def test_a_wrong_key_is_never_passed_over_for_a_cookie(sign_in, text):
    assert sign_in("ada").get("/api/v1/scheduler/tasks", headers={"X-API-Key": text}).status_code == 401


def test_it_is_held_to_its_scopes(app, key, ada_calls):
    ada_calls.make()
    reads, runs, writes = (Program(app, key(scope)) for scope in ("read", "run", "write"))
    assert [one.get("/tasks/1").status_code for one in (reads, runs, writes)] == [200, 200, 200]
    assert [one.post("/tasks/1/trigger").status_code for one in (reads, runs, writes)] == [403, 200, 403]
    assert [one.put("/tasks/1", {"priority": 1}).status_code for one in (reads, runs, writes)] == [403, 403, 200]


def test_no_page_of_people_opens_to_it(app, key):
    assert app.test_client().get("/account", headers={"X-API-Key": key("admin")}).status_code == 302


def test_it_needs_no_csrf_token(app, key):
    assert app.test_client().post("/api/v1/scheduler/tasks", json=BACKUP, headers={"X-API-Key": key("write")}).status_code == 200


def test_it_is_listed_without_its_text_and_revoked_at_once(app, key, ada_calls):
    text = key("read", expires_at="2026-04-01")
    (item,) = ada_calls.get("/api-keys").json["items"]
    assert text not in str(item) and item["expires_at"] == "2026-03-31T16:00:00Z" and item["prefix"] == text[:12]
    assert ada_calls.data(f"/api-keys/{item['id']}") == item
    assert ada_calls.delete(f"/api-keys/{item['id']}").status_code == 200
    assert Program(app, text).get("/tasks").status_code == 401


def test_another_users_key_is_not_there(key, program):
    key("read")
    edith = program("edith")
    assert edith.get("/api-keys").json["total"] == 0
    assert edith.get("/api-keys/1").status_code == edith.delete("/api-keys/1").status_code == 404


def test_a_key_cannot_sign_out_or_make_keys_beyond_its_scope(app, key):
    reads = Program(app, key("read"))
    assert reads.post("/api/v1/auth/logout").status_code == 409
    assert reads.post("/api-keys", {"name": "x", "scopes": ["admin"]}).status_code == 403


def test_it_waits_while_its_owner_has_a_one_time_password(app, key, ada_calls):
    ada_calls.post(
        "/users", {"username": "grace", "role": "administrator", "password": "a long enough one", "must_change": False}
    )
    text = key("read")
    grace = Program(app, ada_calls.post("/api-keys", {"name": "x", "scopes": ["admin"]}).json["data"]["key"])
    assert grace.post("/users/ada/password", {}).status_code == 200
    assert Program(app, text).get("/tasks").status_code == 403
