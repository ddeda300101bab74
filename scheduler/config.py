"""Every setting: its default, its check, its environment variable. Where settings are used is the users' business."""

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from tzlocal import get_localzone_name

from scheduler.errors import N_, ConfigError, Problem
from scheduler.validation import Refusal, problems

PREFIX = "SCHEDULER_"
Strings = tuple[str, ...]


class Section(BaseModel):
    """One level of the configuration: unknown keys are refused by name, values cannot change after start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def no_truth_for_numbers(cls, value: Any, field: ValidationInfo) -> Any:
        """Python, and so pydantic, counts true as 1; who writes `max_workers: yes` did not mean one."""
        if isinstance(value, bool) and cls.model_fields[field.field_name or ""].annotation is not bool:
            raise Refusal(N_("This must not be true or false."))
        return value


class Celery(Section):
    broker: str = Field("redis://127.0.0.1:6379/0", repr=False)  # may hold a password: no refusal repeats it
    queue: str = Field("scheduler", min_length=1, max_length=100)

    @field_validator("broker")
    @classmethod
    def address(cls, url: str) -> str:
        refusal = Refusal(N_("This is not the address of a broker, as redis://127.0.0.1:6379/0 is."))
        if not re.match(r"[a-z][a-z0-9+]*://", url):
            raise refusal
        try:
            _ = urlsplit(url).port
        except ValueError:  # a password with a slash in it, and the port is a part of the password
            raise refusal from None
        return url


class Engine(Section):
    type: Literal["apscheduler", "celery"] = "apscheduler"
    timezone: str = Field(default_factory=lambda: get_localzone_name() or "UTC")
    max_workers: int = Field(10, ge=1, le=10_000)
    min_interval_seconds: int = Field(60, ge=1, le=86_400)
    celery: Celery = Celery()

    @field_validator("type")
    @classmethod
    def installed(cls, name: str) -> str:
        if name == "celery" and find_spec("celery") is None:
            raise Refusal(N_("Celery is not installed here: pip install -r requirements-celery.txt"))
        return name

    @field_validator("timezone")
    @classmethod
    def known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {name!r}") from error
        return name


class Retry(Section):
    enabled: bool = True
    max_attempts: int = Field(3, ge=0, le=100)
    delay: int = Field(60, ge=0, le=86_400)


class Concurrency(Section):
    max_concurrent: int = Field(10, ge=1, le=10_000)


class Execution(Section):
    timeout: int = Field(3600, ge=1)
    retry: Retry = Retry()
    concurrency: Concurrency = Concurrency()
    kill_grace_seconds: int = Field(10, ge=0, le=3600)
    log_max_bytes: int = Field(104_857_600, ge=65_536)
    allow_absolute_programs: bool = False
    run_as: str = ""


class History(Section):
    retention_days: int = Field(30, ge=1)
    max_records: int = Field(10_000, ge=1)
    trash_days: int = Field(30, ge=1)
    workspace_hours: int = Field(24, ge=1)
    engine_log_days: int = Field(30, ge=1, le=3650)


class Email(Section):
    enabled: bool = False
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = ""
    from_address: str = ""
    security: Literal["auto", "starttls", "ssl", "none"] = "auto"
    verify_tls: bool = True


class Webhook(Section):
    enabled: bool = False
    default_url: str = ""


class Notification(Section):
    email: Email = Email()
    webhook: Webhook = Webhook()
    per_hour: int = Field(20, ge=1, le=10_000)


class Database(Section):
    url: str = "sqlite:///scheduler.db"


class Storage(Section):
    type: Literal["database"] = "database"
    database: Database = Database()


class Server(Section):
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65_535)
    threads: int = Field(16, ge=2, le=1000)
    language: Literal["zh", "en"] = "zh"
    url: str = ""
    trusted_proxies: int = Field(0, ge=0, le=10)
    path_prefix: str = ""


class Security(Section):
    session_hours: int = Field(12, ge=1, le=8760)
    allowed_kinds: Strings = ()
    command_deny: Strings = ()
    metrics_from: Strings = ()
    outgoing_allow: Strings = ()
    outgoing_deny: Strings = ()

    @field_validator("command_deny")
    @classmethod
    def patterns(cls, found: Strings) -> Strings:
        for pattern in found:
            try:
                re.compile(pattern)
            except re.error as error:
                raise Refusal(N_("“%(pattern)s” is not a pattern: %(reason)s."), pattern=pattern, reason=str(error)) from error
        return found

    @field_validator("metrics_from", "outgoing_allow", "outgoing_deny")
    @classmethod
    def networks(cls, found: Strings) -> Strings:
        for network in found:
            try:
                ip_network(network, strict=False)
            except ValueError as error:
                raise Refusal(N_("“%(network)s” is not a network, as 10.0.0.0/8 is."), network=network) from error
        return found


class Settings(Section):
    """The whole configuration, checked; `instance` is the folder everything of this installation lives in."""

    instance: Path = Path("instance")
    engine: Engine = Field(default_factory=Engine)
    execution: Execution = Execution()
    history: History = History()
    notification: Notification = Notification()
    storage: Storage = Storage()
    server: Server = Server()
    security: Security = Security()

    @property
    def handed_over(self) -> bool:
        """Whether workers perform the attempts, and not the node of the daemon that starts them."""
        return self.engine.type == "celery"

    @property
    def most_at_once(self) -> int:
        """How many attempts may go on at once, over all nodes; with workers each keeps to its own `max_workers`."""
        most = self.execution.concurrency.max_concurrent
        return most if self.handed_over else min(self.engine.max_workers, most)

    @property
    def database_url(self) -> str:
        """The database's address; a relative SQLite file is one below the instance folder, and PostgreSQL means psycopg."""
        url = self.storage.database.url
        if url.startswith("sqlite:///") and not url.startswith(("sqlite:////", "sqlite:///:memory:")):
            return f"sqlite:///{(self.instance / url.removeprefix('sqlite:///')).resolve()}"
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


