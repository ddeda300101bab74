"""One click mends a schedule in the form: a number outside its range, a minute at which many others begin."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.web.forms import filled, send, task, text_of

SignIn = Callable[[str], FlaskClient]


def cron(minute: str, hour: str, **more: str) -> dict[str, str]:
    columns = {"minute": minute, "hour": hour, "day": "*", "month": "*", "weekday": "*"}
    named = {f"schedule_config.{name}": text for name, text in columns.items()}
    return filled(schedule_type="cron", schedule_was="cron") | named | more


@pytest.mark.parametrize(("written", "offered"), [("25", "23"), ("24", "0"), ("1,99", "1,23")])
def test_it_offers_a_number_within_the_range(sign_in: SignIn, written: str, offered: str) -> None:
    page = text_of(send(sign_in("edith"), "/tasks/preview", cron("0", written), htmx="1"))
    assert f'value="schedule_config.hour={offered}"' in page and f"Use {offered}" in page


def test_it_offers_a_minute_at_which_nothing_else_begins(sign_in: SignIn) -> None:
    for number in range(3):
        task(f"other {number}")
    page = text_of(send(sign_in("edith"), "/tasks/preview", filled(), htmx="1"))
    assert "Move to 02:17" in page


def test_a_fix_is_applied_without_javascript(sign_in: SignIn) -> None:
    page = text_of(send(sign_in("edith"), "/tasks/new", cron("0", "25", fix="schedule_config.hour=23")))
    assert 'name="schedule_config.hour" value="23"' in page and "is outside" not in page


def test_a_fix_of_another_field_changes_nothing(sign_in: SignIn) -> None:
    page = text_of(send(sign_in("edith"), "/tasks/new", cron("0", "2", fix="name=stolen")))
    assert "stolen" not in page
