"""The page of the API: every call, each with an example, found by its words; nobody reads it without signing in."""

import re

import pytest

pytestmark = pytest.mark.any_database

CALL = re.compile(r'<details class="card-box reference-call"[^>]*>\s*<summary><span class="method')


@pytest.fixture
def page(sign_in):
    client = sign_in("victor")
    return lambda query="": client.get(f"/api/docs{query}").text


def test_it_shows_every_call_of_the_document(page, app):
    shown = page()
    document = app.extensions["openapi"]["en"]
    assert len(CALL.findall(shown)) == sum(map(len, document["paths"].values())) > 100
    assert all(f">{path}<" in shown for path in document["paths"])


def test_every_link_within_it_leads_somewhere(page):
    shown = page()
    assert set(re.findall('href="#([^"]+)"', shown)) <= set(re.findall(' id="([^"]+)"', shown))


def test_an_example_is_a_line_for_a_shell(page):
    shown = page("?q=groups+post")
    assert "curl -X POST http://localhost/api/v1/scheduler/groups" in shown
    assert "Authorization: Bearer $TOKEN" in shown and "&#34;max_concurrent&#34;: 2" in shown


def test_it_finds_calls_by_their_words(page):
    shown = page("?q=hasten")
    assert len(CALL.findall(shown)) == 1 and "/executions/{execution_id}/hasten" in shown


def test_what_was_searched_for_stays_text(page):
    shown = page("?q=<b>x")
    assert "<b>x" not in shown and "&lt;b&gt;x" in shown


def test_it_sends_a_stranger_to_the_sign_in(app):
    answer = app.test_client().get("/api/docs")
    assert answer.status_code == 302 and answer.location.startswith("/login?next=/api/docs")


def test_the_keys_page_and_the_menu_lead_to_it(sign_in):
    assert sign_in("victor").get("/account/keys").text.count('href="/api/docs"') >= 2
