"""The form of a task: what it says becomes the task, what is wrong stands beside its field, what was typed stays."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from scheduler.accounts.models import Grant, User
from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.kinds import kinds
from scheduler.runs.models import Run
from scheduler.schedules import schedules
from scheduler.tasks import definitions
from scheduler.tasks.models import Group, Task
from scheduler.tasks.policy import Limits, Policy
from scheduler.vault import MASK, vault
from scheduler.web import task_controls, task_forms
from tests.conftest import NOON
from tests.web.forms import HTMX, filled, send, task, text_of

pytestmark = pytest.mark.any_database

SignIn = Callable[[str], FlaskClient]

CONTENTS: dict[str, dict[str, Any]] = {
    "shell": {"command": "set -e\necho 'a  b'\n", "shell": "bash"},
    "python": {"code": "print(1)\n", "interpreter": "python3", "args": ["--all", "x y"]},
    "http": {
        "method": "POST",
        "url": "https://example.com/hook",
        "headers": {"X-One": "1", "X-Two": "a=b; c"},
        "body": "{}",
        "auth": {"type": "basic", "username": "ada", "password": MASK},
        "expected_status": [200, "204-299"],
        "verify_tls": False,
        "max_redirects": 0,
        "deadline_seconds": 12.5,
    },
    "script": {"interpreter": "/usr/bin/perl", "code": "print 1;", "args": ["-w"]},
    "program": {"path": "tasks/run.py", "args": ["1"]},
}
CONFIGS: dict[str, dict[str, Any]] = {
    "interval": {"interval": 90, "unit": "seconds"},
    "daily": {"times": ["02:00", "14:30:15"]},
    "weekly": {"days": ["mon", "fri"], "times": ["07:00"]},
    "monthly": {"days": [1, 15, "last"], "times": ["23:00"], "missing": "skip"},
    "yearly": {"month": 2, "day": 29, "times": ["08:00"], "missing": "last"},
    "once": {"at": "2030-05-01T10:00:00"},
    "cron": {"cron": "*/10 30 8-17 * * MON-FRI"},
    "manual": {},
}


def full(type_: str, schedule: str) -> dict[str, Any]:
    """Every value a task can have, none of them the default."""
    policy = Policy(timeout_seconds=60, kill_grace_seconds=3, max_instances=2, priority=-5, retry_count=3, retry_delay_seconds=7,
                    retry_backoff="exponential", retry_max_delay_seconds=99, success_exit_codes=[0, 3], business_exit_codes=[],
                    overlap_policy="replace", misfire_policy="run_all", misfire_grace_seconds=30,
                    limits=Limits(cpu_seconds=10, memory_mb=64, processes=20, open_files=50, file_size_mb=5))  # fmt: skip
    return {
        "name": "Nightly 备份", "key": "nightly", "description": "two\nlines", "group": "default", "tags": ["a b", "数据"],
        "private": True, "type": type_, **CONTENTS[type_], "params": {"DAY": "1"}, "env": {"A": " x ", "B": ""},
        "working_directory": "/srv", "schedule_type": schedule, "schedule_config": CONFIGS[schedule],
        "timezone": "Europe/Berlin", "start_at": "2029-03-01T05:00:00+00:00", "end_at": "2031-03-01T05:00:30+00:00",
        "max_runs": 7, "is_active": False, **policy.model_dump(), "metadata": {},
    }  # fmt: skip


def read(type_: str, schedule: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values, and what becomes of them on their way through the form and the domain's own reading."""
    values = full(type_, schedule)
    back = task_forms.values(task_forms.typed(values)) | {"metadata": {}}
    return values, back


def saved(values: dict[str, Any], instance: Any) -> dict[str, Any]:
    folder = instance / "tasks"
    folder.mkdir(exist_ok=True)
    (folder / "run.py").write_text("print(1)")
    clear = {**values, **({"auth": {**values["auth"], "password": "pw"}} if "auth" in values else {})}
    return definitions.written(definitions.create(SYSTEM, clear))


@pytest.mark.parametrize("type_", kinds.names)
def test_a_form_gives_back_every_type_as_it_was(instance: Any, type_: str) -> None:
    values, back = read(type_, "manual")
    again = {**back, "name": "other", "key": "other"}
    one, two = saved(values, instance), saved(again, instance)
    assert {**two, "name": one["name"], "key": one["key"]} == one


