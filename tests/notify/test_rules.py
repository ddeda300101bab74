"""When a rule speaks: streaks of events in a row, recovery, quiet hours; a table of cases and what holds of all of them."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler.notify.rules import EVENTS, MEANINGS, Said, Streak, When, heard, quiet_until
from scheduler.runs.status import FAILED, RAN

WORDS = {
    "S": "success", "B": "business_failure", "T": "technical_failure", "O": "timeout", "L": "lost", "M": "missed",
    "K": "skipped", "C": "cancelled",
}  # fmt: skip
STATUSES = some.lists(some.sampled_from(sorted(WORDS.values())), max_size=40)
RULES = some.builds(
    When, some.frozensets(some.sampled_from(EVENTS), min_size=1), some.integers(min_value=1, max_value=5), some.booleans()
)


def told(when: When, statuses: list[str]) -> list[Said | None]:
    """What is said after each of these runs."""
    streak, found = Streak(), []
    for status in statuses:
        streak, said = heard(when, streak, status)
        found.append(said)
    return found


def spoke(triggers: str, runs: str, threshold: int = 1, repeat: bool = False) -> str:
    """One letter for each run: `!` where the rule spoke, `.` where it did not."""
    found = told(When(frozenset(triggers.split()), threshold, repeat), [WORDS[run] for run in runs])
    return "".join("!" if said else "." for said in found)


@pytest.mark.parametrize(
    ("triggers", "threshold", "repeat", "runs", "spoken"),
    [
        ("technical_failure", 1, False, "TTST", "!!.!"),
        ("technical_failure", 3, False, "TTTTTT", "..!..."),
        ("technical_failure", 3, True, "TTTTTT", "..!..!"),
        ("technical_failure", 3, False, "TTSTTT", ".....!"),
        ("technical_failure", 3, False, "TTBTTT", ".....!"),  # a failure of another kind is another event
        ("technical_failure", 3, False, "TKTMCT", ".....!"),  # what never ran is none
        ("technical_failure", 2, False, "TO", ".!"),
        ("timeout", 1, False, "TO", ".!"),
        ("timeout technical_failure", 2, False, "OT", ".!"),
        ("business_failure technical_failure", 2, False, "BT", ".!"),
        ("missed", 2, False, "MKM", "..!"),
        ("missed", 2, False, "MSM", "..."),
        ("skipped lost", 1, False, "KLS", "!!."),
        ("success", 2, False, "SSS", ".!."),
        ("recovered", 1, False, "SBSS", "..!."),
        ("recovered", 2, False, "BSBBS", "....!"),
        ("technical_failure recovered", 3, False, "TTTS", "..!!"),
        ("technical_failure recovered", 1, False, "BS", ".."),
        ("success recovered", 1, False, "BSS", ".!!"),
        ("success business_failure technical_failure timeout lost", 1, False, "C", "."),
    ],
)  # fmt: skip
def test_it_speaks_when_the_streak_is_long_enough(triggers: str, threshold: int, repeat: bool, runs: str, spoken: str) -> None:
    assert spoke(triggers, runs, threshold, repeat) == spoken


def test_a_timeout_goes_by_its_own_name() -> None:
    (said,) = told(When(frozenset({"technical_failure", "timeout"})), ["timeout"])
    assert said == Said("timeout", 1)


def test_a_long_gap_counts_as_often_as_it_was_due() -> None:
    assert heard(When(frozenset({"missed"}), 3), Streak(), "missed", 50) == (Streak(50, 0), Said("missed", 50))


@given(RULES, STATUSES)
def test_it_speaks_of_nothing_it_does_not_wait_for(when: When, statuses: list[str]) -> None:
    said = [one.event for one in told(when, statuses) if one]
    assert set(said) <= when.triggers


@given(RULES, STATUSES)
def test_at_a_threshold_of_one_it_speaks_of_each_event(when: When, statuses: list[str]) -> None:
    one = When(when.triggers, 1, when.repeat)
    meant = [any(name in when.triggers for name in MEANINGS.get(status, ())) for status in statuses]
    assert all(said for said, wanted in zip(told(one, statuses), meant, strict=True) if wanted)


@given(RULES, STATUSES)
def test_without_repeat_it_speaks_once_until_the_streak_breaks(when: When, statuses: list[str]) -> None:
    quiet = When(when.triggers - {"recovered"}, max(when.threshold, 2), repeat=False)
    spoken = 0
    for status, said in zip(statuses, told(quiet, statuses), strict=True):
        hit = any(name in quiet.triggers for name in MEANINGS.get(status, ()))
        spoken = 0 if status in RAN and not hit else spoken + (said is not None)
        assert spoken <= 1


@given(RULES, STATUSES)
def test_what_it_counts_never_exceeds_what_there_was(when: When, statuses: list[str]) -> None:
    for number, said in enumerate(told(when, statuses)):
        assert said is None or 1 <= said.count <= number + 1


@given(STATUSES)
def test_a_recovery_follows_a_failure(statuses: list[str]) -> None:
    found = told(When(frozenset({"recovered"})), statuses)
    for number, said in enumerate(found):
        earlier = [status for status in statuses[:number] if status in RAN]
        assert (said is not None) == (statuses[number] == "success" and bool(earlier) and earlier[-1] in FAILED)


@pytest.mark.parametrize(
    ("now", "begin", "end", "until"),
    [
        ("2026-03-02T23:30", "22:00", "07:00", "2026-03-03T07:00"),
        ("2026-03-03T06:59", "22:00", "07:00", "2026-03-03T07:00"),
        ("2026-03-03T07:00", "22:00", "07:00", "2026-03-03T07:00"),
        ("2026-03-02T12:00", "12:00", "13:00", "2026-03-02T13:00"),
        ("2026-03-02T11:59", "12:00", "13:00", "2026-03-02T11:59"),
        ("2026-03-02T11:59", "08:00", "08:00", "2026-03-02T11:59"),
    ],
)
def test_quiet_hours_put_off_until_their_end(now: str, begin: str, end: str, until: str) -> None:
    here = ZoneInfo("Asia/Shanghai")
    at = datetime.fromisoformat(now).replace(tzinfo=here).astimezone(UTC)
    found = quiet_until(at, time.fromisoformat(begin), time.fromisoformat(end), here)
    assert found.astimezone(here).isoformat(timespec="minutes")[:16] == until
