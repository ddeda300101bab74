"""The command line, and each process on its own: web, daemon, worker, runner, or all in one; decides nothing the verbs do not."""

import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType

import click
import flask_migrate
from flask import Flask, current_app
from flask.cli import AppGroup
from waitress.server import create_server

from scheduler import clock, enginelog, nodes, signals, trouble
from scheduler.accounts import users
from scheduler.accounts.permissions import ROLES, SYSTEM
from scheduler.cli import backups, checks, copies, files, keys, running, unheard
from scheduler.cli.telling import as_json, say, told
from scheduler.config import Settings, settings
from scheduler.daemon.bell import Bell
from scheduler.daemon.process import Daemon
from scheduler.daemon.worker import Worker
from scheduler.errors import N_, ConfigError
from scheduler.execution import launcher
from scheduler.execution.engines import carrier
from scheduler.schedules.preview import Ask, preview
from scheduler.tasks import examples, groups

LARGEST_BODY = 24 * 1024 * 1024  # bytes; what each route takes of it is the application's to say
IDLE = 30  # seconds between looks of the web server at connections nobody uses; requests and signals wake it
STUCK = 70  # exit code of a daemon whose clock stood still, for its service manager to start another
DRAIN = 10.0  # seconds requests under way may take to finish at the end

commands = AppGroup("scheduler", help="Everything Scheduler does besides its pages.")
for command in (*files.COMMANDS, *running.COMMANDS, *backups.COMMANDS, *checks.COMMANDS, *keys.COMMANDS):
    commands.add_command(command)
_log = logging.getLogger("SchedulerEngine")


def serve(app: Flask, web: bool = True, daemon: bool = True) -> None:
    """Migrate, start the parts asked for and stay until SIGTERM or SIGINT; attempts go on without us.

    `Unavailable` when the instance folder cannot be written to, or the database cannot be had.
    """
    _ready(app)
    worker = Daemon(app, alone=not web) if daemon else None
    connect(worker or Bell(app))
    if worker:
        worker.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    place = settings().server.url or f"http://{settings().server.host}:{settings().server.port}"
    _log.info(
        "event=started web=%s daemon=%s pid=%s address=%s instance=%s", web, daemon, os.getpid(), place, settings().instance
    )
    try:
        if web:
            _serve_pages(app)
        elif worker:
            worker.wait()
    except SystemExit:
        _log.debug("event=told_to_leave")
    finally:
        _log.info("event=stopping pid=%s", os.getpid())
        if worker:
            worker.stop()
        _log.info("event=stopped pid=%s", os.getpid())
    if worker and worker.stuck:
        logging.shutdown()
        os._exit(STUCK)  # a thread hangs for good: nothing may wait for it


def work(app: Flask) -> None:
    """Perform what a daemon hands over until SIGTERM or SIGINT; attempts go on without us.

    `ConfigError` when nothing is handed over here.
    """
    found = carrier(settings())
    if found is None:
        raise ConfigError.because(N_("Workers take what is handed over: that is for “celery”."), field="engine.type")
    _ready(app)
    connect(Bell(app))
    worker = Worker(app, found)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    _log.info("event=worker_started pid=%s node=%s instance=%s", os.getpid(), nodes.own(), settings().instance)
    worker.run()
    _log.info("event=stopped pid=%s", os.getpid())
    if worker.stuck:
        logging.shutdown()
        os._exit(STUCK)


def connect(daemon: Daemon | Bell) -> None:
    """Who hears which signal: all of them, on one screen."""
    signals.task_changed.connect(daemon.task_changed, weak=False)
    signals.task_removed.connect(daemon.task_removed, weak=False)
    signals.run_queued.connect(daemon.run_waits, weak=False)
    signals.run_finished.connect(daemon.run_waits, weak=False)
    signals.cancel_requested.connect(daemon.stop_asked, weak=False)


