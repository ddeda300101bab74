"""Starting the runner as a process that shares nothing with the server; the only user of subprocess here."""

import os
import subprocess
import sys
from pathlib import Path

from scheduler import failpoints

ROOT = Path(__file__).resolve().parent.parent

# A bare stand-in for the package: the real one imports the web framework, which the runner must not carry.
BOOT = """
import sys, types
package = types.ModuleType("scheduler")
package.__path__ = [sys.argv[1]]
sys.modules["scheduler"] = package
from scheduler.execution.runner import main
main(sys.argv[2], sys.argv[3] == "lifeline")
"""


def start_runner(instance: Path, lifeline: bool) -> subprocess.Popen[bytes]:
    """Start the runner of an instance. With `lifeline` it leaves when the `stdin` of the answer is closed, or we die."""
    instance = instance.resolve()
    for name in ("run", "runs", "workspaces", "logs"):
        (instance / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-I", "-S", "-E", "-X", "utf8", "-c", BOOT, str(ROOT), str(instance)]
    with open(instance / "logs" / "runner.log", "ab") as log:
        return subprocess.Popen(
            [*command, "lifeline" if lifeline else "alone"],
            stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    """Tasks can read the environment of their ancestors in /proc, and ours may hold secrets."""
    needed = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", failpoints.VARIABLE) if name in os.environ}
    # Functions found at their first call are written into pages that each supervisor would then have to copy.
    return {**needed, "LD_BIND_NOW": "1"}
