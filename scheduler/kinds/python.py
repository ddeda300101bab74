"""Python code kept in the task, checked on save and run from a file so that tracebacks show its lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from scheduler.errors import N_, Problem
from scheduler.kinds.base import Arguments, Code, Command, Content, Context, Field, Interpreter, Kind, headline

WRAPPER = "python_main.py"


class PythonContent(Content):
    """The code, who runs it (nobody named: the server's own Python), and its arguments."""

    code: Code
    interpreter: Interpreter = ""
    args: Arguments = ()


class Python(Kind[PythonContent]):
    """An exception that escapes the code exits 2, a technical failure; `sys.exit` keeps its own code."""

    name = "python"
    label = N_("Python")
    icon = "brand-python"
    model = PythonContent

    def prepare(self, content: PythonContent, context: Context) -> Command:
        """The code as a file, run by way of the wrapper."""
        python = content.interpreter or context.python
        return wrapped(python, "{dir}/task.py", content.args, files={"task.py": content.code})

    def check(self, content: PythonContent, context: Context) -> list[Problem]:
        """The code's syntax, where this very Python will read it; another one's grammar is its own business."""
        return syntax(content.code) if content.interpreter in ("", context.python) else []

    def summary(self, content: PythonContent) -> str:
        """The first line that does something."""
        return headline(content.code, skip=("#", "import ", "from ", '"""', "'''"))

    def fields(self) -> list[Field]:
        """The code, then who runs it and how."""
        hint = N_("An exception that escapes is a technical failure; sys.exit(1) is a business failure.")
        return [Field("code", N_("Code"), "code", hint=hint, required=True), *python_fields()]


def python_fields() -> list[Field]:
    """The choice of interpreter and the arguments, for every kind that runs Python."""
    return [
        Field(
            "interpreter",
            N_("Interpreter"),
            hint=N_("An absolute path or a name on PATH; empty means the server's own Python."),
            default="",
        ),
        Field("args", N_("Arguments"), "lines", hint=N_("One argument per line."), default=[]),
    ]


def wrapped(python: str, path: str, args: Sequence[str], files: Mapping[str, str] | None = None) -> Command:
    """Python running the file at `path` by way of the wrapper, which makes an escaping exception exit 2."""
    wrapper = Path(__file__).with_name(WRAPPER).read_text(encoding="utf-8")
    argv = (python, "{dir}/" + WRAPPER, path, *args)
    return Command(argv, env={"PYTHONUNBUFFERED": "1"}, files={**(files or {}), WRAPPER: wrapper})


def syntax(code: str) -> list[Problem]:
    """What keeps `code` from being compiled, with its line."""
    try:
        compile(code, "task.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        return [Problem("code", N_("Line %(line)s: %(reason)s."), {"line": error.lineno or 1, "reason": error.msg})]
    except (ValueError, RecursionError, MemoryError):
        return [Problem("code", N_("Python cannot read this: it is nested too deeply or is not text."))]
    return []