@pytest.mark.parametrize("schedule", schedules.names)
def test_a_form_gives_back_every_schedule_as_it_was(instance: Any, schedule: str) -> None:
    values, back = read("shell", schedule)
    again = {**back, "name": "other", "key": "other"}
    one, two = saved(values, instance), saved(again, instance)
    assert {**two, "name": one["name"], "key": one["key"]} == one


@pytest.mark.parametrize("schedule", schedules.names)
def test_a_form_sent_back_untouched_changes_nothing(instance: Any, schedule: str) -> None:
    stored = saved(full("http", schedule), instance)
    assert task_forms.changes(task_forms.typed(stored), stored) == {}


def test_what_a_form_cannot_show_survives_it(app: object) -> None:
    content = {"type": "python", "code": "1", "args": ["a\nb"]}
    timing = {"schedule_type": "cron", "schedule_config": "@daily"}
    stored = definitions.written(definitions.create(SYSTEM, {"name": "x", **content, **timing}))
    assert task_forms.changes(task_forms.typed(stored), stored) == {}


def test_the_form_has_every_rule_of_the_policy(app: object) -> None:
    names = {control.name for control in task_controls.policy()}
    expected = {name for name in Policy.model_fields if name != "limits"} | {f"limits.{name}" for name in Limits.model_fields}
    assert names == expected


def test_it_creates_a_task_without_script_and_shows_it(sign_in: SignIn) -> None:
    answer = send(sign_in("edith"), "/tasks/new", filled(tags="a, b"))
    saved = db.session.query(Task).one()
    assert answer.status_code == 303 and answer.location == f"/tasks/{saved.id}"
    assert [tag.name for tag in saved.tags] == ["a", "b"] and saved.next_run_at is not None


def test_it_saves_and_runs(sign_in: SignIn) -> None:
    answer = send(sign_in("edith"), "/tasks/new", filled(then="run"))
    assert answer.location == f"/runs/{db.session.query(Run).one().id}"


def test_it_shows_the_form_of_a_task(sign_in: SignIn) -> None:
    one = task(env={"A": "1 & 2"}, schedule_type="cron", schedule_config="30 4 * * 1")
    page = text_of(sign_in("edith").get(f"/tasks/{one.id}/edit"))
    for words in ('value="backup"', 'value="1 &amp; 2"', 'name="schedule_config.minute" value="30"', "At 04:30, every Monday"):
        assert words in page


def test_it_saves_what_was_changed(sign_in: SignIn) -> None:
    one = task(metadata={"keep": "me"})
    client = sign_in("edith")
    form = fields(text_of(client.get(f"/tasks/{one.id}/edit")))
    answer = send(client, f"/tasks/{one.id}/edit", form | {"description": "new", "schedule_config.times": ["03:00"]})
    db.session.expire_all()
    assert answer.status_code == 303 and one.description == "new" and one.schedule_config == {"times": ["03:00"]}
    assert one.version == 2 and one.notes == {"keep": "me"}


def fields(page: str) -> dict[str, Any]:
    """What a browser would send of the form on a page, near enough: hidden and text inputs, areas, what is ticked or selected."""
    body = page[page.index('id="task-form"') : page.index('<datalist id="zones"')]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", body):
        name, value = (re.search(rf'\b{part}="([^"]*)"', tag) for part in ("name", "value"))
        if name and (('type="radio"' not in tag and 'type="checkbox"' not in tag) or " checked" in tag):
            found.setdefault(name[1], []).append(html.unescape(value[1]) if value else "")
    for name, text in re.findall(r'<textarea\b[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', body, re.DOTALL):
        found[name] = html.unescape(text)
    for name, options in re.findall(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    return found


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": ""}, "field-name", "It must not be empty."),
    ({"name": "x" * 101}, "field-name", "It may be at most 100 characters long; this is 101."),
    ({"name": "<b>bold</b>"}, "field-name", "“<” cannot be part of it"),
    ({"name": "a\0b"}, "field-name", "“U+0000” cannot be part of it"),
    ({"name": "party \U0001f389"}, "field-name", "cannot be part of it"),
    ({"name": "right\u202eleft"}, "field-name", "“U+202E” cannot be part of it"),
    ({"command": ""}, "field-command", "This must not be empty."),
    ({"command": "x" * 1_000_000}, "field-command", "This is too long: 977 KB, at most 64."),
    ({"timezone": "Mars/Olympus"}, "field-timezone", "“Mars/Olympus” is not a known time zone."),
    ({"timeout_seconds": "soon"}, "field-timeout-seconds", "“soon” is not a whole number."),
    ({"retry_count": "101"}, "field-retry-count", "This must be at most 100."),
    ({"success_exit_codes": "0, x"}, "field-success-exit-codes", "“x” is not a whole number."),
    ({"limits.memory_mb": "1"}, "field-limits-memory-mb", "This must be at least 16."),
    ({"max_runs": "0"}, "field-max-runs", "This must be at least 1."),
    ({"start_at": "never"}, "field-start-at", "“never” is not a time"),
    ({"working_directory": "relative"}, "field-working-directory", "It must be an absolute path."),
    ({"key": "Upper"}, "field-key", "A key is 1–100"),
    ({"group": "nowhere"}, "field-group", "There is no group “nowhere”."),
    ({"env-key": ["1X"], "env-value": ["v"]}, "field-env", "is not a variable&#39;s name"),
    ({"env-key": ["A", "A"], "env-value": ["1", "2"]}, "field-env", "“A” is there twice."),
    ({"schedule_config.times": ["25:00"]}, "field-schedule-config-times", "Hour 25 is outside 0–23."),
    ({"schedule_config.times": []}, "field-schedule-config-times", "Give at least one value."),
]


