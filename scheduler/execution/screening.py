"""What is done to output on its way to the log: secrets masked, lines for the scheduler heard; writes nothing."""

import re
from collections.abc import Iterable

from scheduler.execution.protocol import Progress

STARS = b"******"
LONGEST_LINE = 4096
MARKED = ("::progress ", "::summary ", "::metric ")
LONGEST_TEXT = 500
MOST_METRICS = 100


class Mask:
    """Replaces secrets in a stream of chunks, also when a chunk ends in the middle of one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first, so that of two secrets that begin alike the whole longer one is covered.
        self._secrets = sorted({secret.encode() for secret in secrets if secret}, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._secrets)))
        self._held = b""

    def __call__(self, data: bytes) -> bytes:
        """`data` without secrets; its end is held back while it may be the beginning of one."""
        data = self._held + data
        safe = len(data) - self._undecided(data)
        parts: list[bytes] = []
        position = 0
        for match in self._pattern.finditer(data):
            if match.start() >= safe:
                break
            parts += data[position : match.start()], STARS
            position = match.end()
        end = max(safe, position)
        self._held = data[end:]
        return b"".join((*parts, data[position:end]))

    def rest(self) -> bytes:
        """What was held back and turned out not to go on."""
        held, self._held = self._held, b""
        return self._pattern.sub(STARS, held)

    def _undecided(self, data: bytes) -> int:
        """The length of the longest end of `data` that is the beginning, but not the whole, of a secret."""
        longest = 0
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(data)), longest, -1):
                if data.endswith(secret[:length]):
                    longest = length
                    break
        return longest


class Markers:
    """Hears the lines a task prints for the scheduler: `::progress`, `::summary` and `::metric` at the start of a line."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.summary: str | None = None
        self.metrics: dict[str, float] = {}
        self.fresh = False  # progress has changed since somebody last looked
        self._held = b"\n"  # an unfinished line that may become a marker, after the newline before it

    def feed(self, data: bytes) -> None:
        """Listen to the next chunk."""
        data = self._held + data
        # Looking for one byte is 50 times as fast as looking for three.
        start = data.find(b"\n::") if b":" in data else -1
        while start >= 0:
            end = data.find(b"\n", start + 3, start + LONGEST_LINE)
            if end < 0:
                break
            self._hear(data[start + 3 : end])
            start = data.find(b"\n::", end)
        self._held = _beginning(data, start)

    def end(self) -> None:
        """Listen to a last line that has no newline."""
        self.feed(b"\n")

    def _hear(self, line: bytes) -> None:
        word, _, text = line.decode(errors="replace").strip().partition(" ")
        if word == "progress":
            self._hear_progress(text)
        elif word == "summary":
            self.summary = text.strip()[:LONGEST_TEXT]
        elif word == "metric":
            self._hear_metrics(text)

    def _hear_progress(self, text: str) -> None:
        number, _, comment = text.strip().partition(" ")
        percent = _number(number.rstrip("%"))
        if percent is not None:
            self.progress = {"percent": min(max(percent, 0.0), 100.0), "text": comment.strip()[:LONGEST_TEXT]}
            self.fresh = True

    def _hear_metrics(self, text: str) -> None:
        for word in text.split():
            name, _, value = word.partition("=")
            number = _number(value)
            if name and number is not None and (name in self.metrics or len(self.metrics) < MOST_METRICS):
                self.metrics[name[:LONGEST_TEXT]] = number


def last_line(tail: bytes) -> str:
    """The last line of `tail` that shows something, as its reader would see it; one said to the scheduler for want of another."""
    lines = [line.strip() for line in reversed(tail.decode(errors="replace").replace("\r", "\n").split("\n")) if line.strip()]
    return next((line for line in lines if not line.startswith(MARKED)), lines[0] if lines else "")[:LONGEST_TEXT]


def _beginning(data: bytes, start: int) -> bytes:
    """The unfinished line at the end of `data` while it can still become a marker; `start` is where one has begun, or -1."""
    if start >= 0:
        return data[start:] if len(data) - start < LONGEST_LINE else b""
    return next((sign for sign in (b"\n:", b"\n") if data.endswith(sign)), b"")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if -1e300 < number < 1e300 else None
