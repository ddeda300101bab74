"""The translation of pydantic's errors into problems."""

from datetime import date, datetime, time
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AnyUrl, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from scheduler.errors import Problem
from scheduler.validation import Refusal, problems


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    size: int = 0
    name: str = ""

    @model_validator(mode="after")
    def _agree(self) -> "Inner":
        if self.size == 13:
            raise Refusal("No %(number)s here.", at="size", number=13)
        return self


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=2, max_length=5, pattern="^[a-z]+$")] = "abc"
    whole: Annotated[int, Field(ge=1, le=9)] = 1
    real: Annotated[float, Field(gt=0, lt=9)] = 1
    yes: bool = True
    some: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    names: dict[Annotated[str, Field(max_length=3)], int] = {}
    choice: Literal["a", "b"] = "a"
    colour: Colour = Colour.RED
    at: datetime = datetime(2024, 1, 1)
    aware: AwareDatetime | None = None
    day: date = date(2024, 1, 1)
    hour: time = time(1)
    address: AnyUrl | None = None
    either: int | str = 1
    inner: Inner = Inner()
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("even numbers are out")
        return value


def found(values: dict[str, Any], prefix: str = "") -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(values)
    return [str(problem) for problem in problems(caught.value, prefix)]


@pytest.mark.parametrize(("values", "problem"), [
    ({"text": 5}, "text: This must be text."),
    ({"text": "a"}, "text: Too short: the least length is 2."),
    ({"text": "abcdef"}, "text: Too long: at most 5 characters."),
    ({"text": "ABC"}, "text: “ABC” does not have the required form."),
    ({"whole": "x"}, "whole: “x” is not a whole number."),
    ({"whole": 1.5}, "whole: “1.5” is not a whole number."),
    ({"whole": None}, "whole: This must be a whole number."),
    ({"whole": 0}, "whole: This must be at least 1."),
    ({"whole": 10}, "whole: This must be at most 9."),
    ({"real": "x"}, "real: “x” is not a number."),
    ({"real": 0}, "real: This must be greater than 0."),
    ({"real": 9}, "real: This must be less than 9."),
    ({"yes": "perhaps"}, "yes: “perhaps” is neither true nor false."),
    ({"yes": []}, "yes: This must be true or false."),
    ({"some": "1"}, "some: This must be a list."),
    ({"some": [1, "x"]}, "some.1: “x” is not a whole number."),
    ({"some": []}, "some: Too few entries: at least 1."),
    ({"some": [1, 2, 3]}, "some: Too many entries: at most 2."),
    ({"names": 1}, "names: This must be a map of names to values."),
    ({"names": {"a": "x"}}, "names.a: “x” is not a whole number."),
    ({"names": {"abcd": 1}}, "names.abcd: Too long: at most 3 characters."),
    ({"choice": "c"}, "choice: “c” is not one of: a, b."),
    ({"colour": "green"}, "colour: “green” is not one of: red, blue."),
    ({"at": "soon"}, "at: “soon” is not a time in ISO 8601, as in 2024-01-01T02:00:00Z."),
    ({"aware": "2024-01-01T00:00:00"}, "aware: This time needs an offset, as in 2024-01-01T02:00:00Z."),
    ({"day": "2024-13-01"}, "day: “2024-13-01” is not a date, as in 2024-01-31."),
    ({"hour": "25:00"}, "hour: “25:00” is not a time of day, as in 02:00."),
    ({"address": "nowhere"}, "address: This is not a valid address."),
    ({"either": []}, "either: This must be a whole number."),
    ({"inner": 1}, "inner: This must be a map of names to values."),
    ({"inner": {"size": "x"}}, "inner.size: “x” is not a whole number."),
    ({"inner": {"size": 13}}, "inner.size: No 13 here."),
    ({"odd": 2}, "odd: This is not accepted: even numbers are out."),
    ({"unknown": 1}, "unknown: There is no such field."),
])  # fmt: skip
def test_it_says_what_is_wrong_in_words(values: dict[str, Any], problem: str) -> None:
    assert found(values) == [problem]


def test_it_says_what_is_missing() -> None:
    class Needy(BaseModel):
        name: str

    with pytest.raises(ValidationError) as caught:
        Needy.model_validate({})
    assert problems(caught.value) == [Problem("name", "This is required.")]


def test_it_puts_the_prefix_before_every_field() -> None:
    expected = ["tasks.3.text: This must be text.", "tasks.3.zzz: There is no such field."]
    assert found({"text": 5, "zzz": 1}, prefix="tasks.3") == expected


def test_it_names_the_prefix_when_the_whole_is_wrong() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate([])
    assert [problem.field for problem in problems(caught.value, "scheduler")] == ["scheduler"]


@pytest.mark.parametrize("values", [{"choice": "x" * 10_000}, {"x" * 10_000: 1}, {"whole": "9" * 5000}, {"whole": 10**4000},
                                    {"colour": ["x" * 10_000]}, {"choice": "\ud800"}])  # fmt: skip
def test_it_never_repeats_huge_or_unprintable_input(values: dict[str, Any]) -> None:
    (problem,) = found(values)
    assert len(problem) < 200 and problem.encode()


def test_its_params_hold_only_what_the_sentence_uses() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"choice": "c", "odd": 2})
    assert [dict(problem.params) for problem in problems(caught.value)] == [{"value": "c", "expected": "a, b"},
                                                                            {"reason": "even numbers are out"}]  # fmt: skip
