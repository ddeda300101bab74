"""The pages of notifications: rules as sentences, channels with their test, deliveries, the inbox with its bell."""

import re

import pytest

from scheduler.notify import channel_verbs, choose, deliver, rule_verbs
from tests.factories import as_actor, make_task
from tests.notify.conftest import end, post, watched

__all__ = ["post"]
INBOX = {"type": "inbox", "users": ["ada"]}
RULE = {"name": "All failures", "triggers": ["technical_failure"], "threshold": 3, "channels": [INBOX]}
FORM = {"scope": "all", "name": "Mine", "enabled": "1", "triggers": ["lost"], "threshold": "2", "users": "ada\r\nowner\r\n"}


def sent(browser, path, **form):
    return browser.post(path, data={**form, "csrf_token": browser.token}, follow_redirects=True)


def told(app):
    choose.choose()
    deliver.record([(job.id, deliver.perform(job)) for job in deliver.claim()])


def plain(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_without_any_rule_it_says_what_that_means(sign_in):
    assert "nobody hears of failures" in sign_in("ada").get("/notifications").text


def test_a_rule_reads_as_a_sentence(sign_in, ada):
    rule_verbs.create(as_actor(ada), {"scope": "all"}, RULE | {"throttle_per_hour": 1})
    page = plain(sign_in("victor").get("/notifications"))
    assert "Technical failure, 3 in a row" in page and "at most 1 an hour" in page


def test_a_rule_is_made_by_the_form_and_shown_in_it(sign_in, ada):
    browser = sign_in("ada")
    assert "Mine" in sent(browser, "/notifications/rules/new", **FORM).text
    (known,) = rule_verbs.listed(as_actor(ada))
    assert known.rule.terms["channels"] == [{"type": "inbox", "users": ["ada", "owner"]}]
    form = browser.get(f"/notifications/rules/{known.rule.id}").text
    assert 'value="lost" checked' in form and "ada\nowner" in form


def test_saving_the_form_keeps_what_it_does_not_show(sign_in, ada):
    letter = {"type": "email", "recipients": ["a@example.org"], "subject_template": "{{task_name}}"}
    hook = {"type": "webhook", "url": "https://hook.example.org/"}
    known = rule_verbs.create(as_actor(ada), {"scope": "all"}, RULE | {"channels": [letter, hook]})
    changed = FORM | {"users": "", "recipients": "b@example.org", "version": "1"}
    sent(sign_in("ada"), f"/notifications/rules/{known.rule.id}", **changed)
    assert rule_verbs.listed(as_actor(ada))[0].rule.terms["channels"] == [letter | {"recipients": ["b@example.org"]}, hook]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"triggers": []}, "triggers"),
        ({"threshold": "two"}, "threshold"),
        ({"users": ""}, "channels"),
        ({"scope": "task"}, "task"),
    ],
)
def test_a_wrong_rule_comes_back_with_what_is_wrong(sign_in, wrong, field):
    answer = sent(sign_in("ada"), "/notifications/rules/new", **(FORM | wrong))
    assert answer.status_code == 422 and f'href="#field-{field}"' in answer.text and 'value="Mine"' in answer.text


def test_an_editor_has_no_rules_for_everything_and_no_form_of_one(sign_in, ada):
    known = rule_verbs.create(as_actor(ada), {"scope": "all"}, RULE)
    edith = sign_in("edith")
    assert sent(edith, "/notifications/rules/new", **FORM).status_code == 403
    assert edith.get(f"/notifications/rules/{known.rule.id}").status_code == 404


def test_a_channel_is_made_and_its_secret_is_shown_nowhere(sign_in):
    browser = sign_in("ada")
    form = {"name": "chat", "url": "https://x.example.org/", "method": "POST", "secret": "s3cret", "enabled": "1"}
    page = sent(browser, "/notifications/channels/new/webhook", **form).text
    assert "Send a test" in page and "s3cret" not in page
    assert "s3cret" not in sent(browser, "/notifications/channels/new/webhook", **form | {"name": ""}).text


def test_a_test_shows_the_real_answer(sign_in, ada, post):
    post.refusals.append("550 nobody here")
    config = {"recipients": ["a@example.org"]}
    channel = channel_verbs.create(as_actor(ada), {"name": "ops", "type": "email", "config": config})
    assert "550 nobody here" in plain(sent(sign_in("ada"), f"/notifications/channels/{channel.id}/test"))


def test_deliveries_say_why_they_failed_and_are_tried_again(sign_in, app, hooks):
    end(watched({"type": "webhook", "url": hooks.url}))
    told(app)
    browser = sign_in("ada")
    page = browser.get("/notifications?tab=deliveries&status=failed").text
    assert "outgoing_allow" in page and "Try again" in page
    assert "Waiting" in sent(browser, "/notifications/deliveries/1/again").text


def test_a_stranger_sees_no_deliveries_of_others(sign_in, app):
    end(watched(INBOX))
    told(app)
    assert "Nothing was sent yet" in sign_in("mallory").get("/notifications?tab=deliveries").text


def test_the_bell_counts_what_is_unread_until_it_is_read(sign_in, app):
    end(watched(INBOX, name="Night & day"))
    told(app)
    browser = sign_in("ada")
    page = browser.get("/inbox").text
    assert "1 unread message" in page and "Night &amp; day" in page
    assert "0 unread messages" in sent(browser, "/inbox/read").text


def test_nobody_reads_anothers_messages(sign_in, app):
    end(watched(INBOX))
    told(app)
    edith = sign_in("edith")
    assert "No messages." in edith.get("/inbox").text
    assert edith.post("/inbox/read", data={"id": "1", "csrf_token": edith.token}).status_code == 404


def test_a_tasks_page_shows_the_rules_its_runs_meet(sign_in, ada):
    task = watched(INBOX, name="carried")
    rule_verbs.create(as_actor(ada), {"scope": "all"}, RULE)
    rule_verbs.create(as_actor(ada), {"scope": "task", "task": make_task().key}, RULE | {"name": "another's"})
    page = sign_in("victor").get(f"/tasks/{task.id}?tab=notify").text
    assert "A rule of the task itself" in page and "All failures" in page and "another&#39;s" not in page
