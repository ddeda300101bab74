"""`python -m benchmarks`: measures everything, prints it, and writes `benchmarks/results.md`."""

import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import api, cleaning, many, output, pages, starting, supervision
from benchmarks.stage import Result

MEASUREMENTS: dict[str, Callable[[], list[Result]]] = {
    "pages": pages.lists,
    "api": api.questions,
    "trigger": api.triggering,
    "import": api.importing,
    "output": output.million_lines,
    "cleaning": cleaning.cleaning,
    "burst": starting.burst,
    "thousand": starting.burst_of_a_thousand,
    "many": many.tasks,
    "wake": many.wake_up,
    "rest": starting.at_rest,
    "memory": supervision.memory,
}


def main() -> None:
    """All measurements, or those named on the command line (which leave the report alone)."""
    chosen = sys.argv[1:] or list(MEASUREMENTS)
    rows = []
    for name in chosen:
        print(f"measuring {name} …", flush=True)
        rows += MEASUREMENTS[name]()
    report = "\n".join(["| what | measured | floor | ratio | promised | kept |", "|---|---|---|---|---|---|", *map(_row, rows)])
    print(report)
    if not sys.argv[1:]:
        where = f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end"
        note = "`make bench` takes them anew; only the ratios mean anything elsewhere."
        head = f"# Measurements\n\n{datetime.now(UTC):%Y-%m-%d}, {where}. {note}"
        Path(__file__).with_name("results.md").write_text(f"{head}\n\n{report}\n", encoding="utf-8")


def _row(result: Result) -> str:
    cells = (result.what, result.measured, result.floor, result.ratio, result.promise, "yes" if result.kept else "**no**")
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
