"""Sending: what letters and requests really say, tries and their delays, and what a receiver who has had enough gets."""

import hashlib
import hmac
import json

import pytest
from sqlalchemy import select

from scheduler import config, nodes
from scheduler.database import db, transaction
from scheduler.nodes import Node
from scheduler.notify import channel_verbs, choose, deliver, outbox, rule_verbs
from scheduler.notify.models import Message
from scheduler.runs.models import Attempt
from tests.factories import as_actor, make_task
from tests.notify.conftest import deliveries, end, per_hour, rounds, watched

LETTER = {"type": "email", "recipients": ["grace@example.org"]}


def test_a_letter_says_what_the_template_says(app, post):
    end(watched(LETTER | {"subject_template": "{{task_name}}!", "body_template": "{{execution_status}} 任务"}, name="夜间"))
    rounds()
    (letter,) = post.letters
    assert (letter["Subject"], letter["To"], letter.get_content().strip()) == (
        "夜间!",
        "grace@example.org",
        "technical_failure 任务",
    )
    assert (deliveries()[0].status, deliveries()[0].code, deliveries()[0].answer) == ("sent", 250, "taken as number 1")


def test_a_letter_says_which_machine_has_the_log(app, post):
    end(watched(LETTER))
    with transaction() as session:
        session.scalars(select(Attempt)).one().node = "strange"
        session.add(Node(id="strange", host="mill-2", mark="", seen_at=nodes.moment()))
    rounds()
    assert "The log is on the machine that performed it: mill-2." in post.letters[0].get_content()


@pytest.mark.parametrize("name", ["x\u2028Bcc: eve@example.org", "x\x0bBcc: eve@example.org", "x Bcc: eve@example.org"])
def test_no_value_begins_another_header(app, post, name):
    end(watched(LETTER | {"subject_template": "{{rule_name}} {{task_name}}"}))
    choose.choose()
    deliveries()[0].values = deliveries()[0].values | {"task_name": name.replace("\u2028", "\r\n")}
    db.session.commit()
    rounds()
    (letter,) = post.letters
    assert letter["Bcc"] is None and "eve@example.org" in letter["Subject"]


def test_a_server_that_is_busy_is_asked_again_later(app, post, clock):
    post.refusals.append("451 later")
    end(watched(LETTER))
    rounds()
    assert (deliveries()[0].status, deliveries()[0].code, post.letters) == ("pending", 451, [])
    clock.move(seconds=31)
    rounds()
    assert (deliveries()[0].status, deliveries()[0].attempts, len(post.letters)) == ("sent", 2, 1)


def test_one_who_is_unknown_there_is_given_up_at_once(app, post):
    post.refusals.append("550 nobody here")
    end(watched(LETTER))
    rounds()
    assert (deliveries()[0].status, deliveries()[0].answer) == ("failed", "nobody here")


def test_after_five_tries_it_is_given_up(app, post, clock):
    post.refusals += ["451 later"] * 9
    end(watched(LETTER))
    for _ in range(9):
        rounds()
        clock.move(hours=1)
    assert (deliveries()[0].status, deliveries()[0].attempts) == ("failed", 5)


def test_no_mail_server_is_said_so(app):
    end(watched(LETTER))
    rounds()
    assert deliveries()[0].status == "failed" and "smtp_host" in deliveries()[0].answer


