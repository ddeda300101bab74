"""Which controls the form of a task has, section by section, in tables; how they are read and checked is said elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scheduler.errors import N_
from scheduler.kinds import kinds
from scheduler.schedules import builder, schedules
from scheduler.tasks.policy import Limits, Policy
from scheduler.web.controls import Choices, Control

SECONDS = N_("seconds")
DAYS = tuple((str(day), str(day)) for day in range(1, 32))

BASICS = (
    Control("name", N_("Name"), hint=N_("Unique; up to 100 characters."), required=True),
    Control("group", N_("Group"), "select"),
    Control("description", N_("Description"), default=""),
    Control("tags", N_("Tags"), "words", hint=N_("Separated by commas.")),
    Control("is_active", N_("Enabled"), "checkbox", hint=N_("Runs when it is due. A disabled task runs only by hand.")),
)
TIMES = Control("schedule_config.times", N_("Times"), "times", required=True)
MISSING = Control("schedule_config.missing", N_("In months without that day"), "select", choices=builder.MISSING, default="last")
# In the order of a crontab line; seconds, which stand first there, are rare and stand last here.
CRON = (
    Control("schedule_config.minute", N_("minute")),
    Control("schedule_config.hour", N_("hour")),
    Control("schedule_config.day", N_("day")),
    Control("schedule_config.month", N_("month")),
    Control("schedule_config.weekday", N_("weekday")),
)
SECOND = Control("schedule_config.second", N_("second"))
LINE = "schedule_line"
SCHEDULES: Mapping[str, tuple[Control, ...]] = {
    "interval": (
        Control("schedule_config.interval", N_("Every"), "number", required=True, low=1),
        Control("schedule_config.unit", N_("Unit"), "select", choices=builder.UNITS, default="minutes"),
    ),
    "daily": (TIMES,),
    "weekly": (Control("schedule_config.days", N_("Weekdays"), "days", choices=builder.WEEKDAYS, required=True), TIMES),
    "monthly": (
        Control("schedule_config.days", N_("Days"), "days", choices=(*DAYS, ("last", N_("last day"))), required=True),
        TIMES,
        MISSING,
    ),
    "yearly": (
        Control("schedule_config.month", N_("Month"), "select", choices=tuple((str(m), word) for m, word in builder.MONTHS)),
        Control("schedule_config.day", N_("Day"), "number", required=True, low=1, high=31),
        TIMES,
        replace(MISSING, label=N_("In years without that day"),
                choices=(("last", N_("Run on the last day of that month instead")), ("skip", N_("Skip that year")))),
    ),
    "once": (Control("schedule_config.at", N_("Date and time"), "moment", required=True),),
    "cron": (*CRON, SECOND),
    "manual": (),
}  # fmt: skip
WINDOW = (
    Control("timezone", N_("Time zone"), "zone", default=""),
    Control("max_runs", N_("At most"), "number", suffix=N_("runs"), low=1),
    Control("start_at", N_("Starts at"), "moment"),
    Control("end_at", N_("Ends at"), "moment"),
)
OVERLAP = (
    ("skip", N_("Skip the new run")),
    ("queue", N_("Queue it")),
    ("replace", N_("Stop the old run")),
    ("allow", N_("Run up to the limit, then skip")),
)
MISFIRE = (
    ("skip", N_("Skip what was missed")),
    ("run_once", N_("Run once")),
    ("run_all", N_("Run all of them")),
)
USER = N_("A user of this machine; empty: the scheduler's own. Only administrators may choose one.")
OF_AN_INTERVAL = N_("An interval is due once after that, however long it was.")
OF_EACH = N_("Of each process by itself.")
ADDRESSES = N_("Address space of each process by itself: more than it really uses.")
OF_THE_USER = N_("Of its user in all, other programs included; root has no such limit.")
BACKOFF = (("fixed", N_("Always the same")), ("exponential", N_("Doubling each time")))
_POLICY = (
    Control("timeout_seconds", N_("Timeout"), "number", suffix=SECONDS),
    Control("kill_grace_seconds", N_("Time to end by itself"), "number", N_("Between SIGTERM and SIGKILL."), suffix=SECONDS),
    Control("max_instances", N_("Runs at the same time"), "number"),
    Control("overlap_policy", N_("While it is still running"), "select", choices=OVERLAP),
    Control("retry_count", N_("Retries"), "number", N_("After a technical failure or a timeout.")),
    Control("retry_delay_seconds", N_("Wait before a retry"), "number", suffix=SECONDS),
    Control("retry_backoff", N_("Later waits"), "select", choices=BACKOFF),
    Control("retry_max_delay_seconds", N_("Longest wait"), "number", suffix=SECONDS),
    Control("misfire_policy", N_("After the scheduler was down"), "select", OF_AN_INTERVAL, choices=MISFIRE),
    Control("misfire_grace_seconds", N_("Counts as on time within"), "number", suffix=SECONDS),
    Control("priority", N_("Priority"), "number", N_("Higher goes first.")),
    Control("success_exit_codes", N_("Exit codes: success"), "words"),
    Control("business_exit_codes", N_("Exit codes: business failure"), "words", N_("Not retried; every other is technical.")),
    Control(
        "retention_days", N_("Keep its history for"), "number", N_("Empty: as long as the installation does."), suffix=N_("days")
    ),
    Control("max_records", N_("Keep at most"), "number", N_("Empty: as many as the installation does."), suffix=N_("runs")),
    Control("run_as", N_("Run as user"), hint=USER),
    Control("limits.cpu_seconds", N_("Processor time"), "number", OF_EACH, suffix=SECONDS, group=N_("Limits")),
    Control("limits.memory_mb", N_("Memory"), "number", ADDRESSES, suffix="MB", group=N_("Limits")),
    Control("limits.processes", N_("Processes"), "number", OF_THE_USER, group=N_("Limits")),
    Control("limits.open_files", N_("Open files"), "number", OF_EACH, group=N_("Limits")),
    Control("limits.file_size_mb", N_("File size"), "number", suffix="MB", group=N_("Limits")),
    Control("limits.nice", N_("Niceness"), "number", N_("0 to 19: how far it steps back for others."), group=N_("Limits")),
)
DEPENDS_MODES = (
    ("all", N_("Once all of them have succeeded")),
    ("any", N_("Each time one of them succeeds")),
    ("finished", N_("Once all of them have ended, whatever came of it")),
)
MOST_PICKS = 300  # tasks shown to choose from; of more, the others are typed
AFTER = N_("Beside its schedule: choose “Manual only” there for none.")
DEPENDENCIES = (
    Control("depends_on", N_("Runs after"), "picks", AFTER, default=[], high=MOST_PICKS),
    Control("depends_mode", N_("Starts"), "select", choices=DEPENDS_MODES, default="all"),
)
NAMING = N_("A value may name a secret, which only the run gets: ${secret:NAME}.")
ADVANCED = (
    Control("env", N_("Environment variables"), "pairs", NAMING, default={}),
    Control("params", N_("Parameters"), "pairs", N_("Reach the program as environment variables too."), default={}),
    Control("working_directory", N_("Working directory"), hint=N_("Absolute; empty: a folder of the run's own."), default=""),
    Control("key", N_("Key"), hint=N_("Its name in addresses and the API; empty: made from the name."), default=""),
    Control("private", N_("Private"), "checkbox", hint=N_("Only its owner and administrators see it.")),
)


def policy() -> list[Control]:
    """The rules of a run, with the bounds and defaults that the policy itself has now."""
    return [_bounded(control) for control in _POLICY]


def of_type(type_: str) -> list[Control]:
    """The controls of what a kind runs; none for a task that runs its group's content."""
    return [Control.of_kind(field) for field in kinds.get(type_).fields()] if type_ in kinds else []


def of_schedule(kind: str) -> tuple[Control, ...]:
    """The controls of a kind of schedule."""
    return SCHEDULES.get(kind, ())


def everything(type_: str, schedule: str) -> Iterable[Control]:
    """Every control of the form for these two kinds."""
    return (*BASICS, *of_type(type_), *of_schedule(schedule), *WINDOW, *policy(), *DEPENDENCIES, *ADVANCED)


def limit_words() -> Mapping[str, str]:
    """What each limit is called."""
    return {control.name.partition(".")[2]: control.label for control in _POLICY if control.name.startswith("limits.")}


def schedule_words() -> Choices:
    """The kinds of schedule to choose from."""
    return tuple((schedule.name, schedule.label) for schedule in schedules)


def _bounded(control: Control) -> Control:
    first, _, inner = control.name.partition(".")
    field = (Limits if inner else Policy).model_fields[inner or first]
    bounds = {word: getattr(rule, word) for rule in field.metadata for word in ("ge", "le") if hasattr(rule, word)}
    default = field.get_default(call_default_factory=True)
    return replace(control, default=default, low=bounds.get("ge"), high=bounds.get("le"))
