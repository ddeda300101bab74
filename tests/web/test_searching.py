"""The search of every page: tasks, a run by its number, places one may go to, and nothing one may not see."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.factories import make_group, make_run, make_task
from tests.web.forms import HTMX, send, text_of

SignIn = Callable[[str], FlaskClient]


def found(browser: FlaskClient, words: str) -> str:
    answer = browser.get("/search", query_string={"q": words}, headers=HTMX)
    assert answer.status_code == 200
    return text_of(answer)


def test_it_finds_tasks_by_name_and_by_command(sign_in: SignIn) -> None:
    by_name, by_command = make_task(name="nightly"), make_task(command="pg_dump orders")
    assert f'href="/tasks/{by_name.id}"' in found(sign_in("victor"), "NIGHT")
    assert f'href="/tasks/{by_command.id}"' in found(sign_in("victor"), "pg_dump")


def test_it_offers_to_run_a_task_to_those_who_may(sign_in: SignIn) -> None:
    place = f'formaction="/tasks/{make_task(name="nightly").id}/run"'
    assert place in found(sign_in("oscar"), "night") and place not in found(sign_in("victor"), "night")


@pytest.mark.parametrize("words", ["{id}", "#{id}", "{public}"])
def test_it_finds_a_run_by_number_and_by_id(sign_in: SignIn, words: str) -> None:
    run = make_run()
    assert f'href="/runs/{run.public_id}"' in found(sign_in("victor"), words.format(id=run.id, public=run.public_id))


def test_it_finds_nothing_a_stranger_may_not_see(sign_in: SignIn) -> None:
    run = make_run(name="nightly", group=make_group("secret").key)
    browser = sign_in("mallory")
    assert "Nothing goes by that name." in found(browser, "nightly")
    assert "Nothing goes by that name." in found(browser, f"#{run.id}")


def test_it_leads_to_the_pages_of_ones_role(sign_in: SignIn) -> None:
    assert 'href="/admin/users"' in found(sign_in("ada"), "user") and "/admin/users" not in found(sign_in("edith"), "user")
    assert 'href="/tasks/new"' in found(sign_in("edith"), "") and "/tasks/new" not in found(sign_in("oscar"), "")


def test_it_speaks_the_viewers_language(sign_in: SignIn) -> None:
    browser = sign_in("ada")
    send(browser, "/account", {"language": "zh", "timezone": "UTC", "theme": "auto"})
    assert 'href="/admin/users"' in found(browser, "用户")


@pytest.mark.parametrize("words", ["<script>", "%", "_", "\0", "a" * 5000, "#99999999999999999999", "exec-x'--", "‮"])
def test_it_takes_no_offence_at_nonsense(sign_in: SignIn, words: str) -> None:
    make_task(name="nightly")
    page = found(sign_in("ada"), words)
    assert "<script>" not in page and "nightly" not in page


def test_without_script_it_is_a_page(sign_in: SignIn) -> None:
    page = text_of(sign_in("victor").get("/search?q=x"))
    assert "<h1>Search</h1>" in page and page.count('id="search-found"') == 1


def test_it_names_how_many_more_there_are(sign_in: SignIn) -> None:
    for number in range(10):
        make_task(name=f"nightly {number}")
    assert "All 10 tasks" in found(sign_in("victor"), "nightly")
