"""A run that fails, told by a real server: a letter and a request that arrive once, whoever dies in between."""

import signal
from typing import Any

import pytest
from sqlalchemy import func, select

from scheduler.database import db
from scheduler.notify.models import Delivery
from tests.flows.conftest import Site
from tests.receivers import Hooks, Mail
from tests.waiting import until

pytestmark = pytest.mark.slow


def settings(mail: Mail) -> dict[str, str]:
    return {
        "SCHEDULER_NOTIFICATION__EMAIL__ENABLED": "true",
        "SCHEDULER_NOTIFICATION__EMAIL__SMTP_HOST": "127.0.0.1",
        "SCHEDULER_NOTIFICATION__EMAIL__SMTP_PORT": str(mail.port),
        "SCHEDULER_SECURITY__OUTGOING_ALLOW": "127.0.0.0/8",
    }


def telling(hooks: Hooks) -> dict[str, Any]:
    """The rules of a task: of each failure, by letter and by request."""
    channels = [
        {"type": "email", "recipients": ["grace@example.org"], "subject_template": "{{task_name}}: {{execution_status}}"},
        {"type": "webhook", "url": hooks.url, "body_template": '{"log": "{{execution_log_tail}}"}'},
    ]
    rule = {"name": "failures", "triggers": ["technical_failure"], "channels": channels}
    return {"metadata": {"task_notify": [rule]}}


def told() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Delivery.id)).where(Delivery.status == "sent")) or 0


def test_it_tells_of_a_failed_run_by_letter_and_by_request(site: Site, mail: Mail, hooks: Hooks) -> None:
    site.start(**settings(mail))
    task = site.task("echo 'the \"disk\" is full'; exit 3", name="Night", **telling(hooks))
    site.until_over(site.run(task))
    until(lambda: told() == 2)
    assert mail.subjects() == ["Night: technical_failure"]
    assert [body for _, _, body in hooks.requests] == [b'{"log": "the \\"disk\\" is full"}']


@pytest.mark.parametrize("point", ["choose_before_commit", "choose_after_commit", "claim_delivery_before_commit"])
def test_a_server_that_dies_before_anything_is_sent_tells_once(site: Site, mail: Mail, hooks: Hooks, point: str) -> None:
    server = site.start(**settings(mail), SCHEDULER_FAILPOINT=f"{point}:kill")
    run = site.run(site.task("exit 3", **telling(hooks)))
    assert server.wait(30) == -signal.SIGKILL
    site.start(**settings(mail))
    site.until_over(run)
    until(lambda: told() == 2)
    assert (len(mail.letters), len(hooks.requests)) == (1, 1)
