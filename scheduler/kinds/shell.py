"""A shell command or script, given to /bin/sh as cron does, or to the interpreter its first line names."""

from typing import Literal

from scheduler.errors import N_
from scheduler.kinds.base import Code, Command, Content, Context, Field, Kind, headline

SHELLS = {"sh": "/bin/sh", "bash": "/bin/bash"}


class ShellContent(Content):
    """The text of the script, and who reads it."""

    command: Code
    shell: Literal["sh", "bash"] = "sh"


class Shell(Kind[ShellContent]):
    """Parameters reach the script as environment variables; nothing is ever pasted into its text."""

    name = "shell"
    label = N_("Shell")
    icon = "terminal-2"
    model = ShellContent

    def prepare(self, content: ShellContent, context: Context) -> Command:
        """`/bin/sh -c`, or the script as a file when it begins with `#!`."""
        if not content.command.startswith("#!"):
            return Command((SHELLS[content.shell], "-c", content.command))
        # What the kernel makes of such a line, done here: needs neither an executable file nor a mount that allows one.
        words = content.command[2:].split("\n", 1)[0].strip().split(None, 1)
        return Command((*(words or [SHELLS[content.shell]]), "{dir}/command"), files={"command": content.command})

    def summary(self, content: ShellContent) -> str:
        """The first line that does something."""
        return headline(content.command, skip=("#", "set -"))

    def fields(self) -> list[Field]:
        """The script and the choice of shell."""
        return [
            Field(
                "command",
                N_("Command"),
                "code",
                hint=N_("One command or a whole script. Parameters are environment variables. A first line with #! is obeyed."),
                required=True,
            ),
            Field("shell", N_("Shell"), "select", choices=(("sh", "sh"), ("bash", "bash")), default="sh"),
        ]
