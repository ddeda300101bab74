"""The house stands: who may import whom, no cycle, no import hidden in a function, sizes; read from the syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "scheduler"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

GROUND = {"clock", "config", "database", "errors", "heartbeat", "nodes", "registry", "signals", "validation", "vault"}
MAY_IMPORT: dict[str, set[str]] = {
    **{name: GROUND for name in GROUND},
    "accounts": GROUND,
    "schedules": GROUND,
    "kinds": GROUND,
    "tasks": GROUND | {"accounts", "schedules", "kinds"},
    "runs": GROUND | {"accounts", "schedules", "kinds", "tasks"},
    "execution": GROUND | {"accounts", "schedules", "kinds", "tasks", "runs"},
    "notify": GROUND | {"accounts", "schedules", "kinds", "tasks", "runs"},
    "daemon": GROUND | {"accounts", "schedules", "kinds", "tasks", "runs", "execution", "notify"},
    "web": GROUND | {"gate", "accounts", "schedules", "kinds", "tasks", "runs", "notify"},
    "api": GROUND | {"gate", "accounts", "schedules", "kinds", "tasks", "runs", "notify"},
    "gate": GROUND | {"accounts"},
    "migrations": GROUND,
    "translations": set(),
}
OUTSIDE = {
    "flask": {"__init__", "cli", "database", "gate", "web", "api", "daemon", "migrations"},
    "apscheduler": {"daemon/timetable", "daemon/listeners"},
    "celery": {"execution/engines/celery"},
    "subprocess": {"execution", "cli/copies"},  # pg_dump and pg_restore are programs
    "requests": {"kinds/exchange", "kinds/http_main", "notify"},
}


def module(path: Path) -> str:
    """`tasks/models` for scheduler/tasks/models.py; a package's own file goes by the package's name."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    return name.removesuffix("/__init__")


def room(name: str) -> str:
    return name.partition("/")[0]


@lru_cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inner(path: Path) -> set[str]:
    """The modules of ours that `path` imports."""
    names = {module(source) for source in SOURCES}
    found = set()
    for name in imported(path):
        if name.startswith("scheduler."):
            parts = name.split(".")[1:]
            candidates = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
            found.add(next(candidate for candidate in candidates if candidate in names))
    return found - {module(path)}


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_it_imports_only_from_the_layers_below(path: Path) -> None:
    here = room(module(path))
    if here in ("__init__", "cli", "."):
        return
    allowed = MAY_IMPORT[here] | {here}
    assert {name for name in inner(path) if room(name) not in allowed} == set()


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    here = module(path)
    here = "__init__" if here == "." else here
    for library, rooms in OUTSIDE.items():
        if any(name.split(".")[0].startswith(library) for name in imported(path)):
            assert any(here == name or here.startswith(f"{name}/") for name in rooms), f"{here} imports {library}"


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_processes_are_started_in_execution_alone(path: Path) -> None:
    calls = {ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}
    starts = {
        call for call in calls if call.startswith(("os.fork", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen"))
    }
    assert not starts or room(module(path)) == "execution"


def test_the_supervisor_never_touches_the_database() -> None:
    seen, waiting = set(), ["execution/runner"]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = next(source for source in SOURCES if module(source) == name)
        waiting += [other for other in inner(path) if other not in seen]
        assert not any(part.startswith(("sqlalchemy", "flask")) for part in imported(path)), name
    assert "execution/supervisor" in seen


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {module(path): inner(path) for path in SOURCES if module(path) != "."}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in graph.get(name, ()):
                if not name.startswith(f"{other}/"):  # a package's own file is there before its modules
                    visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_no_import_hides_in_a_function(path: Path) -> None:
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
    hidden = [
        inner.lineno for function in functions for inner in ast.walk(function) if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_files_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is too long"
            arguments = [*node.args.args, *node.args.posonlyargs]
            count = len([argument for argument in arguments if argument.arg not in ("self", "cls")])
            assert count <= 5, f"{node.name} takes {count} parameters"


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_every_module_says_what_lives_in_it(path: Path) -> None:
    text = ast.get_docstring(tree(path)) or ""
    assert text.endswith((".", "»")) and "\n" not in text.split("\n\n")[0], "one sentence first"


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_time_comes_from_the_clock(path: Path) -> None:
    if module(path) == "clock" or room(module(path)) in ("execution", "translations") or path.name.endswith("_main.py"):
        return
    calls = {ast.unparse(node.func) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)}
    assert not calls & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_templates_stay_small_and_decide_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.parent.name != "macros":
        assert len(text.splitlines()) <= (40 if path.name.startswith("_") else 80)
    assert not re.search(r"kind ==|<[^>{]*\sstyle=|<script>|\shx-on", text)
