"""Dependencies on the pages: chosen in the form, told on the task's page, drawn and listed, silent about what is hidden."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.models import Grant, User
from scheduler.database import db
from scheduler.tasks import definitions, dependencies, trash
from scheduler.tasks.models import Task
from scheduler.web import graph
from tests.factories import SYSTEM, make_group, make_run, make_task, perform, rows
from tests.web.forms import HTMX, filled, send, text_of

SignIn = Callable[[str], FlaskClient]


def page_of(browser: FlaskClient, path: str, **headers: str) -> str:
    answer = browser.get(path, headers=headers)
    assert answer.status_code == 200
    return text_of(answer)


def after(name: str, *upstreams: Task, **values: object) -> Task:
    return make_task(name=name, depends_on=[one.key for one in upstreams], **values)


@pytest.fixture
def diamond(app: object) -> list[Task]:
    a = make_task(name="extract")
    b, c = after("clean", a), after("count", a)
    return [a, b, c, after("report", b, c)]


def waits_for(task_id: int) -> list[str]:
    db.session.rollback()
    return dependencies.references([task_id])[task_id]


def test_the_form_saves_what_is_chosen(sign_in: SignIn) -> None:
    make_task(name="a"), make_task(name="b")
    browser = sign_in("edith")
    form = filled(depends_on=["a", "b"], depends_mode="any", schedule_type="manual", schedule_was="manual")
    assert send(browser, "/tasks/new", form).status_code == 303
    assert waits_for(3) == ["a", "b"] and db.session.get_one(Task, 3).depends_mode == "any"
    page = page_of(browser, "/tasks/3/edit")
    assert re.findall(r'name="depends_on" value="(\w+)" checked', page) == ["a", "b"] and 'value="any" selected' in page


def test_the_form_lets_go_of_what_is_unticked(sign_in: SignIn) -> None:
    a = make_task(name="a")
    task, browser = after("backup", a), sign_in("edith")
    form = filled(version=str(task.version), schedule_type="manual", schedule_was="manual", key="backup")
    assert send(browser, f"/tasks/{task.id}/edit", {**form, "depends_on": ["a"]}).status_code == 303
    assert waits_for(task.id) == ["a"]
    form["version"] = str(db.session.get_one(Task, task.id).version)
    assert send(browser, f"/tasks/{task.id}/edit", form).status_code == 303
    assert waits_for(task.id) == []


def test_the_form_takes_keys_that_are_typed(sign_in: SignIn) -> None:
    make_task(name="a"), make_task(name="b")
    assert send(sign_in("edith"), "/tasks/new", filled(depends_on=["a", "b， a"])).status_code == 303
    assert waits_for(3) == ["a", "b"]


def test_a_circle_stands_beside_its_field(sign_in: SignIn, diamond: list[Task]) -> None:
    first = diamond[0]
    form = filled(name="extract", key="extract", version=str(first.version), depends_on=["report"])
    answer = send(sign_in("edith"), f"/tasks/{first.id}/edit", form)
    assert answer.status_code == 422
    error = re.search(r'id="field-depends-on-error".*?<span>(.*?)</span>', text_of(answer))
    assert error and error[1].endswith("extract → report → clean → extract.")


def test_what_is_in_the_trash_can_be_let_go_of(sign_in: SignIn) -> None:
    a = make_task(name="a")
    task = after("b", a)
    trash.remove(SYSTEM, a.id)
    page = page_of(sign_in("edith"), f"/tasks/{task.id}/edit")
    assert f'value="{a.id}" checked' in page and "a (in the trash)" in page


def test_the_tab_tells_both_sides_and_what_has_come(sign_in: SignIn, diamond: list[Task]) -> None:
    first, clean, _, report = diamond
    perform(make_run(first))
    (made,) = rows(clean)
    perform(made)
    browser = sign_in("victor")
    page = page_of(browser, f"/tasks/{report.id}?tab=deps")
    assert "Once all of them have succeeded" in page and f'href="/runs/{made.public_id}"' in page and "still to come" in page
    assert "Tasks that run after it" in page_of(browser, f"/tasks/{first.id}?tab=deps")
    assert 'href="/tasks/4?tab=deps">clean, count</a>' in page_of(browser, f"/tasks/{report.id}")


def test_the_tab_refreshes_itself_when_something_has_come(sign_in: SignIn, diamond: list[Task]) -> None:
    browser, path = sign_in("victor"), f"/tasks/{diamond[3].id}?tab=deps"
    found = re.search(r'hx-get="([^"]*seen=[^"]*)"', page_of(browser, path))
    assert found
    again = found[1].replace("&amp;", "&")
    assert browser.get(again, headers=HTMX).status_code == 204
    perform(make_run(diamond[0]))
    assert browser.get(again, headers=HTMX).status_code == 200


def test_the_tab_warns_of_what_is_amiss(sign_in: SignIn) -> None:
    gone, resting = make_task(name="gone"), make_task(name="resting", is_active=False)
    task = after("b", gone, resting, is_active=False)
    trash.remove(SYSTEM, gone.id)
    page = page_of(sign_in("victor"), f"/tasks/{task.id}?tab=deps")
    for sentence in ("“gone” is in the trash", "“resting” is disabled", "its run is skipped"):
        assert sentence in page


def test_a_task_without_any_says_how_to_begin(sign_in: SignIn) -> None:
    task, browser = make_task(), sign_in("victor")
    assert "It waits for no other task" in page_of(browser, f"/tasks/{task.id}?tab=deps")
    assert "No task waits for another yet." in page_of(browser, "/graph")


def test_the_graph_draws_boxes_that_are_links_and_says_the_same_as_a_list(sign_in: SignIn, diamond: list[Task]) -> None:
    page = page_of(sign_in("victor"), "/graph")
    assert page.count("graph-arrow") == 4 and page.count('<a class="graph-node"') == 4
    assert 'aria-label="report: Never run; runs after clean, count (all)"' in page and 'aria-current="page"' in page
    listed = re.sub(r"\s*<[^>]*>\s*", " ", page.partition("graph-list")[2].partition("</details>")[0])
    assert re.findall(r"extract|clean|count|report|stands above", listed) == [
        *("extract", "clean", "report", "count", "report"),
    ]


def test_the_graph_answers_nothing_while_nothing_changes(sign_in: SignIn, diamond: list[Task]) -> None:
    browser = sign_in("victor")
    found = re.search(r'hx-get="(/graph[^"]*)"', page_of(browser, "/graph"))
    assert found and browser.get(found[1], headers=HTMX).status_code == 204
    definitions.disable(SYSTEM, diamond[1].id)
    assert "clean: Disabled" in page_of(browser, found[1], **HTMX)


def test_the_graph_is_silent_about_what_is_hidden(sign_in: SignIn, mallory: User) -> None:
    group = make_group("open")
    db.session.add(Grant(user_id=mallory.id, group_id=group.id, role="editor"))
    db.session.commit()
    secret = make_task(name="unseen")
    task = after("mine", secret, group="open")
    after("behind", task)
    browser = sign_in("mallory")
    for path in ("/graph", f"/tasks/{task.id}?tab=deps", f"/tasks/{task.id}?tab=config", f"/tasks/{task.id}/edit", "/tasks"):
        page = page_of(browser, path)
        assert "unseen" not in page and "behind" not in page
    assert f"#{secret.id}: Not yours to see" in page_of(browser, "/graph")


def test_what_is_too_large_is_said_and_not_drawn(sign_in: SignIn, diamond: list[Task], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "LARGEST", 3)
    assert "One more part is too large" in page_of(sign_in("victor"), "/graph")


def test_a_long_chain_can_be_shown(sign_in: SignIn) -> None:
    last = make_task(name="step 0")
    for number in range(1, 120):
        last = after(f"step {number}", last)
    assert page_of(sign_in("victor"), "/graph").count("graph-arrow") == 119


def test_a_run_names_those_it_came_after(sign_in: SignIn, diamond: list[Task]) -> None:
    first = perform(make_run(diamond[0]))
    (made,) = rows(diamond[1])
    page = page_of(sign_in("victor"), f"/runs/{made.id}")
    assert f'<a href="/runs/{first.public_id}">extract #{first.id}</a>' in page and "Another task" in page


def test_a_run_skipped_because_the_task_was_disabled_says_so(sign_in: SignIn, diamond: list[Task]) -> None:
    definitions.disable(SYSTEM, diamond[1].id)
    perform(make_run(diamond[0]))
    (made,) = rows(diamond[1])
    assert "but the task was disabled" in page_of(sign_in("victor"), f"/runs/{made.id}")


def test_deleting_says_who_waits(sign_in: SignIn, diamond: list[Task]) -> None:
    page = page_of(sign_in("edith"), f"/tasks/{diamond[0].id}/delete")
    assert "2 tasks wait for it: clean, count." in page


def test_the_list_says_what_a_task_runs_after(sign_in: SignIn, diamond: list[Task]) -> None:
    assert "after clean, count" in page_of(sign_in("victor"), "/tasks")
