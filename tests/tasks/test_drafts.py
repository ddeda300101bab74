"""What is refused of a task as somebody wrote it: every field by name, many at once, nothing by accident."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from scheduler import config
from scheduler.errors import Invalid
from scheduler.tasks import drafts
from tests.conftest import FrozenClock

pytestmark = pytest.mark.usefixtures("app")

GOOD: Mapping[str, Any] = {"name": "nightly", "command": "true"}
CRON = {"schedule_type": "cron", "timezone": "UTC"}


def refused(**values: Any) -> dict[str, str]:
    """The fields refused, with what is said of each."""
    with pytest.raises(Invalid) as error:
        drafts.refuse_never(drafts.read({**GOOD, **values}))
    return {problem.field: str(problem) for problem in error.value.problems}


def test_it_reads_the_least_a_task_can_be() -> None:
    draft = drafts.read(GOOD)
    assert draft.kind is not None and draft.kind.name == "shell"
    assert (draft.particulars.timezone, draft.schedule.name, draft.policy.max_instances) == ("Asia/Shanghai", "manual", 1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "<b>"}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": ["x"]}, "name"),
        ({"key": "Not A Key"}, "key"),
        ({"key": "123"}, "key"),
        ({"key": "../etc"}, "key"),
        ({"key": "k" * 101}, "key"),
        ({"key": "schlüssel"}, "key"),
        ({"description": "x" * 2001}, "description"),
        ({"description": "a\0"}, "description"),
        ({"tags": "one"}, "tags"),
        ({"tags": ["<x>"]}, "tags"),
        ({"tags": ["t" * 51]}, "tags"),
        ({"tags": [str(n) for n in range(21)]}, "tags"),
        ({"private": "perhaps"}, "private"),
        ({"is_active": 5}, "is_active"),
        ({"type": "telepathy"}, "type"),
        ({"env": {"1A": "x"}}, "env"),
        ({"env": {"A=B": "x"}}, "env"),
        ({"env": {"": "x"}}, "env"),
        ({"env": {"A": "x\0"}}, "env.A"),
        ({"env": {"A": "x" * 70_000}}, "env.A"),
        ({"env": {"A": 5}}, "env.A"),
        ({"env": ["A=1"]}, "env"),
        ({"env": {f"A{n}": "" for n in range(101)}}, "env"),
        ({"params": {"no-dash": "x"}}, "params"),
        ({"working_directory": "relative"}, "working_directory"),
        ({"working_directory": "/a\0"}, "working_directory"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/localtime"}, "timezone"),
        ({"start_at": "soon"}, "start_at"),
        ({"start_at": "0001-01-01T00:00:00"}, "start_at"),
        ({"end_at": "9999-12-31T23:59:59"}, "end_at"),
        ({"start_at": "2026-05-01T00:00:00Z", "end_at": "2026-05-01T00:00:00Z"}, "end_at"),
        ({"max_runs": 0}, "max_runs"),
        ({"max_runs": True}, "max_runs"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": True}, "timeout_seconds"),
        ({"timeout_seconds": 1.5}, "timeout_seconds"),
        ({"timeout_seconds": 10**30}, "timeout_seconds"),
        ({"kill_grace_seconds": -1}, "kill_grace_seconds"),
        ({"max_instances": 0}, "max_instances"),
        ({"priority": 5000}, "priority"),
        ({"retry_count": 101}, "retry_count"),
        ({"retry_backoff": "random"}, "retry_backoff"),
        ({"business_exit_codes": [256]}, "business_exit_codes.0"),
        ({"success_exit_codes": "0"}, "success_exit_codes"),
        ({"overlap_policy": "hope"}, "overlap_policy"),
        ({"misfire_policy": "all"}, "misfire_policy"),
        ({"misfire_grace_seconds": 0}, "misfire_grace_seconds"),
        ({"limits": {"memory_mb": 1}}, "limits.memory_mb"),
        ({"limits": {"patience": 1}}, "limits.patience"),
        ({"metadata": [1]}, "metadata"),
        ({"metadata": {"x": float("nan")}}, "metadata"),
        ({"metadata": {"x": "a\0"}}, "metadata"),
        ({"metadata": {"x": "\ud800"}}, "metadata"),
        ({"metadata": {"x": "x" * 70_000}}, "metadata"),
        ({"no_such_field": 1}, "no_such_field"),
        ({"command": ""}, "command"),
        ({"command": "x\0"}, "command"),
        ({"command": 5}, "command"),
        ({"type": "shell", "url": "http://x"}, "url"),
        ({"schedule_type": "hourly"}, "schedule_type"),
        ({**CRON, "schedule_config": "0 25 * * *"}, "schedule_config"),
        ({**CRON, "schedule_config": "0 0 31 2 *"}, "schedule_config"),
        ({**CRON, "schedule_config": {"cron": "* * * * *", "extra": 1}}, "schedule_config.extra"),
        ({"schedule_type": "interval", "schedule_config": "0"}, "schedule_config.interval"),
        ({"schedule_type": "interval", "schedule_config": {"interval": True, "unit": "hours"}}, "schedule_config.interval"),
        ({"schedule_type": "once", "schedule_config": "2026-03-02T11:59:59Z"}, "schedule_config"),
    ],
)
def test_it_refuses_by_field(values: dict[str, Any], field: str) -> None:
    found = refused(**values)
    assert [name for name in found if name.startswith(field)], found


def test_it_finds_everything_wrong_at_once() -> None:
    found = refused(name="", key="NO", tags=["<"], env={"1": ""}, timeout_seconds=0, timezone="X", command="", nonsense=1)
    assert {"timeout_seconds", "command", "nonsense"} <= set(found)
    found = refused(name="", key="NO", tags=["<"], env={"1": ""}, timeout_seconds=0, timezone="X", command="")
    assert {"name", "key", "tags", "env", "timeout_seconds", "timezone", "command"} <= set(found)


def test_it_never_repeats_long_input() -> None:
    assert all(len(text) < 300 for text in refused(type="t" * 10_000, retry_backoff="b" * 10_000).values())


def test_it_tidies_names_and_tags() -> None:
    found = drafts.read({**GOOD, "name": "  two   words ", "tags": ["b", "a", " b "]}).particulars
    assert (found.name, found.tags) == ("two words", ["a", "b"])


def test_it_reads_times_without_an_offset_in_the_zone_of_the_task() -> None:
    plan = drafts.read({**GOOD, "start_at": "2026-05-01T08:00", "timezone": "Asia/Shanghai"}).plan
    assert plan.start_at is not None and plan.start_at.isoformat() == "2026-05-01T00:00:00+00:00"


def test_a_content_without_a_type_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as error:
        drafts.read({"name": "x", "url": "http://x", "code": "1"})
    assert [problem.field for problem in error.value.problems] == ["code", "url"]


def test_every_kind_of_schedule_keeps_the_least_distance(app: Flask) -> None:
    strict = config.settings().model_copy(update={"engine": config.Engine(timezone="UTC", min_interval_seconds=60)})
    before = config.use(strict)
    try:
        for kind, given in (("interval", "59"), ("cron", "*/30 * * * * *"), ("daily", {"times": ["08:00", "08:00:30"]})):
            assert list(refused(schedule_type=kind, schedule_config=given)) == ["schedule_config"]
        drafts.refuse_never(drafts.read({**GOOD, "schedule_type": "interval", "schedule_config": "60"}))
    finally:
        config.use(before)


def test_a_schedule_that_rests_may_have_no_time_ahead(clock: FrozenClock) -> None:
    past = {**GOOD, "schedule_type": "once", "schedule_config": "2020-01-01T00:00:00Z"}
    drafts.refuse_never(drafts.read({**past, "is_active": False}))
    with pytest.raises(Invalid):
        drafts.refuse_never(drafts.read(past))


def test_the_installation_may_forbid_kinds_and_patterns(app: Flask) -> None:
    security = config.Security(allowed_kinds=("shell",), command_deny=(r"rm\s+-rf",))
    before = config.use(config.settings().model_copy(update={"security": security}))
    try:
        assert list(refused(command="cd /; rm  -rf x")) == ["command"]
        with pytest.raises(Invalid, match="type"):
            drafts.read({"name": "x", "type": "python", "code": "1"})
        drafts.read(GOOD)
    finally:
        config.use(before)
