"""The example tasks, for the first minute of a newcomer and for `make demo`; their texts come in both languages."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scheduler.accounts.permissions import Actor
from scheduler.errors import N_
from scheduler.tasks import definitions
from scheduler.tasks.models import Task

Translate = Callable[[str], str]
PROGRAMS = "tasks"  # the folder of them, here and in every installation
SHIPPED = Path(__file__).resolve().parents[2] / "instance" / PROGRAMS

HELLO: dict[str, Any] = {
    "name": N_("Hello every minute"),
    "description": N_("Prints a few lines each minute; delete it whenever you like."),
    "type": "shell",
    "command": 'echo "Hello, this is $TASK_NAME, due at $SCHEDULER_SCHEDULED_AT"\nfor part in 1 2 3; do\n'
    '  echo "::progress $((part * 100 / 3)) part $part of 3"\n  sleep 1\ndone\necho "::summary three parts done"',
    "schedule_type": "cron",
    "schedule_config": {"cron": "* * * * *"},
    "tags": ["demo"],
}
MORE: tuple[dict[str, Any], ...] = (
    {
        "name": N_("Disk space report"),
        "description": N_("Looks at the disk every morning; more than 90 % used is a business failure."),
        "type": "shell",
        "command": "df -h /\nused=$(df --output=pcent / | tail -n 1 | tr -dc 0-9)\n"
        'echo "::metric used_percent=$used"\n[ "$used" -lt 90 ]',
        "schedule_type": "daily",
        "schedule_config": {"times": ["07:30"]},
        "tags": ["demo", "report"],
    },
    {
        "name": N_("Random outcome"),
        "description": N_("Succeeds, fails in business or fails technically and is retried: to see how each looks."),
        "type": "python",
        "code": 'import random, sys, time\nfor step in range(5):\n    print(f"step {step + 1} of 5")\n    time.sleep(0.3)\n'
        'code = random.choice([0, 0, 0, 1, 2])\nprint(f"leaving with exit code {code}", file=sys.stderr)\nsys.exit(code)',
        "retry_count": 2,
        "retry_delay_seconds": 5,
        "schedule_type": "cron",
        "schedule_config": {"cron": "*/2 * * * *"},
        "tags": ["demo"],
    },
    {
        "name": N_("Weekly clean-up"),
        "description": N_("Says which temporary files are older than a week; by hand only until you trust it."),
        "type": "shell",
        "command": "find /tmp -maxdepth 1 -type f -mtime +7 -print",
        "schedule_type": "manual",
        "schedule_config": {},
        "tags": ["demo", "cleanup"],
    },
)


def load(actor: Actor, translate: Translate, everything: bool = False) -> list[Task]:
    """Create the first example, or `everything`, in the language `translate` speaks."""
    words = ("name", "description")
    chosen = (HELLO, *MORE) if everything else (HELLO,)
    return [
        definitions.create(actor, {name: translate(value) if name in words else value for name, value in values.items()})
        for values in chosen
    ]


def ship(instance: Path) -> None:
    """Put the program the API's documents name into an installation that has no folder of programs yet."""
    if not (instance / PROGRAMS).exists() and SHIPPED.is_dir():
        shutil.copytree(SHIPPED, instance / PROGRAMS)