def test_a_request_is_signed_over_time_and_body(app, post, hooks, ada):
    hook = {"url": hooks.url, "secret": "s3cret", "headers": {"X-Room": "7"}}
    channel_verbs.create(as_actor(ada), {"name": "hook", "type": "webhook", "config": hook})
    rule_verbs.create(as_actor(ada), {"scope": "all"}, {"triggers": ["technical_failure"], "channels": [{"channel": "hook"}]})
    end(make_task(name="Night"))
    rounds()
    ((_, headers, body),) = hooks.requests
    signed = hmac.new(b"s3cret", headers["X-Scheduler-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Scheduler-Signature"] == f"sha256={signed}"
    assert (headers["X-Room"], json.loads(body)["task_name"]) == ("7", "Night")


def test_the_secret_is_nowhere_in_the_database(app, post, hooks, ada):
    channel_verbs.create(as_actor(ada), {"name": "hook", "type": "webhook", "config": {"url": hooks.url, "secret": "s3cret"}})
    rule_verbs.create(as_actor(ada), {"scope": "all"}, {"triggers": ["technical_failure"], "channels": [{"channel": "hook"}]})
    end(make_task())
    rounds()
    found = [str(db.session.execute(table.select()).all()) for table in db.metadata.sorted_tables]
    assert not any("s3cret" in rows for rows in found) and len(hooks.requests) == 1


def test_a_redirect_is_not_followed(app, post, hooks):
    hooks.answers.append(302)
    end(watched({"type": "webhook", "url": hooks.url}))
    rounds()
    assert (deliveries()[0].status, deliveries()[0].code, len(hooks.requests)) == ("failed", 302, 1)


def test_this_machine_is_not_asked_unless_that_is_allowed(app, hooks):
    end(watched({"type": "webhook", "url": hooks.url}))
    rounds()
    assert deliveries()[0].status == "failed" and "outgoing_allow" in deliveries()[0].answer and hooks.requests == []


def test_a_message_is_there_once_and_not_for_strangers(app, ada, mallory):
    task = watched({"type": "inbox", "users": ["ada", "mallory"]})
    end(task)
    choose.choose()
    (job, other) = deliver.claim()
    assert deliver.perform(job).ok and deliver.perform(job).ok
    assert not deliver.perform(other).ok
    assert [message.user_id for message in db.session.scalars(db.select(Message))] == [ada.id]


def test_what_is_too_much_for_an_hour_comes_as_one_summary(app, post, clock):
    per_hour(2)
    task = watched(LETTER)
    for _ in range(6):
        end(task)
        rounds()
    assert [row.status for row in deliveries()] == ["sent", "sent"] + ["pending"] * 4
    clock.move(minutes=61)
    rounds()
    assert [row.status for row in deliveries()] == ["sent"] * 3 + ["folded"] * 3
    assert post.letters[2]["Subject"] == "4 notifications" and post.letters[2].get_content().count("Night: ") == 3


def test_a_rules_own_limit_holds_for_that_rule(app, post):
    task = watched(LETTER, throttle_per_hour=1)
    for _ in range(3):
        end(task)
    rounds()
    assert [row.status for row in deliveries()] == ["sent", "pending", "pending"]


def test_one_that_was_begun_and_of_which_nothing_came_is_tried_again(app, post, clock):
    end(watched(LETTER))
    choose.choose()
    assert len(deliver.claim()) == 1 and deliver.claim() == []
    clock.move(seconds=91)
    assert len(deliver.claim()) == 1


def test_one_that_was_sent_but_not_written_down_goes_again_under_the_same_name(app, post, clock):
    end(watched(LETTER))
    choose.choose()
    [job] = deliver.claim()
    deliver.perform(job)  # and the process dies here
    clock.at += deliver.LEASE
    rounds()
    assert len(post.letters) == 2 and len({letter["Message-ID"] for letter in post.letters}) == 1


def test_a_password_does_not_go_over_a_line_others_can_read(app, post):
    now = config.settings()
    email = now.notification.email.model_copy(update={"smtp_user": "u", "smtp_password": "p"})
    config.use(now.model_copy(update={"notification": now.notification.model_copy(update={"email": email})}))
    end(watched(LETTER))
    rounds()
    assert "STARTTLS" in deliveries()[0].answer and post.letters == []


def test_what_is_older_than_runs_may_become_is_removed(app, clock):
    end(watched({"type": "inbox", "users": ["ada"]}))
    rounds()
    clock.move(days=29)
    outbox.forget()
    assert len(deliveries()) == 1
    clock.move(days=2)
    outbox.forget()
    assert deliveries() == [] and db.session.scalars(db.select(Message)).all() == []
