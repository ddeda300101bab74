"""Which daemon leads: one at a time per installation, by a lock the kernel frees when its holder dies."""

import fcntl
import os
from pathlib import Path


class Leadership:
    """A claim to lead; held until `resign` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def take(self) -> bool:
        """Try to lead; False while another daemon does."""
        if self.held:
            return True
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def resign(self) -> None:
        """Let another lead."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
