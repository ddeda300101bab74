"""What may be said of a user: the fields of a new one, of a change and of a profile, each with its check; nothing is stored."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from scheduler.errors import N_, Invalid
from scheduler.validation import Refusal, problems

Role = Literal["viewer", "operator", "editor", "administrator"]
GrantedRole = Literal["viewer", "operator", "editor"]


def _username(name: str) -> str:
    """One spelling for each name, and none that hides something from the eye."""
    name = unicodedata.normalize("NFC", name)
    if not name.isprintable() or name != name.strip() or not name:
        raise Refusal(N_("A user name is made of visible characters, without spaces at its ends."))
    return name


def _email(address: str) -> str:
    if address and not re.fullmatch(r"[^@\s<>,;:\"\\]{1,64}@[^@\s<>,;:\"\\]{1,189}", address):
        raise Refusal(N_("“%(value)s” is not an e-mail address."), value=address[:60])
    return address


def _timezone(name: str) -> str:
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refusal(N_("There is no time zone “%(name)s”."), name=name[:60]) from error
    return name


class Draft(BaseModel):
    """Unknown fields are refused by name, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Changes(Draft):
    """What an administrator may change of a user."""

    role: Role = "viewer"
    email: Annotated[str, Field(max_length=254), AfterValidator(_email)] = ""
    active: bool = True
    limited_to_groups: bool = False
    grants: dict[Annotated[int, Field(strict=False, ge=1, lt=2**31)], GrantedRole] = {}


class NewUser(Changes):
    """What a new user is made from."""

    username: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_username)]
    role: Role
    password: str | None = None
    must_change: bool = True

    @model_validator(mode="after")
    def _unlimited_administrator(self) -> "NewUser":
        if self.role == "administrator" and self.limited_to_groups:
            raise Refusal(N_("An administrator cannot be limited to groups."), at="limited_to_groups")
        return self


class Profile(Draft):
    """What everybody may change of themself."""

    language: Literal["", "zh", "en"] = ""
    timezone: Annotated[str, Field(max_length=64), AfterValidator(_timezone)] = ""
    theme: Literal["auto", "light", "dark"] = "auto"


D = TypeVar("D", bound=Draft)


def read(draft: type[D], values: Mapping[str, Any]) -> D:
    """`values` as a checked draft; `Invalid` names every field that is not right."""
    try:
        return draft.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid(problems(error)) from error
