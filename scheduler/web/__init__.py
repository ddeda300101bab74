"""The pages people see: one file for each resource, and what they share; the same verbs as every other face, no decisions."""

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_wtf import CSRFProtect

from scheduler import gate
from scheduler.web import (
    access,
    account,
    account_keys,
    appearance,
    bulk,
    cloning,
    enabling,
    failures,
    graph,
    headers,
    heartbeat,
    importing,
    pausing,
    queue,
    recipe_editing,
    recipe_gallery,
    recipe_using,
    reference,
    rendering,
    run_log,
    run_page,
    running,
    runs,
    searching,
    secrets,
    signing_in,
    task_editing,
    task_page,
    task_trial,
    task_versions,
    tasks,
    trash,
    trying,
    upkeep,
    users,
    viewer,
    whys,
)

PAGES = (
    signing_in.pages,
    appearance.pages,
    account.pages,
    account_keys.pages,
    users.pages,
    secrets.pages,
    tasks.pages,
    task_editing.pages,
    task_trial.pages,
    running.pages,
    enabling.pages,
    cloning.pages,
    trash.pages,
    bulk.pages,
    importing.pages,
    trying.pages,
    task_page.pages,
    task_versions.pages,
    whys.pages,
    graph.pages,
    runs.pages,
    queue.pages,
    pausing.pages,
    run_page.pages,
    run_log.pages,
    recipe_editing.pages,
    recipe_gallery.pages,
    recipe_using.pages,
    upkeep.pages,
    reference.pages,
    heartbeat.pages,
    searching.pages,
)


def mount(app: Flask) -> None:
    """Give `app` the pages and what they stand on: the gate, languages, headers, the house's look for errors."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_CHECK_DEFAULT=False)  # the gate checks
    app.config.update(SESSION_REFRESH_EACH_REQUEST=False)  # or a cache might keep somebody's cookie with a style sheet
    CSRFProtect(app)
    Babel(app, locale_selector=viewer.language, timezone_selector=lambda: viewer.timezone().key)
    access.install(app)
    for path in ("/", "/api/docs"):
        gate.answer_errors(app, path, failures.answer)
    headers.install(app)
    rendering.install(app)
    app.jinja_env.globals["role_word"] = users.role_word
    app.add_url_rule("/healthz", view_func=healthy)
    app.add_url_rule("/", view_func=home)
    for pages in PAGES:
        app.register_blueprint(pages)


@access.public
def healthy() -> ResponseReturnValue:
    """That this process answers, and nothing else."""
    return "ok", {"Content-Type": "text/plain; charset=utf-8"}


@access.signed_in
def home() -> ResponseReturnValue:
    """The start page is the list of tasks."""
    return redirect(f"{url_for('home')}tasks")
