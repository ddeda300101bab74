"""Document 001's tasks.json, both ways."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from scheduler.accounts.permissions import SYSTEM
from scheduler.database import db
from scheduler.errors import Invalid
from scheduler.tasks import definitions
from scheduler.tasks.models import Task
from scheduler.tasks.transfer import exchange
from tests.factories import make_task

FULL = {
    "task_id": "nightly",
    "task_name": "夜间备份",
    "task_desc": "订单库",
    "task_exec": "tasks/test_task.py --full",
    "task_schedule": "*/3 * * * *",
    "task_timeout": 600,
    "task_retry": 2,
    "task_retry_interval": 30,
    "task_enabled": True,
    "task_log": "logs/task_nightly.log",
    "task_env": {"CITY": "上海", "COUNT": 3, "FAST": True},
    "task_dependencies": ["Load_DB"],
    "task_notify": {"email": ["a@example.org"]},
}
OTHER = {"task_id": "Load_DB", "task_name": "Load", "task_exec": "tasks/test_task.py", "task_schedule": "0 1 * * *"}


@pytest.fixture(autouse=True)
def program(instance: Path) -> None:
    (instance / "tasks").mkdir(exist_ok=True)
    (instance / "tasks" / "test_task.py").write_text("print('hello')\n")


def bring(content: Any) -> None:
    exchange.bring_in(SYSTEM, exchange.read(json.dumps(content).encode(), "tasks.json"))


def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exchange.written(SYSTEM, "tasks.json"))
    return found


@pytest.mark.parametrize("shape", [[FULL, OTHER], {"tasks": [FULL, OTHER]}, {"nightly": FULL, "Load_DB": OTHER}], ids=type)
def test_each_shape_of_the_file_is_read(app: Flask, shape: Any) -> None:
    bring(shape)
    task = db.session.query(Task).filter_by(key="nightly").one()
    values = definitions.written(task)
    assert (values["path"], list(values["args"]), values["retry_count"]) == ("tasks/test_task.py", ["--full"], 2)
    assert values["env"] == {"CITY": "上海", "COUNT": "3", "FAST": "true"} and values["timeout_seconds"] == 600
    assert len(values["depends_on"]) == 1 and values["schedule_config"] == {"cron": "*/3 * * * *"}


def test_it_comes_out_as_it_went_in(app: Flask) -> None:
    bring([FULL, OTHER])
    first = written()
    mine = next(one for one in first["tasks"] if one["task_id"] == "nightly")
    dependency = definitions.wording.key_from("Load_DB")
    assert mine == FULL | {"task_env": {"CITY": "上海", "COUNT": "3", "FAST": "true"}, "task_dependencies": [dependency]}
    assert {one["task_id"] for one in first["tasks"]} == {"nightly", "Load_DB"}
    bring(first["tasks"])
    assert written() == first


def test_what_it_has_no_word_for_stays_as_it_is(app: Flask) -> None:
    bring([OTHER])
    task = db.session.query(Task).one()
    definitions.edit(SYSTEM, task.id, {"priority": 7})
    bring([OTHER | {"task_retry": 4}])
    values = definitions.written(db.session.query(Task).one())
    assert (values["priority"], values["retry_count"]) == (7, 4)


def test_what_cannot_be_written_is_named(app: Flask) -> None:
    make_task(key="shell-one", command="true")
    assert written() == {"tasks": [], "left_out": {"shell-one": "not a program"}}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"task_exec": ""}, "line 1: [0].task_exec: This is required."),
        ({"task_exec": "gone.py"}, "There is no file gone.py"),
        ({"task_schedule": "61 * * * *"}, "Minute 61"),
        ({"colour": 1}, "[0].colour: There is no such field."),
        ({"task_env": []}, "[0].task_env: This must be a map"),
        ({"task_env": {"A": [1]}}, "env.A"),
        ({"task_id": {}}, "[0].task_id: This must be text."),
        ({"task_dependencies": ["nobody"]}, "There is no task “nobody”"),
    ],
)
def test_it_names_what_is_wrong(app: Flask, change: dict[str, Any], told: str) -> None:
    with pytest.raises(Invalid) as refused:
        bring([OTHER | change])
    assert told in str(refused.value)
