"""What every test may ask for: an application on a fresh database, a clock that stands still, and people with names."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher
from flask import Flask, g, has_app_context, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from scheduler import clock as clock_module
from scheduler import config, create_app
from scheduler.accounts import passwords, sessions
from scheduler.accounts.models import SignIn, User
from scheduler.accounts.passwords import hashed
from scheduler.database import db, table
from scheduler.tasks import groups
from scheduler.web import access
from tests import postgresql, warm
from tests.receivers import Hooks, Mail, listening
from tests.servers import private_database

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
PASSWORD = "correct horse battery"
PEOPLE = {
    "ada": "administrator",
    "edith": "editor",
    "oscar": "operator",
    "victor": "viewer",
    "mallory": "editor",  # the stranger: as able as Edith, owner of nothing, limited to groups and granted none
}
SIGN_INS = table(SignIn)
WHO = db.select(User.id).where(User.username == db.bindparam("username"), User.active).scalar_subquery()
BEGIN = SIGN_INS.insert().values(user_id=WHO).returning(SIGN_INS.c.user_id)


def pytest_configure(config: pytest.Config) -> None:
    """Without the slow tests fewer random examples are tried, too."""
    hypothesis.settings.register_profile("fast", max_examples=15)
    if "not slow" in config.option.markexpr:
        hypothesis.settings.load_profile("fast")


def pytest_collection_finish() -> None:
    """What is imported stays to the end: looking through it for garbage again and again took a twelfth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def pytest_unconfigure() -> None:
    warm.stop()
    postgresql.stop()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where no browser is wanted, nothing is imported for one."""
    return True if collection_path.name == "browser" and "not browser" in config.option.markexpr else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes runs only when asked for by its mark; what no database has a part in is not run on a second one."""
    for item in items:
        if "perform" in getattr(item, "fixturenames", ()):  # each starts a process
            item.add_marker("slow")
    if "soak" not in config.option.markexpr:
        _deselect(config, items, lambda item: item.get_closest_marker("soak") is not None)
    if os.environ.get("TEST_DATABASE") == "postgresql":
        _deselect(config, items, lambda item: not _has_database(item))


def _deselect(config: pytest.Config, items: list[pytest.Item], unwanted: Callable[[pytest.Item], bool]) -> None:
    left_out = [item for item in items if unwanted(item)]
    items[:] = [item for item in items if not unwanted(item)]
    config.hook.pytest_deselected(items=left_out)


def _has_database(item: pytest.Item) -> bool:
    """Whether one of the test's fixtures, or of theirs, makes a private database, and it matters to the test which."""
    assert isinstance(item, pytest.Function)
    makers = (maker.func for makers in item._fixtureinfo.name2fixturedefs.values() for maker in makers)
    if item.get_closest_marker("any_database"):
        return False
    return any("private_database" in maker.__code__.co_names for maker in makers if hasattr(maker, "__code__"))


class FrozenClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self.elapsed = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed

    def move(self, **by: float) -> datetime:
        """Let time pass: `clock.move(minutes=5)`."""
        step = timedelta(**by)
        self.at += step
        self.elapsed += step.total_seconds()
        return self.at


class Browser(FlaskClient):
    """A client whose every request has an application context of its own, as on a server; afterwards the test reads afresh."""

    token = ""  # what its forms carry, where `sign_in` made it

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        with self.application.app_context():
            answer = super().open(*args, **kwargs)
        if has_app_context():
            db.session.rollback()
        return answer


