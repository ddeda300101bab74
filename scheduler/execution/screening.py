"""What is done to output on its way to the log: secrets masked, lines for the scheduler heard; writes nothing."""

from collections.abc import Iterable

from scheduler.execution.protocol import Progress

COLON = ord(":")  # a number, because bytes are asked for bytes by way of an exception
STARS = b"********"
GLANCE = 16  # bytes compared before a long secret is
LONGEST_LINE = 4096
MARKED = ("::progress ", "::summary ", "::metric ")
LONGEST_TEXT = 500
MOST_METRICS = 100


class Mask:
    """Replaces secrets in a stream of chunks, also when a chunk ends in the middle of one, or where they overlap."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = {secret.encode() for secret in secrets if secret}
        self._held = b""
        self._covered = 0  # how much of the beginning of what is held belongs to stars that were told already

    def __call__(self, data: bytes) -> bytes:
        """`data` without secrets; its end is held back while it may be the beginning of one."""
        data = self._held + data
        return self._passed(data, len(data) - self._undecided(data))

    def rest(self) -> bytes:
        """What was held back and turned out not to go on."""
        return self._passed(self._held, len(self._held))

    def _passed(self, data: bytes, safe: int) -> bytes:
        """`data` up to `safe`, with stars for secrets; the rest is held."""
        parts: list[bytes] = []
        position, overhang = 0, max(self._covered - safe, 0)
        for start, end in self._spans(data):
            if start >= safe:
                break
            if start or not self._covered:
                parts += data[position:start], STARS
            position, overhang = min(end, safe), max(end - safe, 0)
        parts.append(data[position:safe])
        self._held, self._covered = data[safe:], overhang
        return b"".join(parts)

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets stand, those that overlap as one."""
        found = [(0, self._covered)] if self._covered else []
        for secret in self._secrets:
            start = data.find(secret)
            while start >= 0:
                found.append((start, start + len(secret)))
                start = data.find(secret, start + 1)
        merged: list[tuple[int, int]] = []
        for start, end in sorted(found):
            if merged and start < merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        return merged

    def _undecided(self, data: bytes) -> int:
        """The length of the longest end of `data` that is the beginning, but not the whole, of a secret."""
        longest = 0
        for secret in self._secrets:
            tail = data[-(len(secret) - 1) :] if len(secret) > 1 else b""
            start = tail.find(secret[:1])
            while 0 <= start < len(tail) - longest:
                if secret.startswith(tail[start : start + GLANCE]) and secret.startswith(tail[start:]):
                    longest = len(tail) - start
                start = tail.find(secret[:1], start + 1)
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
        start = data.find(b"\n::") if COLON in data else -1
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
    for sign in (b"\n:", b"\n"):
        if data.endswith(sign):
            return sign
    return b""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if -1e300 < number < 1e300 else None
