"""The examples: they are valid tasks in every language, and there to be deleted."""

import pytest

from scheduler.tasks import examples
from tests.factories import SYSTEM

pytestmark = pytest.mark.usefixtures("app")


def test_the_first_example_prints_every_minute() -> None:
    (task,) = examples.load(SYSTEM, str)
    assert (task.name, task.kind, task.schedule_config) == ("Hello every minute", "shell", {"cron": "* * * * *"})
    assert task.next_run_at is not None


def test_all_examples_can_be_loaded_in_another_language() -> None:
    tasks = examples.load(SYSTEM, lambda text: f"例 {text}"[:90], everything=True)
    assert len(tasks) == 4
    assert all(task.name.startswith("例") and task.description.startswith("例") for task in tasks)


def test_the_program_of_the_documents_is_put_where_there_are_none_and_nowhere_else(tmp_path):
    examples.ship(tmp_path)
    assert (tmp_path / "tasks" / "test_task.py").is_file()
    (tmp_path / "tasks" / "test_task.py").unlink()
    examples.ship(tmp_path)
    assert list((tmp_path / "tasks").iterdir()) == []