_settings: Settings = Settings()


def settings() -> Settings:
    """The settings in force; the defaults until `use` was called."""
    return _settings


def use(new: Settings) -> Settings:
    """Put `new` in force; answers the settings in force before."""
    global _settings
    before, _settings = _settings, new
    return before


def instance_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where this installation lives: `$SCHEDULER_INSTANCE`, else `instance` below the working directory."""
    return Path((os.environ if environ is None else environ).get("SCHEDULER_INSTANCE") or "instance")


def load(instance: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read `instance/config.yaml` and the `SCHEDULER_…` variables above it.

    `ConfigError` names every unknown key, wrong type and unset `${NAME}`; nothing is put in force.
    """
    environ = os.environ if environ is None else environ
    tree = _expand(_read(instance / "config.yaml"), environ, "")
    for path, value in _overrides(environ):
        _set(tree, path, value)
    if "instance" in tree:
        raise ConfigError.because(N_("There is no such field."), field="instance")
    try:
        return Settings.model_validate({**tree, "instance": instance.resolve()})
    except ValidationError as error:
        raise ConfigError(problems(error)) from error


def _read(path: Path) -> dict[str, Any]:
    """The file's settings: document 000 nests all of them under `scheduler:`; without that word they may stand alone."""
    if not path.exists():
        return {}
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError.because(N_("%(path)s is not YAML: %(reason)s"), path=str(path), reason=str(error)) from error
    if not isinstance(tree, dict):
        raise ConfigError.because(N_("%(path)s must hold settings by name."), path=str(path))
    inner = tree.pop("scheduler", None) or {}
    if not isinstance(inner, dict):
        raise ConfigError.because(N_("It must hold settings by name."), field="scheduler")
    twice = sorted(inner.keys() & tree.keys())
    if twice:
        raise ConfigError(Problem(str(name), N_("It is given twice: inside and outside “scheduler”.")) for name in twice)
    return {**tree, **inner}


def _expand(value: Any, environ: Mapping[str, str], path: str) -> Any:
    """Replace each `${NAME}` in the strings of `value` by the environment's."""
    if isinstance(value, dict):
        return {key: _expand(inner, environ, f"{path}.{key}".lstrip(".")) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expand(inner, environ, path) for inner in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        if match[1] not in environ:
            text = N_("The environment variable %(name)s it refers to is not set.")
            raise ConfigError.because(text, field=path, name=match[1])
        return environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", look_up, value)


def _overrides(environ: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """Variables with `__` in their name are settings; a task's own SCHEDULER_… variables never have it."""
    return [
        (name.removeprefix(PREFIX).lower().split("__"), value)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and "__" in name
    ]


def _set(tree: dict[str, Any], path: list[str], value: str) -> None:
    """Set one leaf; a setting that is a list takes comma-separated text."""
    for name in path[:-1]:
        inner = tree.get(name)
        tree[name] = dict(inner) if isinstance(inner, dict) else {}
        tree = tree[name]
    section = Security.model_fields.get(path[-1]) if path[0] == "security" else None
    is_list = section is not None and section.annotation == Strings
    tree[path[-1]] = [part.strip() for part in value.split(",") if part.strip()] if is_list else value
