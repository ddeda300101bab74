"""The http kind: what it accepts, and its program against a real server."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from scheduler.errors import Invalid
from scheduler.kinds import Context, kinds, read
from tests.kinds.conftest import Perform, Site

Http = kinds.get("http")
SECRET = "s3cret canary"


def refused(**values: object) -> set[str]:
    with pytest.raises(Invalid) as caught:
        read(Http, {"url": "http://example.org", **values})
    return {problem.field for problem in caught.value.problems}


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "file:///etc/passwd", "gopher://x/", "http://", "http:///x",
                                 "http://a b/", "http://a/\r\nX: 1", "http://[::1", "http://x:0/", "http://x:99999/",
                                 "http://me:pw@example.org/", 5, None])  # fmt: skip
def test_it_refuses_what_is_no_address(url: object) -> None:
    assert refused(url=url) == {"url"}


@pytest.mark.parametrize(("field", "values"), [
    ("method", {"method": "TRACE"}),
    ("headers.X-A", {"headers": {"X-A": "1\r\nEvil: 1"}}),
    ("headers.X A", {"headers": {"X A": "1"}}),
    ("headers.Content-Length", {"headers": {"Content-Length": "9"}}),
    ("headers.X-N", {"headers": {"X-N": 5}}),
    ("auth.username", {"auth": {"type": "basic"}}),
    ("auth.username", {"auth": {"type": "basic", "username": "a:b"}}),
    ("auth.token", {"auth": {"type": "bearer"}}),
    ("auth.type", {"auth": {"type": "digest"}}),
    ("auth.user", {"auth": {"user": "x"}}),
    ("expected_status", {"expected_status": []}),
    ("expected_status.1", {"expected_status": [200, "299-200"]}),
    ("expected_status.0", {"expected_status": [True]}),
    ("expected_status.0", {"expected_status": [600]}),
    ("max_redirects", {"max_redirects": 11}),
    ("verify_tls", {"verify_tls": "perhaps"}),
    ("deadline_seconds", {"deadline_seconds": 0}),
    ("body", {"body": "x" * 70_000}),
    ("body", {"body": "\n" * 65_000}),
    ("bdoy", {"bdoy": ""}),
])  # fmt: skip
def test_it_refuses_bad_input_by_field(field: str, values: dict[str, object]) -> None:
    assert refused(**values) == {field}


@pytest.mark.parametrize("given", [[200, "204-299"], ["200", " 204 - 299 "], "200, 204-299"])
def test_it_takes_expected_statuses_in_any_spelling(given: object) -> None:
    assert read(Http, {"url": "http://x", "method": " get", "expected_status": given}).expected_status == (200, "204-299")


def test_it_keeps_secrets_out_of_arguments_files_and_summary(context: Context) -> None:
    auth = {"type": "basic", "username": "me", "password": SECRET}
    content = read(Http, {"url": "https://example.org/a?token=x", "auth": auth, "headers": {"X-Api-Key": "k3y", "X-B": "b"}})
    command = Http.prepare(content, context)
    assert SECRET not in " ".join(command.argv) and command.files == {}
    assert set(command.masks) == {SECRET, base64.b64encode(f"me:{SECRET}".encode()).decode(), "k3y"}
    assert Http.summary(content) == "GET https://example.org/a"


def test_its_largest_request_still_fits_the_environment(perform: Perform, site: Site, open_context: Context) -> None:
    headers = {f"X-{number}": "é" * 2000 for number in range(14)}
    perform("http", open_context, url=site.url, method="POST", body="你" * 21_000, headers=headers)
    assert len(site.seen[0][3]) == 21_000


def test_it_prints_what_came_back(perform: Perform, site: Site, open_context: Context) -> None:
    done = perform("http", open_context, url=f"{site.url}/a?b=1")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == ""
    assert lines[0] == f"GET {site.url}/a?b=1" and lines[1].startswith("200 OK in 0.")
    assert "Content-Type: text/plain" in lines and "hello 你好" in lines and lines[-1] == "::summary 200 OK"


def test_it_sends_method_headers_body_and_credentials(perform: Perform, site: Site, open_context: Context) -> None:
    auth = {"type": "basic", "username": "ü", "password": SECRET}
    done = perform("http", open_context, url=site.url, method="PUT", headers={"X-A": "é"}, body='{"a": "你"}', auth=auth)
    method, _, headers, body = site.seen[0]
    assert (method, body, headers["Content-Type"]) == ("PUT", '{"a": "你"}', "application/json")
    assert base64.b64decode(headers["Authorization"].split()[1]).decode() == f"ü:{SECRET}"
    assert headers["X-A"].encode("latin-1").decode() == "é" and SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(("status", "expected", "code"), [(200, ["200-299"], 0), (404, ["200-299"], 1), (404, [200, 404], 0),
                                                          (503, ["500-599"], 0), (204, [200], 1)])  # fmt: skip
def test_its_exit_code_follows_the_expected_status(
    perform: Perform, site: Site, open_context: Context, status: int, expected: list[object], code: int
) -> None:
    done = perform("http", open_context, url=f"{site.url}/status/{status}", expected_status=expected)
    assert done.returncode == code
    assert done.stderr == ("" if code == 0 else f"The status {status} was not expected.\n")


def test_it_cuts_a_huge_body(perform: Perform, site: Site, open_context: Context) -> None:
    done = perform("http", open_context, url=f"{site.url}/big")
    assert done.returncode == 0 and 1024 * 1024 < len(done.stdout) < 1024 * 1024 + 1000
    assert "only the first megabyte" in done.stdout


def test_it_ends_at_its_deadline_although_the_server_drips(perform: Perform, site: Site, open_context: Context) -> None:
    done = perform("http", open_context, url=f"{site.url}/drip", deadline_seconds=1)
    assert (done.returncode, done.stderr) == (2, "There was no complete answer within 1 s.\n")


def test_its_deadline_is_never_later_than_the_tasks_timeout(open_context: Context) -> None:
    command = Http.prepare(read(Http, {"url": "http://x", "deadline_seconds": 60}), replace(open_context, timeout=5))
    assert json.loads(next(iter(command.env.values())))["deadline_seconds"] == 5


@pytest.mark.parametrize(("url", "words"), [
    ("http://127.0.0.1:1/", "refused"), ("http://name.invalid/", "could not be resolved"),
])  # fmt: skip
def test_it_says_in_one_line_why_there_is_no_answer(perform: Perform, open_context: Context, url: str, words: str) -> None:
    done = perform("http", open_context, url=url)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "0.0.0.0",
                                  "[::1]", "[::]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.169.254"])  # fmt: skip
def test_it_refuses_this_machine_and_metadata_in_every_spelling(perform: Perform, site: Site, host: str) -> None:
    done = perform("http", url=f"http://{host}:{site.server_port}/")
    assert done.returncode == 2 and site.seen == [] and "security.outgoing_allow does not open" in done.stderr


def test_it_refuses_forbidden_numbers_on_save(context: Context, open_context: Context) -> None:
    for url in ("http://127.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/"):
        assert [problem.field for problem in Http.check(read(Http, {"url": url}), context)] == ["url"]
    assert Http.check(read(Http, {"url": "http://127.0.0.1/"}), open_context) == []
    assert Http.check(read(Http, {"url": "http://10.0.0.1/"}), context) == []


def test_it_ignores_proxies_and_netrc_of_the_environment(perform: Perform, site: Site, open_context: Context) -> None:
    done = perform(
        "http", open_context, url=site.url, env={"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}
    )
    assert done.returncode == 0


def test_it_follows_redirects_up_to_its_limit(perform: Perform, site: Site, open_context: Context) -> None:
    done = perform("http", open_context, url=f"{site.url}/redirect/302/redirect/307/ok")
    assert done.returncode == 0 and f"302 redirected to {site.url}/redirect/307/ok" in done.stdout
    done = perform("http", open_context, url=f"{site.url}/loop", max_redirects=2)
    assert done.returncode == 2 and "more than 2 redirects" in done.stderr


def test_it_shows_a_redirect_when_none_is_to_be_followed(perform: Perform, site: Site, open_context: Context) -> None:
    done = perform("http", open_context, url=f"{site.url}/loop", max_redirects=0, expected_status=[302])
    assert done.returncode == 0 and len(site.seen) == 1


REPEATED = [(302, "GET", ""), (303, "GET", ""), (307, "POST", "x"), (308, "POST", "x")]


@pytest.mark.parametrize(("status", "method", "body"), REPEATED)
def test_it_repeats_a_post_only_where_the_status_says_so(
    perform: Perform, site: Site, open_context: Context, status: int, method: str, body: str
) -> None:
    perform("http", open_context, url=f"{site.url}/redirect/{status}/ok", method="POST", body="x")
    assert (site.seen[1][0], site.seen[1][3]) == (method, body)


def test_it_checks_where_a_redirect_leads(perform: Perform, make_site: Callable[[str], Site], open_context: Context) -> None:
    site, inside = make_site("127.0.0.1"), make_site("127.0.0.2")
    narrow = replace(open_context, outgoing_allow=("127.0.0.1/32",))
    done = perform("http", narrow, url=f"{site.url}/redirect/302/{inside.url}/ok")
    assert done.returncode == 2 and inside.seen == [] and "127.0.0.2" in done.stderr


def test_it_follows_no_redirect_to_another_scheme(perform: Perform, site: Site, open_context: Context) -> None:
    done = perform("http", open_context, url=f"{site.url}/redirect/302/file:///etc/passwd")
    assert done.returncode == 2 and "root:" not in done.stdout


def test_it_gives_no_credentials_to_another_host(
    perform: Perform, make_site: Callable[[str], Site], open_context: Context
) -> None:
    site, other = make_site("127.0.0.1"), make_site("127.0.0.2")
    auth, headers = {"type": "bearer", "token": "t0ken"}, {"X-Api-Key": "k3y", "Cookie": "c=1", "Accept": "text/html"}
    perform("http", open_context, url=f"{site.url}/redirect/307/{other.url}/ok", auth=auth, headers=headers)
    assert site.seen[0][2]["Authorization"] == "Bearer t0ken"
    assert other.seen[0][2]["Accept"] == "text/html"
    assert not {"Authorization", "X-Api-Key", "Cookie"} & set(other.seen[0][2])


def test_it_keeps_credentials_on_the_same_host(perform: Perform, site: Site, open_context: Context) -> None:
    perform("http", open_context, url=f"{site.url}/redirect/302/ok", auth={"type": "bearer", "token": "t0ken"})
    assert site.seen[1][2]["Authorization"] == "Bearer t0ken"


def test_it_verifies_certificates_unless_told_otherwise(
    perform: Perform, secure_site: tuple[str, str], open_context: Context
) -> None:
    url, authority = secure_site
    done = perform("http", open_context, url=url)
    assert done.returncode == 2 and "certificate" in done.stderr and done.stderr.count("\n") == 1
    assert perform("http", open_context, url=url, verify_tls=False).returncode == 0
    assert perform("http", open_context, url=url, env={"REQUESTS_CA_BUNDLE": authority}).returncode == 0
