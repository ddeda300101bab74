"""A recipe of one's own as somebody wrote it, checked whole: its parameters, its blanks, and the task that would come of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from scheduler.errors import N_, Invalid, Problem
from scheduler.kinds import references
from scheduler.tasks import blanks, drafts, placing, wording
from scheduler.tasks.blanks import SECRET, Parameter
from scheduler.tasks.built_in import recipes
from scheduler.tasks.drafts import CONTENT_FIELDS, CONTENT_ROOM, VARIABLE, Particulars
from scheduler.tasks.policy import Policy
from scheduler.validation import problems as sentences
from scheduler.validation import shorten

MOST_PARAMETERS = 50
ROOM = 2 * CONTENT_ROOM
# What a recipe cannot say: who it is, where it lies, and which tasks of this installation it has to do with.
NOT_ITS = frozenset({"name", "key", "group", "private", "depends_on", "depends_mode", "metadata"})
TASK_FIELDS = tuple(
    name
    for name in ("type", *sorted(CONTENT_FIELDS), *Particulars.model_fields, *Policy.model_fields)
    if name not in NOT_ITS
)  # fmt: skip
RESERVED = frozenset({"new", "export", "import"})  # words of addresses
SAMPLES: Mapping[str, Any] = {"text": "sample", "number": 1, "flag": True, "list": ["sample"], SECRET: "sample"}
NO_SECRETS = N_("A template keeps no secrets: put a blank here, as {{password}}, with a parameter of the type “secret”.")
IN_NO_GROUP = N_("A private template is its owner's alone: it is in no group.")


class GivenParameter(BaseModel):
    """A parameter as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    name: str
    type: Literal["text", "number", "flag", "list", "secret"] = "text"
    label: Annotated[str, Field(max_length=100)] = ""
    required: bool = False
    default: Any = None
    choices: Annotated[list[str], Field(max_length=100)] = []
    pattern: Annotated[str, Field(max_length=blanks.LONGEST_PATTERN)] = ""

    @field_validator("default")
    @classmethod
    def _given(cls, value: Any) -> Any:
        return None if blanks.is_empty(value) else value

    def parameter(self) -> Parameter:
        """The same, to fill in."""
        given = (self.name, self.type, self.required, self.default, tuple(self.choices), self.pattern, self.label)
        return Parameter(*given)


