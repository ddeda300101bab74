"""What the tests of kinds share: running a task's command for real, and a small HTTP server that misbehaves on demand."""

import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from scheduler.kinds import Context, kinds, read

Done = subprocess.CompletedProcess[str]
Perform = Callable[..., Done]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(instance=tmp_path / "instance")


@pytest.fixture
def perform(tmp_path: Path) -> Perform:
    """`perform("shell", command="true")`: the finished process, in a clean environment."""

    def run(kind: str, context: Context | None = None, env: dict[str, str] | None = None, **values: Any) -> Done:
        member = kinds.get(kind)
        command = member.prepare(read(member, values), context or Context(instance=tmp_path))
        folder, work = tmp_path / "attempt", tmp_path / "work"
        for path in (folder, work):
            path.mkdir(exist_ok=True)
        for name, text in command.files.items():
            (folder / name).write_bytes(text.encode())
        clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", **command.env, **(env or {})}
        argv = command.placed(folder)
        return subprocess.run(argv, env=clean, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    return run


class Page(BaseHTTPRequestHandler):
    """Answers by path; `server.seen` keeps the requests."""

    def do_GET(self) -> None:
        seen: list[tuple[str, str, dict[str, str], str]] = self.server.seen  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        seen.append((self.command, self.path, dict(self.headers), body))
        name, _, rest = self.path.strip("/").partition("/")
        getattr(self, f"answer_{name}", self.answer_ok)(rest)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = do_GET

    def answer_ok(self, rest: str) -> None:
        self.send("hello 你好".encode())

    def answer_status(self, rest: str) -> None:
        self.send(b"as asked", int(rest))

    def answer_big(self, rest: str) -> None:
        self.send(b"x" * 3_000_000)

    def answer_redirect(self, rest: str) -> None:
        status, _, target = rest.partition("/")
        self.send(b"", int(status), Location=target if "://" in target else f"/{target}")

    def answer_loop(self, rest: str) -> None:
        self.send(b"", 302, Location="/loop")

    def answer_drip(self, rest: str) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.over.wait(0.1):  # type: ignore[attr-defined]
            self.wfile.write(b".")

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Site(ThreadingHTTPServer):
    """A server on a loopback address of its own, and what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), Page)
        self.seen: list[tuple[str, str, dict[str, str], str]] = []
        self.over = threading.Event()
        self.url = f"http://{host}:{self.server_port}"


@pytest.fixture
def make_site() -> Iterator[Callable[[str], Site]]:
    """`make_site("127.0.0.2")` starts a server there."""
    sites: list[Site] = []

    def start(host: str = "127.0.0.1") -> Site:
        site = Site(host)
        sites.append(site)
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return site

    yield start
    for site in sites:
        site.over.set()
        site.shutdown()
        site.server_close()


@pytest.fixture
def site(make_site: Callable[[str], Site]) -> Site:
    return make_site("127.0.0.1")


@pytest.fixture
def open_context(tmp_path: Path) -> Context:
    """Loopback is open, as an administrator may set it."""
    return Context(instance=tmp_path, outgoing_allow=("127.0.0.0/8",))


@pytest.fixture
def secure_site(site: Site, tmp_path: Path) -> tuple[str, str]:
    """The address of a server with a certificate of its own making, and the file of that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    builder = builder.not_valid_before(yesterday).not_valid_after(yesterday + timedelta(days=2)).add_extension(names, False)
    certificate, private = tmp_path / "site.pem", tmp_path / "site.key"
    certificate.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, private)
    site.socket = tls.wrap_socket(site.socket, server_side=True)
    return site.url.replace("http:", "https:"), str(certificate)
