"""The names of runs: drawn from a store, and nobody else's; what becomes of rows is tested with the ledger."""

import os

from scheduler.runs import rows


def test_no_two_names_are_alike_however_many_are_drawn() -> None:
    assert len({rows._mark() for _ in range(3 * rows.SUPPLY)}) == 3 * rows.SUPPLY


def test_a_name_is_random_letters_of_one_length() -> None:
    mark = rows._mark()
    assert len(mark) == rows.MARK and int(mark, 16) >= 0


def test_a_forked_process_draws_other_names() -> None:
    rows._mark()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, rows._mark().encode())
        os._exit(0)
    os.wait()
    assert os.read(reading, rows.MARK).decode() != rows._mark()
