"""Why a task ran or not, through the API."""

from collections.abc import Callable

import pytest

from scheduler.runs import ledger
from tests.api.conftest import Program, fields
from tests.conftest import FrozenClock
from tests.factories import make_group, make_task, rows


def test_it_says_why(program: Callable[[str], Program], clock: FrozenClock) -> None:
    task = make_task(cron="*/15 * * * *")
    ledger.settle(clock.move(minutes=15))
    ledger.settle(clock.move(minutes=15))
    first, skipped = rows(task)
    assert program("ada").data(f"/tasks/{task.id}/why?at=2026-03-02T12:30:00Z") == {
        "task_id": task.id, "at": "2026-03-02T12:30:00Z", "cause": "skipped-overlap",
        "text": f"Skipped: run #{first.id} of this task was not over yet.", "notes": [], "missed_count": 0,
        "due_at": "2026-03-02T12:30:00Z", "execution_id": skipped.public_id,
        "previous": "2026-03-02T12:15:00Z", "next": "2026-03-02T12:45:00Z",
    }  # fmt: skip


def test_it_reads_times_on_the_tasks_clock_and_speaks_chinese(ada_calls: Program) -> None:
    task = make_task(schedule_type="cron", schedule_config={"cron": "*/15 * * * *"}, timezone="Asia/Tokyo")
    answer = ada_calls.get(f"/tasks/{task.key}/why?at=2026-03-02T21:15:00", headers={"Accept-Language": "zh"})
    assert answer.json["data"]["due_at"] == "2026-03-02T12:15:00Z" and answer.json["data"]["cause"] == "will-run"


@pytest.mark.parametrize("query", ["", "?at=", "?at=soon"])
def test_it_needs_an_instant(ada_calls: Program, query: str) -> None:
    answer = ada_calls.get(f"/tasks/{make_task().id}/why{query}")
    assert (answer.status_code, fields(answer)) == (400, ["at"])


def test_it_is_not_there_for_strangers(program: Callable[[str], Program]) -> None:
    task = make_task(group=make_group("hidden").key)
    assert program("victor").get(f"/tasks/{task.id}/why?at=2026-03-02").status_code == 200
    assert program("mallory").get(f"/tasks/{task.id}/why?at=2026-03-02").status_code == 404
