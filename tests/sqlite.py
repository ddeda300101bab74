"""A SQLite file for a test: what keeps its content as it is, and what brings that back while it stays open."""

import shutil
import sqlite3
from itertools import compress
from pathlib import Path

LARGE = 4 << 20  # bytes from which a new file is quicker than emptying this one


class File:
    """A database file in `folder`, and beside it the one it becomes again."""

    def __init__(self, folder: Path) -> None:
        self._path, self._kept = folder / "test.db", folder / "kept.db"
        self.url = f"sqlite:///{self._path}"
        self._hand: sqlite3.Connection | None = None
        self._tables: list[str] = []
        self._filling: list[str] = []
        self._seen: tuple[object, ...] = ()

    def keep(self) -> None:
        """Take what the file holds for what `restore` and `renew` bring back; nobody may have it open."""
        shutil.copyfile(self._path, self._kept)
        self._grasp()

    def restore(self) -> bool:
        """Empty and fill the tables as they were, under the hands of those who have the file open.

        Whether that was possible: not in a file with other tables, in another file by that name, in a large or a locked one.
        """
        try:
            return self._hand is not None and self._path.stat().st_size < LARGE and self._refill(self._hand)
        except (sqlite3.Error, OSError):
            return False

    def renew(self) -> None:
        """A new file, not new content: SQLite takes what a connection left open knows of a file for true of all who open it."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self._kept, self._path)
        self._grasp()

    def close(self) -> None:
        if self._hand is not None:
            self._hand.close()
            self._hand = None

    def _grasp(self) -> None:
        """Keep the file open: its statements stay prepared, and it tells whether anybody wrote."""
        self._hand = sqlite3.connect(self._path, isolation_level=None, timeout=0, check_same_thread=False)
        self._hand.execute("ATTACH ? AS kept", (str(self._kept),))
        self._tables = [name for (name,) in self._hand.execute("SELECT name FROM kept.sqlite_schema WHERE type = 'table'")]
        self._filling = [f'INSERT INTO main."{name}" SELECT * FROM kept."{name}"' for name in self._filled(self._hand, "kept")]
        self._seen = self._marks(self._hand)

    def _filled(self, hand: sqlite3.Connection, where: str) -> list[str]:
        """The tables that hold a row: emptying one that is empty writes its pages all the same."""
        asked = ", ".join(f'EXISTS (SELECT 1 FROM {where}."{name}")' for name in self._tables)
        return list(compress(self._tables, hand.execute(f"SELECT {asked}").fetchone()))

    def _marks(self, hand: sqlite3.Connection) -> tuple[object, ...]:
        """Which file it is, what tables it has, and how often others have written to it."""
        pragmas = (hand.execute(f"PRAGMA main.{name}").fetchone()[0] for name in ("schema_version", "data_version"))
        return (self._path.stat().st_ino, *pragmas)

    def _refill(self, hand: sqlite3.Connection) -> bool:
        marks = self._marks(hand)
        if marks[:2] != self._seen[:2]:
            return False
        if marks != self._seen:
            hand.execute("BEGIN IMMEDIATE")
            try:
                for name in self._filled(hand, "main"):
                    hand.execute(f'DELETE FROM main."{name}"')
                for statement in self._filling:
                    hand.execute(statement)
                hand.execute("COMMIT")
            except sqlite3.Error:
                hand.execute("ROLLBACK")
                raise
            self._seen = self._marks(hand)
        return True
