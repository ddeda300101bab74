"""What holds for every kind."""

import pytest
from pydantic import BaseModel

from scheduler.kinds import Kind, kinds
from scheduler.kinds.base import Content

WIDGETS = {"code", "text", "number", "select", "checkbox", "pairs", "lines", "secret"}


def leaves(model: type[BaseModel], prefix: str = "") -> dict[str, bool]:
    """The dotted names of a model's fields, and whether each is required."""
    found: dict[str, bool] = {}
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, Content):
            found |= leaves(inner, f"{prefix}{name}.")
        else:
            found[prefix + name] = info.is_required()
    return found


def test_it_has_the_five_documented_members_in_order() -> None:
    assert kinds.names == ("shell", "python", "http", "script", "program")


@pytest.mark.parametrize("kind", list(kinds), ids=lambda kind: kind.name)
def test_its_form_has_a_control_for_every_field_of_its_content(kind: Kind[Content]) -> None:
    assert {field.name: field.required for field in kind.fields()} == leaves(kind.model)


@pytest.mark.parametrize("kind", list(kinds), ids=lambda kind: kind.name)
def test_its_controls_are_of_known_widgets_and_mark_exactly_the_secrets(kind: Kind[Content]) -> None:
    assert {field.widget for field in kind.fields()} <= WIDGETS
    assert tuple(field.name for field in kind.fields() if field.secret) == kind.secret_paths


@pytest.mark.parametrize("kind", list(kinds), ids=lambda kind: kind.name)
def test_its_controls_begin_with_the_models_own_defaults(kind: Kind[Content]) -> None:
    least = {field.name: "http://example.org" if field.name == "url" else "sh" for field in kind.fields() if field.required}
    values = kind.model.model_validate(least).model_dump(mode="json")
    for field in kind.fields():
        if not field.required and "." not in field.name:
            assert values[field.name] == field.default
