"""A task to try the engine with: prints what it was given, works for two seconds, reports its progress, succeeds."""

import os
import sys
import time

PREFIXES = ("TASK_", "PARAM", "DISPLAY_", "SCHEDULER_")


def main() -> int:
    """Everything a task prints becomes its log; there is nothing else to do for it."""
    print("What this task was given:")
    for name, value in sorted(os.environ.items()):
        if name.startswith(PREFIXES):
            print(f"  {name} = {value}")
    print("Arguments:", " ".join(sys.argv[1:]) or "none")
    for step in range(1, 5):
        time.sleep(0.5)
        print(f"::progress {step * 25} step {step} of 4", flush=True)
    print("::summary four steps done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