@pytest.fixture(autouse=True)
def clock() -> Iterator[FrozenClock]:
    frozen = FrozenClock()
    before = clock_module.use(frozen)
    yield frozen
    clock_module.use(before)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each template is compiled once, whatever applications and workers the tests make of it."""
    folder = tmp_path_factory.getbasetemp()
    shared = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "templates"  # by all workers of this run
    shared.mkdir(exist_ok=True)
    cache = FileSystemBytecodeCache(str(shared))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", cache)
        yield


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, compiled: None) -> Iterator[tuple[Flask, Callable[[], None]]]:
    """One application for the session, and what gives it an empty folder and a database holding only the people and group 1."""
    instance = tmp_path_factory.mktemp("instance")
    with private_database(instance) as database, pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(passwords, "_nobodys", hashed("nobody's own"))
        settings = config.Settings(
            instance=instance,
            engine=config.Engine(timezone="Asia/Shanghai", min_interval_seconds=1),
            storage=config.Storage(database=config.Database(url=database.url)),
            server=config.Server(language="en"),
        )
        app = create_app(settings)
        app.testing = True
        app.test_client_class = Browser
        with app.app_context():
            db.create_all()
            groups.ensure_default()
            for name, role in PEOPLE.items():
                person = User(username=name, role=role, password_hash=hashed(PASSWORD), created_at=NOON, language="en")
                person.limited_to_groups = name == "mallory"
                db.session.add(person)
            db.session.commit()
            db.engine.dispose()
            database.keep()
        own = {*instance.iterdir(), *(instance / "keys").iterdir()}

        def fresh() -> None:
            with app.app_context():
                if db.engine.pool.checkedout():
                    db.engine.dispose()
                if not database.restore():
                    db.engine.dispose()
                    database.renew()
            for path in {*instance.iterdir(), *(instance / "keys").iterdir()} - own:  # a heartbeat, logs, a first password
                shutil.rmtree(path) if path.is_dir() else path.unlink()

        yield app, fresh


@pytest.fixture
def app(served: tuple[Flask, Callable[[], None]], clock: FrozenClock) -> Iterator[Flask]:
    """The application inside its context, on a database nobody else has written to."""
    application, fresh = served
    fresh()
    with application.app_context():
        yield application


@pytest.fixture
def instance(app: Flask) -> Path:
    return config.settings().instance


def _person(name: str) -> Callable[..., User]:
    @pytest.fixture(name=name)
    def person(app: Flask) -> User:
        return db.session.execute(db.select(User).filter_by(username=name)).scalar_one()

    return person


ada, edith, oscar, victor, mallory = map(_person, PEOPLE)


@pytest.fixture(scope="session")
def session_of(served: tuple[Flask, Callable[[], None]]) -> Callable[[str], tuple[str, str]]:
    """The cookie of a browser signed in by a sign-in of that id, and the token its forms carry; made once for all tests."""
    app, _ = served

    @cache
    def made(sign_in_id: str) -> tuple[str, str]:
        with app.app_context(), app.test_request_context():  # a context of its own: another's would lend its token
            access.begin(db.session.get_one(SignIn, sign_in_id))
            g.pop("csrf_token", None)  # a test's context outlives the request: it may hold somebody else's
            token = generate_csrf()
            answer = app.make_response("")
            app.session_interface.save_session(app, session, answer)
        return answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2], token

    return made


@pytest.fixture
def sign_in(app: Flask, session_of: Callable[[str], tuple[str, str]]) -> Callable[[str], FlaskClient]:
    """A browser signed in as somebody, though not by the form: `sign_in("ada").get("/tasks")`."""
    numbers: Counter[str] = Counter()

    def browser(username: str) -> FlaskClient:
        numbers[username] += 1
        begun = begin(f"{username} {numbers[username]}", username, "browser")
        client = app.test_client()
        cookie, client.token = session_of(begun.id)
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie)
        return client

    return browser


def begin(sign_in_id: str, username: str, origin: str) -> SignIn:
    """Somebody's sign-in of that id, begun without a password."""
    now = clock_module.now()
    begun = {"id": sign_in_id, "origin": origin, "address": "127.0.0.1", "agent": ""}
    row = begun | {"username": username, "created_at": now, "expires_at": now + sessions.lifetime()}
    found = SignIn(**begun, user_id=db.session.execute(BEGIN, row).scalar_one())
    db.session.commit()
    return found


def token_in(page: str) -> str:
    """The CSRF token a page carries in its head."""
    return page.partition('name="csrf-token" content="')[2].partition('"')[0]


@pytest.fixture
def mail() -> Iterator[Mail]:
    """A mail server that keeps what it gets."""
    with listening(Mail()) as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """An HTTP server that keeps what it is sent."""
    with listening(Hooks()) as server:
        yield server