class Given(BaseModel):
    """What may be said of a recipe; unknown fields are refused by name, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    name: str
    key: str = ""
    category: str = "custom"
    description: Annotated[str, Field(max_length=2000)] = ""
    group: int | str | None = None
    private: bool = False
    parameters: Annotated[list[GivenParameter], Field(max_length=MOST_PARAMETERS)] = []
    task: dict[str, Any] = {}


@dataclass(frozen=True)
class RecipeDraft:
    """A recipe that could be saved."""

    given: Given
    parameters: list[dict[str, Any]]
    task: dict[str, Any]


def read(values: Mapping[str, Any]) -> RecipeDraft:
    """Check `values` whole; `Invalid` carries every problem found, each with its field, as `parameters.0.default`."""
    try:
        given = Given.model_validate(dict(values))
    except ValidationError as error:
        raise Invalid(sentences(error)) from error
    found: list[Problem] = []
    tidy = given.model_copy(update=_tidied(given, found))
    parameters = [one.parameter() for one in given.parameters]
    for number, parameter in enumerate(parameters):
        found += _parameter(number, parameter, parameters[:number])
    found += _task(tidy, parameters, whole=not found)
    if found:
        raise Invalid(found)
    task = {name: given.task[name] for name in TASK_FIELDS if name in given.task}
    return RecipeDraft(tidy, [one.model_dump() for one in tidy.parameters], task)


def _tidied(given: Given, found: list[Problem]) -> dict[str, str]:
    """Its words without needless spaces, collecting what is wrong with them."""
    tidy: dict[str, str] = {}
    for field, longest in (("name", wording.NAME_LENGTH), ("category", 50)):
        try:
            tidy[field] = wording.name(getattr(given, field), field, longest)
        except Invalid as error:
            found.extend(error.problems)
    if given.key:
        try:
            wording.key(given.key)
        except Invalid as error:
            found.extend(error.problems)
    if given.key in recipes or given.key in RESERVED or given.key.startswith("template-"):
        found.append(Problem("key", N_("“%(value)s” is taken by another template."), {"value": given.key}))
    if any(tidy.get("name", "").casefold() == one.label.casefold() for one in recipes):
        found.append(Problem("name", N_("“%(value)s” is taken by another template."), {"value": tidy["name"]}))
    found += wording.plain(given.description, "description")
    if given.private and given.group not in (None, ""):
        found.append(Problem("group", IN_NO_GROUP))
    return tidy


def _parameter(number: int, one: Parameter, before: Sequence[Parameter]) -> Iterator[Problem]:
    """What is wrong with a parameter by itself."""
    at = f"parameters.{number}"
    if not VARIABLE.fullmatch(one.name):
        text = N_("“%(name)s” is not a variable's name: letters, digits and “_”, not starting with a digit.")
        yield Problem(f"{at}.name", text, {"name": one.name[:60]})
    if one.name in {other.name for other in before}:
        yield Problem(f"{at}.name", N_("“%(name)s” is there twice."), {"name": one.name[:60]})
    yield from (Problem(f"{at}.label", problem.text, problem.params) for problem in wording.plain(one.label, "label"))
    if one.choices and one.type != "text":
        yield Problem(f"{at}.choices", N_("Only a text can be one of a few."))
        return
    if one.pattern and one.type not in blanks.TEXTS:
        yield Problem(f"{at}.pattern", N_("Only a text can have a form."))
    elif reason := blanks.unreadable(one.pattern):
        yield Problem(f"{at}.pattern", N_("This pattern cannot be read: %(reason)s."), {"reason": reason})
        return
    yield from (Problem(f"{at}.choices", *wrong) for choice in one.choices for wrong in _wrong(one, choice, alone=True))
    if one.default is not None and one.type == SECRET:
        yield Problem(f"{at}.default", N_("A secret has no default."))
    elif one.default is not None:
        yield from (Problem(f"{at}.default", *wrong) for wrong in _wrong(one, one.default))


def _wrong(one: Parameter, value: Any, alone: bool = False) -> list[blanks.Wrong]:
    return blanks.wrong(Parameter(one.name, one.type, pattern=one.pattern, choices=() if alone else one.choices), value)


def _task(given: Given, parameters: Sequence[Parameter], whole: bool) -> Iterator[Problem]:
    """What is wrong with the task; as a `whole` it is looked at once everything else is right."""
    for field in given.task:
        if field not in TASK_FIELDS:
            yield Problem(f"task.{shorten(field)}", N_("There is no such field."))
            whole = False
    try:
        if len(json.dumps(given.task, allow_nan=False).encode()) > ROOM:
            yield Problem("task", N_("This is too long: at most %(limit)s KB."), {"limit": ROOM // 1024})
            return
    except (ValueError, TypeError, RecursionError):
        yield Problem("task", N_("This is not valid JSON."))
        return
    for problem in (*placing.problems(given.task, parameters), *_secrets(given.task)):
        whole = False
        inside = problem.field.startswith("parameters.")
        yield Problem(problem.field if inside else f"task.{problem.field}", problem.text, problem.params)
    if whole:
        yield from _made(given, parameters)


def _secrets(task: Mapping[str, Any]) -> Iterator[Problem]:
    for path, text in placing.leaves(task):
        if placing.keeps_secrets(path) and text and not references.only(text) and not placing.ALONE.fullmatch(text):
            yield Problem(".".join(path), NO_SECRETS)


def _made(given: Given, parameters: Sequence[Parameter]) -> Iterator[Problem]:
    """What would be wrong with a task made of it, as far as that can be known before the blanks are filled."""
    values = {one.name: _sample(one) for one in parameters}
    guessed = {one.name for one in parameters if one.default is None}
    made = placing.placed(given.task, parameters, values)
    try:
        draft = drafts.read({**made, "name": given.name}, seed=given.key)
        drafts.refuse_too_often(draft.plan)
        if draft.kind is None:
            raise Invalid.because(N_("Say what the task runs."), field="type")
    except Invalid as error:
        open_fields = {
            path[0] for path, text in placing.leaves(given.task) if guessed & {found[1] for found in placing.BLANK.finditer(text)}
        }
        for problem in error.problems:
            if problem.field.partition(".")[0] not in open_fields:
                yield Problem(f"task.{problem.field}", problem.text, problem.params)


def _sample(one: Parameter) -> Any:
    if one.default is not None:
        return one.default
    return one.choices[0] if one.choices else SAMPLES[one.type]
