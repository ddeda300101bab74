"""The versions of a task over HTTP."""


def test_it_lists_versions_newest_first(ada_calls):
    ada_calls.make()
    ada_calls.put("/tasks/1", {"priority": 5})
    found = ada_calls.get("/tasks/1/revisions").json
    assert [(one["version"], one["by"], one["action"]) for one in found["items"]] == [
        (2, "ada", "task.edit"),
        (1, "ada", "task.create"),
    ]


def test_it_shows_one_and_what_it_changed(ada_calls):
    ada_calls.make()
    ada_calls.put("/tasks/1", {"priority": 5})
    ada_calls.put("/tasks/1", {"command": "echo bye"})
    found = ada_calls.data("/tasks/1/revisions/3")
    assert found["changes"] == [{"field": "command", "before": "echo hello", "after": "echo bye"}]
    assert {one["field"] for one in ada_calls.data("/tasks/1/revisions/3?against=1")["changes"]} == {"priority", "command"}
    assert ada_calls.data("/tasks/1/revisions/1")["compared_with"] is None


def test_it_goes_back_as_a_new_version(ada_calls):
    ada_calls.make()
    ada_calls.put("/tasks/1", {"command": "echo bye"})
    answer = ada_calls.post("/tasks/1/revisions/1/restore", headers={"If-Match": '"2"'})
    assert answer.json["data"]["command"] == "echo hello" and answer.headers["ETag"] == '"3"'
    assert ada_calls.post("/tasks/1/revisions/1/restore", headers={"If-Match": '"2"'}).status_code == 409


def test_it_refuses_what_is_not_there_and_who_may_not(ada_calls, program):
    ada_calls.make()
    assert [ada_calls.get(f"/tasks/{path}").status_code for path in ("1/revisions/9", "9/revisions", "1/revisions/0")] == [
        404
    ] * 3
    assert program("oscar").post("/tasks/1/revisions/1/restore").status_code == 403
    assert program("mallory").get("/tasks/1/revisions").status_code == 404


def test_no_secret_is_in_any_version(ada_calls):
    ada_calls.make(type="http", command=None, url="https://example.org", auth={"type": "bearer", "token": "canary-7"})
    ada_calls.put("/tasks/1", {"auth": {"type": "bearer", "token": "canary-8"}})
    text = ada_calls.get("/tasks/1/revisions/2").get_data(as_text=True)
    assert "canary" not in text and '"field": "auth"' in text
