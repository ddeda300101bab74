"""Random schedules, expressions and zones for the property tests."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import strategies as st

from scheduler.schedules.values import MONTHS, WEEKDAYS, clock_text

ZONES = [
    "UTC", "Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo",
    "Asia/Beirut", "America/Santiago", "America/Havana", "Europe/Dublin", "Africa/Casablanca", "Antarctica/Troll",
    "America/St_Johns", "Pacific/Chatham", "Pacific/Apia", "Asia/Tehran", "America/Asuncion", "Asia/Gaza", "Atlantic/Azores",
]  # fmt: skip
zones = st.sampled_from(ZONES)
moments = st.integers(0, 20 * 365 * 86400).map(lambda seconds: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def items(low, high, top=None, names=()):
    """One element of a cron field."""
    number = st.integers(low, top or high).map(str)
    value = st.one_of(number, st.sampled_from(names)) if names else number
    ends = st.tuples(value, value).map("-".join)
    step = st.integers(1, high + 3).map(lambda n: f"/{n}")
    return st.one_of(value, ends, st.just("*"), st.tuples(ends | st.just("*") | value, step).map("".join))


def columns(low, high, top=None, names=()):
    """One cron field: a star as often as not, else a short list."""
    return st.just("*") | st.lists(items(low, high, top, names), min_size=1, max_size=3).map(",".join)


minutes, hours = columns(0, 59), columns(0, 23)
# A leading star in a day field decides between “either” and “both”, hence more of them.
starred = st.tuples(st.integers(1, 12).map(lambda n: f"*/{n}"), st.sampled_from(["", ",5", ",1-3"])).map("".join)
days, months = columns(1, 31) | starred, columns(1, 12, names=MONTHS)
weekdays = columns(0, 6, 7, WEEKDAYS) | starred
expressions = st.tuples(minutes, hours, days, months, weekdays).map(" ".join)
with_seconds = st.tuples(columns(0, 59), minutes, hours, days, months, weekdays).map(" ".join)

clocks = st.lists(st.times().map(lambda found: clock_text(time(found.hour, found.minute, found.second))), min_size=1, max_size=3)
month_days = st.lists(st.integers(1, 31) | st.just("last"), min_size=1, max_size=3)
missing = st.sampled_from(["last", "skip"])
calendars = st.one_of(
    st.tuples(st.just("daily"), st.fixed_dictionaries({"times": clocks})),
    st.tuples(
        st.just("weekly"),
        st.fixed_dictionaries({"days": st.lists(st.sampled_from(WEEKDAYS), min_size=1), "times": clocks}),
    ),
    st.tuples(st.just("monthly"), st.fixed_dictionaries({"days": month_days, "times": clocks, "missing": missing})),
    st.tuples(
        st.just("yearly"),
        st.fixed_dictionaries({"month": st.integers(1, 12), "day": st.integers(1, 28), "times": clocks, "missing": missing}),
    ),
)
others = st.one_of(
    st.tuples(
        st.just("interval"),
        st.fixed_dictionaries({"interval": st.integers(1, 1000), "unit": st.sampled_from(["seconds", "hours"])}),
    ),
    st.tuples(st.just("once"), st.fixed_dictionaries({"at": moments.map(lambda at: at.replace(tzinfo=None).isoformat())})),
)
