"""The house stands: who may import whom, no cycle, no import hidden in a function, sizes; read from the syntax trees."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "scheduler"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

GROUND = {"clock", "columns", "config", "database", "enginelog", "errors", "failpoints", "gathered", "heartbeat", "nodes",
          "prepared", "registry", "sentences", "signals", "statuses", "trouble", "validation", "vault"}  # fmt: skip
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
    "apscheduler": {"daemon/timetable", "daemon/agenda", "daemon/listeners"},
    "celery": {"execution/engines/celery"},
    "subprocess": {"execution", "cli/copies"},  # the database's own programs make its copies
    "requests": {"kinds/exchange", "kinds/http_main", "notify"},
}


def module(path: Path) -> str:
    """`tasks/models` for scheduler/tasks/models.py; a package's own file goes by the package's name."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    return name.removesuffix("/__init__")


def room(name: str) -> str:
    return name.partition("/")[0]


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in nodes(path) if isinstance(node, ast.FunctionDef))


@cache
def calls(path: Path) -> set[str]:
    """What the module calls, by name: `os.fork`."""
    return {ast.unparse(node.func) for node in nodes(path) if isinstance(node, ast.Call)}


@cache
def imported(path: Path) -> tuple[str, ...]:
    plain = (alias.name for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names)
    chosen = ((node.module, node.names) for node in nodes(path) if isinstance(node, ast.ImportFrom) and node.module)
    return (*plain, *(f"{source}.{alias.name}" for source, names in chosen for alias in names))


@cache
def modules() -> dict[str, Path]:
    return {module(source): source for source in SOURCES}


@cache
def inner(path: Path) -> set[str]:
    """The modules of ours that `path` imports."""
    found = set()
    for name in imported(path):
        if name.startswith("scheduler."):
            parts = name.split(".")[1:]
            candidates = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
            found.add(next(candidate for candidate in candidates if candidate in modules()))
    return found - {module(path)}


def offences(of: Callable[[Path], object], paths: list[Path] = SOURCES) -> dict[str, object]:
    """Each file that breaks a rule, with what `of` found in it."""
    assert len(paths) > 50  # there is something to look at
    return {path.relative_to(ROOT).as_posix(): found for path in paths if (found := of(path))}


def test_it_imports_only_from_the_layers_below() -> None:
    def upward(path: Path) -> set[str]:
        here = room(module(path))
        allowed = set(modules()) if here in ("__init__", "cli", ".") else MAY_IMPORT[here] | {here}
        return {name for name in inner(path) if name not in allowed and room(name) not in allowed}

    assert offences(upward) == {}


def test_libraries_stay_in_their_rooms() -> None:
    def strangers(path: Path) -> list[str]:
        here = module(path).replace(".", "__init__")
        known = {name.split(".")[0] for name in imported(path)}
        return [
            library
            for library, rooms in OUTSIDE.items()
            if any(name.startswith(library) for name in known)
            and not any(here == name or here.startswith(f"{name}/") for name in rooms)
        ]

    assert offences(strangers) == {}


def test_processes_are_started_in_execution_alone() -> None:
    def starts(path: Path) -> list[str]:
        ways = ("os.fork", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen")
        return [call for call in calls(path) if call.startswith(ways) and room(module(path)) != "execution"]

    assert offences(starts) == {}


def test_the_supervisor_never_touches_the_database() -> None:
    seen, waiting = set(), ["execution/runner"]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = modules()[name]
        waiting += [other for other in inner(path) if other not in seen]
        assert not any(part.startswith(("sqlalchemy", "flask")) for part in imported(path)), name
    assert "execution/supervisor" in seen


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {name: inner(path) for name, path in modules().items() if name != "."}
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


def test_no_import_hides_in_a_function() -> None:
    def hidden(path: Path) -> list[int]:
        within = (node for function in functions(path) for node in ast.walk(function))
        return [node.lineno for node in within if isinstance(node, ast.Import | ast.ImportFrom)]

    assert offences(hidden) == {}


def test_files_stay_small() -> None:
    assert offences(lambda path: max(len(text(path).splitlines()) - 300, 0)) == {}


def test_functions_stay_small() -> None:
    def long(path: Path) -> list[str]:
        return [function.name for function in functions(path) if (function.end_lineno or 0) - function.lineno >= 50]

    assert offences(long) == {}


def test_functions_take_few_parameters() -> None:
    def greedy(path: Path) -> list[str]:
        return [function.name for function in functions(path) if len(parameters(function)) > 5]

    assert offences(greedy) == {}


def parameters(function: ast.FunctionDef) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return [name for name in names if name not in ("self", "cls")]


def test_every_module_says_in_one_sentence_what_lives_in_it() -> None:
    def silent(path: Path) -> bool:
        said = ast.get_docstring(tree(path)) or ""
        return not said.endswith((".", "»")) or "\n" in said.split("\n\n")[0]

    assert offences(silent) == {}


def test_time_comes_from_the_clock() -> None:
    others = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic"}

    def watches(path: Path) -> set[str]:
        free = module(path) == "clock" or room(module(path)) in ("execution", "translations") or path.name.endswith("_main.py")
        return set() if free else calls(path) & others

    assert offences(watches) == {}


def test_templates_stay_small() -> None:
    def large(path: Path) -> bool:
        return len(text(path).splitlines()) > (40 if path.name.startswith("_") else 80)

    assert offences(large, [path for path in TEMPLATES if path.parent.name != "macros"]) == {}


def test_templates_decide_nothing_and_keep_to_the_content_policy() -> None:
    assert offences(lambda path: re.findall(r"kind ==|<[^>{]*\sstyle=|<script>|\shx-on", text(path)), TEMPLATES) == {}
