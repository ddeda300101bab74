"""Contents at rest: secrets sealed, shown masked, opened only for the run."""

from typing import Any

import pytest

from scheduler.kinds import kinds, read
from scheduler.tasks import contents
from scheduler.vault import MASK

pytestmark = pytest.mark.usefixtures("app")

HTTP = {"url": "https://example.com/", "auth": {"type": "basic", "username": "me", "password": "hunter2"}}


@pytest.fixture
def stored() -> dict[str, Any]:
    kind = kinds.get("http")
    return contents.sealed(kind, read(kind, HTTP))


def test_a_sealed_content_shows_no_secret(stored: dict[str, Any]) -> None:
    assert "hunter2" not in str(stored)
    assert stored["auth"]["username"] == "me"


def test_it_opens_to_what_it_was(stored: dict[str, Any]) -> None:
    assert contents.opened(kinds.get("http"), stored)["auth"]["password"] == "hunter2"


def test_people_see_the_mask(stored: dict[str, Any]) -> None:
    assert contents.masked(kinds.get("http"), stored)["auth"]["password"] == MASK
    assert stored["auth"]["password"] != MASK


@pytest.mark.parametrize(("sent", "kept"), [(MASK, "hunter2"), ("new", "new"), ("", "")])
def test_a_mask_that_comes_back_means_what_is_stored(stored: dict[str, Any], sent: str, kept: str) -> None:
    values = {**HTTP, "auth": {**HTTP["auth"], "password": sent}}  # type: ignore[dict-item]
    assert contents.unmasked(kinds.get("http"), values, stored)["auth"]["password"] == kept


@pytest.mark.parametrize("values", [{}, {"auth": None}, {"auth": "basic"}, {"auth": {"password": None}}, {"auth": []}])
def test_it_bears_what_is_not_there(stored: dict[str, Any], values: dict[str, Any]) -> None:
    assert contents.unmasked(kinds.get("http"), values, stored) == values


def test_a_mask_without_anything_stored_is_nothing() -> None:
    values = {"auth": {"password": MASK}}
    assert contents.unmasked(kinds.get("http"), values, {})["auth"]["password"] == ""