@pytest.mark.parametrize(("fields", "place", "sentence"), WRONG, ids=lambda value: str(value)[:40])
def test_it_refuses_and_says_where_and_why(sign_in: SignIn, fields: dict[str, Any], place: str, sentence: str) -> None:
    answer = send(sign_in("edith"), "/tasks/new", filled() | fields)
    page = text_of(answer)
    shown = sentence.replace("<", "&lt;")
    assert answer.status_code == 422 and db.session.query(Task).count() == 0
    assert shown in page and f'href="#{place}"' in page and f'id="{place}' in page


CRON = [
    ("0 25 * * *", "hour", "Hour 25 is outside 0–23."),
    ("60 * * * *", "minute", "Minute 60 is outside 0–59."),
    ("* * * 13 *", "month", "Month 13 is outside 1–12."),
    ("* * 0 * *", "day", "Day of the month 0 is outside 1–31."),
    ("* * * * 9", "weekday", "Weekday 9 is outside 0–7"),
]


def cron(line: str, **more: Any) -> dict[str, Any]:
    """The form with a cron expression in its columns."""
    names = [control.name for control in task_controls.CRON]
    return filled(schedule_type="cron", schedule_was="cron", **more) | dict(zip(names, line.split(), strict=True))


@pytest.mark.parametrize(("line", "column", "sentence"), CRON)
def test_a_wrong_cron_column_is_marked_by_name(sign_in: SignIn, line: str, column: str, sentence: str) -> None:
    answer = send(sign_in("edith"), "/tasks/new", cron(line))
    page = text_of(answer)
    assert answer.status_code == 422 and sentence in page
    assert re.search(rf'name="schedule_config.{column}"[^>]*aria-invalid="true"', page)


@pytest.mark.parametrize("line", ["0 0 30 2 *", "0 0 31 4 *"])
def test_a_date_there_is_not_never_fires(sign_in: SignIn, line: str) -> None:
    assert "This schedule never fires" in text_of(send(sign_in("edith"), "/tasks/new", cron(line)))


def test_a_yearly_thirtieth_of_february_is_refused(sign_in: SignIn) -> None:
    yearly = {"schedule_config.month": "2", "schedule_config.day": "30", "schedule_config.missing": "skip"}
    form = filled(schedule_type="yearly", schedule_was="yearly") | yearly
    assert "month 2 has no day 30" in text_of(send(sign_in("edith"), "/tasks/new", form))


def test_a_name_that_is_taken_is_said_beside_it(sign_in: SignIn) -> None:
    task("backup")
    answer = send(sign_in("edith"), "/tasks/new", filled())
    assert answer.status_code == 409 and "“backup” is taken by another task." in text_of(answer)


def test_everything_typed_stays_but_secrets(sign_in: SignIn) -> None:
    request = {"type": "http", "type_was": "http", "url": "https://example.com/?a=<b>"}
    content = request | {"auth.type": "bearer", "auth.token": "s3cret"}
    form = filled() | content | {"name": "", "env-key": ["A", "B"], "env-value": ["1", "2"]}
    page = text_of(send(sign_in("edith"), "/tasks/new", form))
    assert "s3cret" not in page and "What was typed here is not shown again" in page
    for kept in ("https://example.com/?a=&lt;b&gt;", 'name="env-key" value="B"', 'name="env-value" value="2"'):
        assert kept in page


