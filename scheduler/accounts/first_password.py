"""The file that keeps the first administrator's one-time password until it is changed; the account itself is made elsewhere."""

import os
from pathlib import Path

from scheduler.config import settings


def path() -> Path:
    """Where it lies: readable by the owner of the installation only."""
    return settings().instance / "keys" / "first-password"


def keep(password: str) -> None:
    """Write it down (0600); one left by a start that came to nothing is replaced."""
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path().with_name(f"{path().name}.{os.getpid()}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{password}\n")
    draft.replace(path())


def forget() -> None:
    """Remove it: the password has been changed."""
    path().unlink(missing_ok=True)
