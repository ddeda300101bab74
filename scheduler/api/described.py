"""What a call takes and answers, said beside its route: the OpenAPI document is made from it, and the tests hold answers to it.

Above the policy of a route stands `@described.call(takes=…, asks=…, answers=…, refuses=…)`; `of` finds it again from the view
that `app.view_functions` names. Nothing is checked here: bodies are read by `bodies`, queries by `asking`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

View = TypeVar("View", bound=Callable[..., Any])
# How the answer comes: in the face's envelope, as a page of a list, as it is, or as text that is no JSON.
Form = Literal["one", "page", "bare", "text"]
OF_ALL = (400, 401, 403, 405, 429, 500)  # what any call behind the gate may answer


class Shape(BaseModel):
    """What an answer holds: each key there always, none besides, each of its type."""

    model_config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Call:
    """One call: the model of its body, the model of its query, the type of its answer, and the errors of its own."""

    takes: type[BaseModel] | None = None  # None: no body
    bodiless: bool = False  # the body may be left out
    asks: type[BaseModel] | None = None  # the parameters of the query, by name
    answers: Any = None  # any type pydantic knows: the envelope's `data`, a page's item, the whole; None: null
    form: Form = "one"
    refuses: tuple[int, ...] = ()  # beside `OF_ALL`, and 413, 415 of what takes a body
    headers: tuple[str, ...] = ()  # of the request, that mean something here
    sends: tuple[str, ...] = ()  # headers of the answer
    files: tuple[str, ...] = ()  # the body is a file, of one of these types
    media: tuple[str, ...] = ("text/plain",)  # of an answer that is text


def call(**said: Any) -> Callable[[View], View]:
    """Say of a view what `Call` has fields for."""
    found = Call(**said)

    def keep(view: View) -> View:
        view.call = found  # type: ignore[attr-defined]
        return view

    return keep


def bounded(field: FieldInfo) -> Any:
    """The type of a field of some model, with what bounds its values."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def about(view: Callable[..., Any]) -> tuple[str, str]:
    """What a view's docstring says in its first line, and what in the rest; both may be sentences of the catalogue."""
    first, _, rest = (inspect.getdoc(view) or "").partition("\n")
    return first.strip(), " ".join(rest.split())


def of(view: Callable[..., Any]) -> Call | None:
    """What is said of a view; None where nothing is."""
    return getattr(view, "call", None)