def test_a_secret_shows_as_its_mask_and_stays(sign_in: SignIn) -> None:
    one = http()
    before, client = one.content["auth"]["token"], sign_in("edith")
    page = text_of(client.get(f"/tasks/{one.id}/edit"))
    assert MASK in page and "s3cret" not in page and before not in page
    assert send(client, f"/tasks/{one.id}/edit", fields(page) | {"description": "changed"}).status_code == 303
    db.session.expire_all()
    assert one.description == "changed" and vault().open(one.content["auth"]["token"]) == "s3cret"


def http() -> Task:
    content = {"type": "http", "url": "https://example.com", "auth": {"type": "bearer", "token": "s3cret"}}
    return definitions.create(SYSTEM, {"name": "hook", **content, "schedule_type": "manual"})


def test_an_old_version_is_not_saved_over_a_new_one(sign_in: SignIn) -> None:
    one, client = task(), sign_in("edith")
    form = fields(text_of(client.get(f"/tasks/{one.id}/edit"))) | {"description": "mine"}
    definitions.edit(SYSTEM, one.id, {"description": "theirs"})
    answer = send(client, f"/tasks/{one.id}/edit", form)
    page = text_of(answer)
    assert answer.status_code == 409 and "theirs" in page and 'value="mine"' in page and 'name="over" value="2"' in page
    assert send(client, f"/tasks/{one.id}/edit", form | {"over": "2"}).status_code == 303
    db.session.expire_all()
    assert one.description == "mine"


@pytest.mark.parametrize(("who", "status"), [("victor", 403), ("oscar", 403), ("mallory", 404), ("edith", 200)])
def test_the_form_is_for_those_who_may_edit(sign_in: SignIn, mallory: User, who: str, status: int) -> None:
    one = task()
    grant_elsewhere(mallory)
    assert sign_in(who).get(f"/tasks/{one.id}/edit").status_code == status


def grant_elsewhere(user: User) -> None:
    """Let a user edit in another group than the tasks are in, and know nothing of these."""
    other = Group(key="other", name="other", created_at=NOON)
    db.session.add(other)
    db.session.flush()
    user.grants.append(Grant(group_id=other.id, role="editor"))
    db.session.commit()


@pytest.mark.parametrize("path", ["/tasks/999/edit", "/tasks/99999999999999999999999/edit"])
def test_a_task_there_is_not_is_not_found(sign_in: SignIn, path: str) -> None:
    assert sign_in("edith").get(path).status_code == 404


def test_without_script_another_type_is_chosen_and_nothing_is_saved(sign_in: SignIn) -> None:
    answer = send(sign_in("edith"), "/tasks/new", filled(type="python", choose="type"))
    page = text_of(answer)
    assert answer.status_code == 200 and db.session.query(Task).count() == 0
    assert 'name="code"' in page and '<input type="hidden" name="command" value="true">' in page


def test_without_script_a_kind_not_yet_chosen_is_shown_first(sign_in: SignIn) -> None:
    page = text_of(send(sign_in("edith"), "/tasks/new", filled(schedule_type="cron")))
    assert 'name="schedule_config.hour" value="2"' in page and db.session.query(Task).count() == 0


def test_the_fields_of_a_type_come_alone(sign_in: SignIn) -> None:
    page = text_of(send(sign_in("edith"), "/tasks/fields", filled(type="http"), htmx="1"))
    assert page.lstrip().startswith('<div id="content"') and 'name="url"' in page and 'name="command" value="true"' in page


CONVERSIONS: list[tuple[str, dict[str, Any], str, str]] = [
    ("daily", {"schedule_config.times": ["04:30"]}, "cron", 'name="schedule_config.hour" value="4"'),
    ("daily", {"schedule_config.times": ["04:30"]}, "weekly", 'value="04:30"'),
    ("daily", {"schedule_config.times": ["25:00"]}, "weekly", 'value="02:00"'),
    ("manual", {}, "once", 'value="2026-03-03T20:00"'),
    ("daily", {}, "nonsense", 'name="schedule_was" value="daily"'),
]


@pytest.mark.parametrize("conversion", CONVERSIONS, ids=str)
def test_another_kind_of_schedule_keeps_what_it_can(sign_in: SignIn, conversion: tuple[str, dict[str, Any], str, str]) -> None:
    kind, typed, target, shown = conversion
    form = filled(schedule_type=target, schedule_was=kind) | typed
    assert shown in text_of(send(sign_in("edith"), "/tasks/schedule-fields", form, htmx="1"))


