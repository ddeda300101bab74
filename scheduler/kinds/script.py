"""A script in any language: the task's code as a file, given to the interpreter the task names."""

from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator

from scheduler.errors import N_
from scheduler.kinds.base import Arguments, Code, Command, Content, Context, Field, Interpreter, Kind, headline
from scheduler.validation import Refusal

# Interpreters that judge a file by the end of its name.
ENDINGS = {"node": ".js", "deno": ".ts", "bun": ".ts", "pwsh": ".ps1", "powershell": ".ps1"}
EXAMPLES = "/usr/bin/perl, node, Rscript"


def _named(interpreter: str) -> str:
    if not interpreter:
        raise Refusal(N_("Name the interpreter, for example %(examples)s."), examples=EXAMPLES)
    return interpreter


class ScriptContent(Content):
    """The code, who reads it, and its arguments."""

    interpreter: Annotated[Interpreter, AfterValidator(_named)]
    code: Code
    args: Arguments = ()


class Script(Kind[ScriptContent]):
    """The interpreter is looked up when the task runs, where it runs."""

    name = "script"
    label = N_("Script")
    icon = "script"
    model = ScriptContent

    def prepare(self, content: ScriptContent, context: Context) -> Command:
        """The interpreter with the code's file and the arguments."""
        file = "script" + ENDINGS.get(PurePath(content.interpreter).name, "")
        return Command((content.interpreter, "{dir}/" + file, *content.args), files={file: content.code})

    def summary(self, content: ScriptContent) -> str:
        """The interpreter and the first line that does something."""
        return headline(f"{PurePath(content.interpreter).name}: {headline(content.code, skip=('#', '//'))}")

    def fields(self) -> list[Field]:
        """The interpreter, the code, the arguments."""
        hint = N_("An absolute path or a name on PATH, for example /usr/bin/perl, node or Rscript.")
        return [
            Field("interpreter", N_("Interpreter"), hint=hint, required=True),
            Field("code", N_("Code"), "code", required=True),
            Field("args", N_("Arguments"), "lines", hint=N_("One argument per line."), default=[]),
        ]
