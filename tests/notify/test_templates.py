"""Templates: names become values, nothing else becomes anything, and no value leaves the place it was put in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.notify.templates import VARIABLES, checked, filled, in_json, one_line
from scheduler.validation import Refusal

CODE = [
    "{{7*7}}", "{{ config }}".replace("config", "config.items()"), "{{''.__class__.__mro__}}", "{% for x in y %}{% endfor %}",
    "{{task_name.__class__}}", "{{task_name|upper}}", "{{request['application']}}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "{{task_name}", "{task_name}", "{{ lipsum() }}", "{{cycler.__init__.__globals__.os}}", "%(task_name)s", "{{self._x}}",
]  # fmt: skip


@pytest.mark.parametrize("text", CODE)
def test_code_stays_text(text: str) -> None:
    assert filled(checked(text), {"task_name": "secret"}) == text


def test_names_become_values_however_they_are_spaced() -> None:
    assert filled("{{task_name}} {{ task_name }}", {"task_name": "Night"}) == "Night Night"


def test_a_value_that_looks_like_a_place_stays_text() -> None:
    values = {"task_name": "{{execution_log_tail}}", "execution_log_tail": "secret"}
    assert filled("{{task_name}}", values) == "{{execution_log_tail}}"


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(Refusal, match="task_nmae"):
        checked("{{task_nmae}}")


@pytest.mark.parametrize("name", VARIABLES)
def test_each_documented_name_is_known(name: str) -> None:
    assert filled(checked(f"{{{{{name}}}}}"), {name: "x"}) == "x"


@given(some.text())
def test_a_subject_is_one_line_whatever_is_in_it(text: str) -> None:
    assert all(letter.isprintable() for letter in one_line(text))


@given(some.text())
def test_a_value_in_json_is_that_value(text: str) -> None:
    assert json.loads(filled('{"text": "{{task_name}}"}', {"task_name": text}, in_json)) == {"text": text}