LINES = [
    ("30 4 * * 1-5", 'name="schedule_config.weekday" value="1-5"', None),
    ("@daily", 'name="schedule_config.hour" value="0"', None),
    ("*/5 * * * * /usr/bin/x --y", 'name="schedule_config.minute" value="*/5"', "/usr/bin/x --y"),
    ("0 25 * * *", "Hour 25 is outside 0–23.", None),
    ("@every 5m", 'name="schedule_config.interval"', None),
    ("what is this", "has 5 fields", None),
]


@pytest.mark.parametrize(("line", "shown", "command"), LINES)
def test_a_pasted_line_is_split(sign_in: SignIn, line: str, shown: str, command: str | None) -> None:
    form = cron("0 2 * * *", schedule_line=line)
    page = text_of(send(sign_in("edith"), "/tasks/schedule-fields", form, htmx="1"))
    assert shown in page
    assert ('id="content" hx-swap-oob' in page and command in page) if command else "hx-swap-oob" not in page


def test_a_line_pasted_into_a_column_is_split_too(sign_in: SignIn) -> None:
    form = cron("0 2 * * *") | {"schedule_config.minute": "15 6 * * 0"}
    assert 'name="schedule_config.hour" value="6"' in text_of(send(sign_in("edith"), "/tasks/preview", form, htmx="1"))


def preview(client: FlaskClient, form: dict[str, Any]) -> str:
    return html.unescape(text_of(send(client, "/tasks/preview", form, htmx="1")))


def test_the_preview_says_when(sign_in: SignIn) -> None:
    page = preview(sign_in("edith"), cron("0 2 * * 1-5", timezone="Europe/Berlin"))
    for words in ("At 02:00, Monday to Friday", "<code>0 2 * * 1-5</code>", "03-03 Tue 02:00", "in 13 h", "Asia/Shanghai"):
        assert words in page
    assert page.count("<li>") == 5


def test_the_preview_shows_twenty_when_asked(sign_in: SignIn) -> None:
    assert preview(sign_in("edith"), filled(fires="20")).count("<li>") == 20


def test_the_preview_keeps_the_last_valid_schedule(sign_in: SignIn) -> None:
    client = sign_in("edith")
    answer = send(client, "/tasks/preview", cron("0 2 * * *"), htmx="1")
    valid = re.search(r'name="schedule_valid" value="([^"]+)"', text_of(answer))
    assert valid is not None
    page = preview(client, cron("0 25 * * *", schedule_valid=html.unescape(valid[1])))
    for words in ("this was the last valid one", "Every day at 02:00", "is-stale", "Hour 25 is outside 0–23."):
        assert words in page


NONSENSE = ["", "{", "[]", '{"kind": "cron", "config": 5, "timezone": "UTC", "seed": ""}', "null", "x" * 99_999]


@pytest.mark.parametrize("kept", NONSENSE, ids=lambda text: text[:9])
def test_the_preview_believes_nothing_it_is_given_back(sign_in: SignIn, kept: str) -> None:
    assert "The schedule is not valid." in preview(sign_in("edith"), cron("0 25 * * *", schedule_valid=kept))


def test_the_preview_warns_of_company(sign_in: SignIn) -> None:
    for number in range(3):
        task(f"other {number}")
    assert "3 other tasks begin at 02:00 too (at most 10 run at once)." in preview(sign_in("edith"), filled())


def test_the_preview_warns_of_clock_changes(sign_in: SignIn) -> None:
    page = preview(sign_in("edith"), cron("30 2 29 3 *", timezone="Europe/Berlin"))
    assert "moved from 02:30, a time that does not exist on that day" in page


def test_what_runs_too_often_is_refused(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.tasks.drafts.settings", lambda: _Slow)
    interval = {"schedule_config.interval": "5", "schedule_config.unit": "seconds"}
    form = filled(schedule_type="interval", schedule_was="interval") | interval
    assert "It would run every 5 seconds; the least allowed here is 60." in preview(sign_in("edith"), form)


class _Slow:
    class engine:
        min_interval_seconds = 60
        timezone = "UTC"


def test_the_region_comes_with_htmx_as_without(sign_in: SignIn) -> None:
    assert sign_in("edith").get("/tasks/new", headers=HTMX).status_code == 200


def test_every_id_in_the_form_is_there_once(sign_in: SignIn) -> None:
    for path in ("/tasks/new", f"/tasks/{http().id}/edit"):
        ids = re.findall(r'\sid="([^"]+)"', text_of(sign_in("edith").get(path)))
        assert sorted(ids) == sorted(set(ids))
