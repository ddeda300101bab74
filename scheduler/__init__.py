"""The composition root: makes the application, hands it its settings, keys and database, and mounts the faces."""

from datetime import timedelta
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from scheduler import api, config, database, vault, web
from scheduler.accounts import chain, tokens
from scheduler.accounts import keys as api_keys
from scheduler.api import openapi
from scheduler.notify import rule_entries
from scheduler.runs import ledger
from scheduler.tasks import due
from scheduler.tasks.transfer import rule_section
from scheduler.web import reference

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application for one installation; without `settings` those of `$SCHEDULER_INSTANCE` are loaded.

    Raises `ConfigError` when they cannot be used. Starts nothing: see `cli.serve`.
    """
    settings = settings or config.load(config.instance_folder())
    config.use(settings)
    settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    keys = settings.instance / "keys"
    vault.use(vault.open_vault(keys))
    session_key = vault.session_key(keys)
    tokens.use(session_key)
    api_keys.use(session_key)
    chain.use(vault.audit_key(keys))
    app.config.update(
        SECRET_KEY=session_key,
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.security.session_hours),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.server.url.startswith("https:"),
        SESSION_COOKIE_NAME="scheduler",
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,  # the address of a file holds its checksum
        LANGUAGE_DEFAULT=settings.server.language,
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "scheduler" / "translations"),
    )
    if proxies := settings.server.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    database.connect(app, settings.database_url, settings.server.threads + 8)
    due.use(ledger.settle_task)
    rule_section.use(rule_entries)
    web.mount(app)
    api.mount(app)
    reference.use(openapi.document)
    return app
