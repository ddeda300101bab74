"""Users and previews on the command line: in lines, in JSON, and with an exit code for what is wrong."""

import json

import pytest

from scheduler.accounts.models import User
from scheduler.database import db
from tests.cli.conftest import Call

PASSWORD = "a long enough password"
TWICE = f"{PASSWORD}\n{PASSWORD}\n"


def test_a_user_is_made_with_the_password_that_is_typed(call: Call) -> None:
    done = call("create-user", "grace", "--role", "operator", input=TWICE)
    assert done.exit_code == 0 and PASSWORD not in done.output
    assert db.session.query(User).filter_by(username="grace").one().role == "operator"


def test_it_is_told_in_json(call: Call) -> None:
    found = json.loads(call("create-user", "grace", "--json", input=TWICE).stdout)
    assert (found["username"], found["role"]) == ("grace", "viewer") and isinstance(found["id"], int)


def test_a_new_password_is_for_one_use(call: Call) -> None:
    found = json.loads(call("reset-password", "ada", "--json").stdout)
    assert found["username"] == "ada" and len(found["password"]) >= 12
    assert db.session.query(User).filter_by(username="ada").one().one_time_password


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create-user", "ada"), 1),
        (("create-user", "gr\x01ace"), 1),
        (("create-user", "grace", "--role", "king"), 2),
        (("reset-password", "nobody"), 1),
        (("preview", "0 25 * * *"), 1),
        (("preview", "0 2 * * *", "--timezone", "Nowhere/Land"), 1),
        (("preview", "0 2 * * *", "--count", "0"), 2),
        (("run", "nobody"), 1),
        (("export", "nobody"), 1),
        (("restore", "/nowhere"), 2),
        (("dance",), 2),
    ],
)
def test_what_is_wrong_ends_with_a_code_and_no_stack_trace(call: Call, words: tuple[str, ...], code: int) -> None:
    done = call(*words, input=TWICE)
    assert done.exit_code == code and "Traceback" not in done.output


def test_a_preview_is_told_in_lines_and_in_json(call: Call) -> None:
    words = ("preview", "0 2 * * *", "--timezone", "Asia/Shanghai", "--count", "2")
    assert call(*words).output.splitlines() == ["2026-03-03 02:00:00 +0800", "2026-03-04 02:00:00 +0800"]
    assert json.loads(call(*words, "--json").stdout)["next_runs"][0] == "2026-03-03T02:00:00+08:00"
