"""Logs over the API: the document's two files, lines with their time and stream, searches, and the text itself."""

import pytest

from scheduler import nodes
from scheduler.database import transaction
from scheduler.nodes import Node
from scheduler.runs.logformat import STDERR
from scheduler.runs.models import Attempt
from tests.api.conftest import end, fields, prints

MIXED = (b"INFO start\n", (STDERR, b"ERROR no disk\n"), b"half\n", (STDERR, b"second\n"), b"WARN late\n")


@pytest.fixture
def logged(ada_calls, app, instance):
    """The path of an execution that has printed on both streams."""
    ada_calls.make()
    execution = ada_calls.run()
    prints(instance, 1, *MIXED)
    end(app, 1)
    return f"/executions/{execution}"


def test_it_gives_each_of_the_documents_two_logs(ada_calls, logged):
    output = ada_calls.data(f"{logged}/logs/file?log_type=output&lines=100")
    assert (output["content"], output["lines_count"]) == (["INFO start", "half", "WARN late"], 3)
    error = ada_calls.data(f"{logged}/logs/file?log_type=error&lines=1")
    assert (error["content"], error["lines_count"], error["file_size"]) == (["second"], 2, 47)


def test_it_gives_the_last_lines_of_a_long_log(ada_calls, app, instance):
    ada_calls.make()
    execution = ada_calls.run()
    prints(instance, 1, b"".join(b"%d\n" % number for number in range(1, 15_001)))
    end(app, 1)
    found = ada_calls.data(f"/executions/{execution}/logs/file?lines=3")
    assert (found["content"], found["lines_count"]) == (["14998", "14999", "15000"], 15_000)
    assert len(ada_calls.data(f"/executions/{execution}/logs/file")["content"]) == 10_000


def test_it_gives_lines_with_level_and_stream(ada_calls, logged):
    found = ada_calls.data(f"{logged}/logs")
    assert [(line["number"], line["stream"], line["level"]) for line in found["lines"][:2]] == [
        (1, "stdout", "INFO"),
        (2, "stderr", "ERROR"),
    ]
    assert found["total"] == 5 and found["complete"] and found["attempt"] == 1
    assert found["lines"][0]["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("after=3", [4, 5]),
        ("limit=2", [4, 5]),
        ("after=0&limit=2", [1, 2]),
        ("stream=stderr", [2, 4]),
        ("level=error", [2]),
        ("level=WARNING", [5]),
        ("q=HALF", [3]),
        ("q=a&after=1", [3, 5]),
        ("since=2000-01-01", [1, 2, 3, 4, 5]),
        ("until=2000-01-01", []),
        ("until=9999-12-31", [1, 2, 3, 4, 5]),
    ],
)
def test_it_finds_lines(ada_calls, logged, query, numbers):
    assert [line["number"] for line in ada_calls.data(f"{logged}/logs?{query}")["lines"]] == numbers


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/logs?level=LOUD", "level"),
        ("/logs?stream=output", "stream"),
        ("/logs?limit=10001", "limit"),
        ("/logs?attempt=2", "attempt"),
        ("/logs?after=-2", "after"),
        ("/logs/file?log_type=both", "log_type"),
        ("/logs/file?lines=10001", "lines"),
        ("/logs/file?lines=0", "lines"),
    ],
)
def test_it_refuses_a_question_that_makes_no_sense(ada_calls, logged, path, field):
    refused = ada_calls.get(logged + path)
    assert (refused.status_code, fields(refused)) == (400, [field])


def test_it_sends_the_text_itself_as_a_file(ada_calls, logged):
    sent = ada_calls.get(f"{logged}/logs/download")
    assert sent.data == b"INFO start\nERROR no disk\nhalf\nsecond\nWARN late\n"
    assert sent.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert sent.headers["Content-Disposition"].startswith('attachment; filename="exec-')


def test_it_keeps_the_log_of_each_attempt(ada_calls, app, instance):
    ada_calls.make(retry_count=1, retry_delay_seconds=0)
    execution = ada_calls.run()
    for attempt in (1, 2):
        prints(instance, 1, b"try %d\n" % attempt, attempt=attempt)
        end(app, 1, 2)
    assert ada_calls.get(f"/executions/{execution}/logs/download").data == b"try 2\n"
    assert ada_calls.data(f"/executions/{execution}/logs?attempt=1")["lines"][0]["message"] == "try 1"


def test_a_run_that_printed_nothing_has_an_empty_log(ada_calls):
    ada_calls.make()
    execution = ada_calls.run()
    assert ada_calls.data(f"/executions/{execution}/logs")["lines"] == []
    assert ada_calls.data(f"/executions/{execution}/logs/file")["content"] == []
    assert ada_calls.get(f"/executions/{execution}/logs/download").data == b""


@pytest.fixture
def away(ada_calls, app):
    """An execution whose attempt another node has performed: its log is not in our folder."""
    ada_calls.make(key="copy")
    execution = ada_calls.run("copy")
    end(app, 1)
    with transaction() as session:
        session.get_one(Attempt, (1, 1)).node = "strange"
        session.add(Node(id="strange", host="mill-2", mark="", seen_at=nodes.moment()))
    return execution


@pytest.mark.parametrize("what", ["", "/file", "?q=error&stream=stderr", "?after=3"])
def test_it_names_the_machine_that_has_the_log(ada_calls, away, what):
    answer = ada_calls.get(f"/executions/{away}/logs{what}").json
    assert answer["data"]["on_host"] == "mill-2" and "on the machine that performed it: mill-2" in answer["message"]


@pytest.mark.parametrize("path", ["/executions/{}/logs/download", "/api/tasks/copy/logs/download?execution_id={}"])
def test_a_log_of_another_machine_cannot_be_downloaded_here(ada_calls, away, path):
    answer = ada_calls.get(path.format(away))
    assert answer.status_code == 409 and "performed it: mill-2" in answer.text


@pytest.mark.parametrize("path", ["/api/scheduler/executions/{}/logs", "/api/tasks/copy/logs?execution_id={}&level=ERROR"])
def test_the_other_faces_say_it_in_the_line_that_stands_for_missing_output(ada_calls, away, path):
    (line,) = ada_calls.get(path.format(away)).json["logs"]
    assert (line["stream"], line["level"]) == ("gap", "WARN") and "performed it: mill-2" in line["message"]


def test_an_execution_s_output_says_it_too(ada_calls, away):
    assert "performed it: mill-2.]" in ada_calls.get(f"/api/scheduler/executions/{away}").json["output"]


def test_nobody_is_told_where_a_log_is_that_they_may_not_read(program, away):
    for path in ("/executions/{}/logs", "/executions/{}/logs/download", "/api/scheduler/executions/{}/logs"):
        answer = program("mallory").get(path.format(away))
        assert answer.status_code in (403, 404) and "mill-2" not in answer.text


def test_a_log_that_came_here_is_read(ada_calls, away, instance):
    prints(instance, 1, b"all well\n")
    found = ada_calls.data(f"/executions/{away}/logs")
    assert (found["on_host"], found["lines"][0]["message"]) == (None, "all well")
    assert ada_calls.get(f"/executions/{away}/logs/download").data == b"all well\n"
