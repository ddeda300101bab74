"""The pages on users, for administrators: the list, a new one, one to edit, a new password; rules and rights live in accounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from scheduler.accounts import users
from scheduler.accounts.models import User
from scheduler.accounts.permissions import ACTIONS, GRANTABLE, LABELS, ROLES
from scheduler.database import db
from scheduler.errors import N_, Conflict, Invalid, SchedulerError
from scheduler.gate import status_of
from scheduler.tasks.models import Group
from scheduler.web import access, failures
from scheduler.web.rendering import render, toast

pages = Blueprint("users", __name__, url_prefix="/admin/users")

GRANT = "grant-"
WORDS: Mapping[str, str] = {
    "task.see": N_("See tasks, runs and statistics"),
    "log.read": N_("Read and download logs"),
    "task.run": N_("Run now"),
    "task.stop": N_("Stop and retry runs"),
    "task.enable": N_("Enable and disable tasks"),
    "task.create": N_("Create and clone tasks"),
    "task.edit": N_("Edit tasks"),
    "task.delete": N_("Delete and restore tasks"),
    "env.see": N_("See the values of environment variables"),
    "secret.use": N_("Name the secrets of a group in its tasks"),
    "metrics.see": N_("See the system's metrics"),
    "run_as.choose": N_("Choose the machine's user a task runs as, and edit such tasks"),
    "pause.all": N_("Pause and resume everything"),
    "group.manage": N_("Manage groups"),
    "secret.manage": N_("Make, replace and remove secrets"),
    "user.manage": N_("Manage users and roles"),
    "settings.manage": N_("Change settings"),
}


@pages.get("")
@access.allowed("user.manage")
def show_all() -> ResponseReturnValue:
    """Every user, with role and last sign-in, and what each role may do."""
    matrix = [(_(words), [rank >= ROLES.index(ACTIONS[action]) for rank in range(len(ROLES))]) for action, words in WORDS.items()]
    return render("users/page.html", users=users.listed(access.current_actor()), roles=_words(ROLES), matrix=matrix)


@pages.get("/new")
@access.allowed("user.manage")
def new() -> ResponseReturnValue:
    """The form for a new user."""
    return _form({"role": "viewer", "active": True, "grants": {}}, {})


@pages.post("/new")
@access.allowed("user.manage")
def create() -> ResponseReturnValue:
    """Make the user, and show their one-time password: once, here, and never again."""
    given = {**_given(), "username": request.form.get("username", "").strip()}
    try:
        user, password = users.create(access.current_actor(), given)
    except (Invalid, Conflict) as error:
        return _form(given, failures.sentences(error)), _refused(error)
    return render("users/password.html", user=user, password=password)


@pages.get("/<int:user_id>")
@access.allowed("user.manage")
def show(user_id: int) -> ResponseReturnValue:
    """The form for a user who is there."""
    user = users.found(access.current_actor(), user_id)
    return _form({**users.shown(user), "version": user.version, "grants": _grants(user)}, {}, user)


@pages.post("/<int:user_id>")
@access.allowed("user.manage")
def save(user_id: int) -> ResponseReturnValue:
    """Save role, activity, limits and grants."""
    actor = access.current_actor()
    user = users.found(actor, user_id)
    given, version = _given(), request.form.get("version", "", str)
    try:
        users.edit(actor, user_id, given, int(version) if version.isdecimal() else None)
    except (Invalid, Conflict) as error:
        return _form({**given, "username": user.username, "version": version}, failures.sentences(error), user), _refused(error)
    toast(_("“%(name)s” is saved.", name=user.username))
    return redirect(url_for("users.show_all"), 303)


@pages.post("/<int:user_id>/password")
@access.allowed("user.manage")
def reset_password(user_id: int) -> ResponseReturnValue:
    """Give the user a one-time password, shown here and never again; they are signed out everywhere."""
    actor = access.current_actor()
    password = users.reset_password(actor, user_id)
    return render("users/password.html", user=users.found(actor, user_id), password=password)


def role_word(role: str) -> str:
    """A role in the viewer's language."""
    return str(_(LABELS.get(role, role)))


def _form(values: Mapping[str, Any], errors: dict[str, str], user: User | None = None) -> Response:
    groups: Sequence[Group] = db.session.scalars(select(Group).order_by(Group.name)).all()
    return render(
        "users/form.html",
        values=values,
        errors=errors,
        user=user,
        groups=groups,
        roles=_words(ROLES),
        grantable=[("", "—"), *_words(GRANTABLE)],
    )


def _given() -> dict[str, Any]:
    """What the form says, in the words of the domain; what a form leaves out is a box not ticked."""
    grants = {
        int(name.removeprefix(GRANT)): role
        for name, role in request.form.items()
        if name.startswith(GRANT) and name.removeprefix(GRANT).isdecimal() and role
    }
    return {
        "role": request.form.get("role", ""),
        "email": request.form.get("email", "").strip(),
        "active": "active" in request.form,
        "limited_to_groups": "limited_to_groups" in request.form,
        "grants": grants,
    }


def _grants(user: User) -> dict[int, str]:
    return {grant.group_id: grant.role for grant in user.grants}


def _refused(error: SchedulerError) -> int:
    return 422 if isinstance(error, Invalid) else status_of(error)


def _words(roles: Sequence[str]) -> list[tuple[str, str]]:
    return [(role, role_word(role)) for role in roles]