def prepare(now: Settings) -> None:
    """Bring the database up to date; on the first start make the administrator and say how to sign in."""
    with _alone(now.instance / "run" / "prepare.lock"):
        copies.refuse_newer()
        flask_migrate.upgrade()
        groups.ensure_default()
        examples.ship(now.instance)
    password = users.ensure_administrator(os.environ.get("SCHEDULER_ADMIN_PASSWORD"))
    address = now.server.url or f"http://{now.server.host}:{now.server.port}{now.server.path_prefix}/"
    print(f"Scheduler: {address}", flush=True)
    if password:
        print(f"First start. Sign in as  admin  with the one-time password  {password}", flush=True)
    if os.getuid() == 0:
        print("Running as root: tasks run as root too. A user of its own is safer.", file=sys.stderr, flush=True)


def _ready(app: Flask) -> None:
    """What every process begins with."""
    os.umask(0o077)
    trouble.refuse_unwritable(settings().instance)
    enginelog.begin(settings().instance / "logs", settings().history.engine_log_days)
    with app.app_context():
        prepare(settings())


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process of this installation at a time: of two that start together the second finds the tables made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _serve_pages(app: Flask) -> None:
    now = settings().server
    unheard.answer_for(app)
    server = create_server(
        app,
        host=now.host,
        port=now.port,
        threads=now.threads,
        ident=None,
        url_prefix=now.path_prefix,
        max_request_body_size=LARGEST_BODY,
        clear_untrusted_proxy_headers=not now.trusted_proxies,
        asyncore_loop_timeout=IDLE,
    )
    try:
        server.run()
    finally:
        server.task_dispatcher.shutdown(cancel_pending=True, timeout=DRAIN)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


@commands.command("web")
def web_command() -> None:
    """Serve pages and API only."""
    told(lambda: serve(_app(), daemon=False))


@commands.command("daemon")
def daemon_command() -> None:
    """Schedule and start runs only; of several the first leads, the others wait."""
    told(lambda: serve(_app(), web=False))


@commands.command("runner")
def runner_command() -> None:
    """The process that forks supervisors, apart from any daemon."""
    sys.exit(launcher.start_runner(settings().instance, lifeline=False).wait())


@commands.command("worker")
def worker_command() -> None:
    """Perform what a daemon hands over (engine.type: celery); any number of workers, each with its own folder or a daemon's."""
    told(lambda: work(_app()))


@commands.command("create-user")
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), default="viewer")
@as_json
def create_user(username: str, role: str, as_json: bool) -> None:
    """Add somebody; asks for the password."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=as_json)
    values = {"username": username, "role": role, "password": password, "must_change": False}
    made, _ = told(lambda: users.create(SYSTEM, values))
    say({"id": made.id, "username": made.username, "role": made.role}, as_json)


@commands.command("reset-password")
@click.argument("username")
@as_json
def reset_password(username: str, as_json: bool) -> None:
    """Give somebody a new one-time password and end their sign-ins."""
    password = told(lambda: users.reset_password(SYSTEM, username))
    say({"username": username, "password": password}, as_json, password)


@commands.command("demo")
@as_json
def demo(as_json: bool) -> None:
    """Load the example tasks."""
    with current_app.app_context():
        with redirect_stdout(sys.stderr if as_json else sys.stdout):
            prepare(settings())
        made = [task.name for task in told(lambda: examples.load(SYSTEM, str, everything=True))]
    say({"tasks": made}, as_json, *made)


@commands.command("preview")
@click.argument("expression")
@click.option("--timezone", default="")
@click.option("--count", default=10, type=click.IntRange(1, 100))
@as_json
def preview_command(expression: str, timezone: str, count: int, as_json: bool) -> None:
    """When a cron expression is due."""
    ask = Ask("cron", {"cron": expression}, timezone or settings().engine.timezone, count=count, after=clock.now())
    due = [run.local for run in told(lambda: preview(ask)).runs]
    say({"next_runs": [local.isoformat() for local in due]}, as_json, *(f"{local:%Y-%m-%d %H:%M:%S %z}" for local in due))


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]
