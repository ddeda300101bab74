"""Why a task ran or not, or will or will not, at an instant: one closed cause, a sentence, what lies around it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import case, select

from scheduler import clock, nodes
from scheduler.accounts.permissions import Actor, require
from scheduler.database import db
from scheduler.errors import N_
from scheduler.runs import around, handing, policy, queue, reasons, upstreams
from scheduler.runs.around import Span
from scheduler.runs.models import Attempt, Run
from scheduler.runs.policy import Overlap
from scheduler.runs.queue import Hold
from scheduler.runs.reasons import Sentence
from scheduler.runs.status import LIVE, RAN, Cause, Status
from scheduler.schedules.plan import Plan
from scheduler.tasks import dependencies, past, pausing, queries
from scheduler.tasks.models import Task
from scheduler.tasks.past import Change, Then


class Because(StrEnum):
    """Every answer there is."""

    RUN = "run"
    RUNNING = "running"
    WILL_RUN = "will-run"
    WAITING_SLOT = "waiting-slot"
    WAITING_RETRY = "waiting-retry"
    WAITING_PAUSED = "waiting-paused"
    WAITING_SCHEDULER = "waiting-scheduler"
    WAITING_WORKER = "waiting-worker"
    MISSED_DOWN = "missed-down"
    MISSED_PAUSED = "missed-paused"
    MISSED_CLOCK = "missed-clock"
    MISSED_LATE = "missed-late"
    SKIPPED_OVERLAP = "skipped-overlap"
    SKIPPED_SCHEDULE = "skipped-schedule"
    BLOCKED_DEPENDENCY = "blocked-dependency"
    REPLACED_BY_NEWER = "replaced-by-newer"
    STOPPED = "stopped"
    DISABLED_BY = "disabled-by"
    DELETED = "deleted"
    PAUSED = "paused"
    OUTSIDE_WINDOW = "outside-window"
    MAX_RUNS = "max-runs"
    REPLACED_BY_EDIT = "replaced-by-edit"
    NOT_DUE = "not-due"
    NOT_SCHEDULED = "not-scheduled"
    BEFORE_CREATION = "before-creation"
    NO_RECORD = "no-record"


@dataclass(frozen=True)
class Explanation:
    """The answer for one instant: `due` is when it really was or will be due, `before` and `after` the nearest other times."""

    asked: datetime
    because: Because
    sentence: Sentence
    due: datetime | None = None
    run: Run | None = None
    before: datetime | None = None
    after: datetime | None = None
    notes: list[Sentence] = field(default_factory=list)


_REASON = {
    "down": Because.MISSED_DOWN,
    "paused": Because.MISSED_PAUSED,
    "clock": Because.MISSED_CLOCK,
    "late": Because.MISSED_LATE,
    "overlap": Because.SKIPPED_OVERLAP,
    "schedule": Because.SKIPPED_SCHEDULE,
    "dependency": Because.BLOCKED_DEPENDENCY,
    "upstream": Because.BLOCKED_DEPENDENCY,
    "replaced": Because.REPLACED_BY_NEWER,
    "disabled": Because.DISABLED_BY,
    "deleted": Because.DELETED,
}
_OTHERWISE = {Status.MISSED: Because.MISSED_LATE, Status.SKIPPED: Because.BLOCKED_DEPENDENCY}
_WAITS = {
    Hold.LATER: Because.WAITING_RETRY,
    Hold.PAUSED: Because.WAITING_PAUSED,
    Hold.NOBODY: Because.WAITING_SCHEDULER,
    Hold.WORKERS: Because.WAITING_WORKER,
}
_ENDED = {
    Status.SUCCESS: N_("It ran, beginning at %(at)s, and succeeded."),
    Status.BUSINESS_FAILURE: N_("It ran, beginning at %(at)s, and reported a business failure."),
    Status.TECHNICAL_FAILURE: N_("It ran, beginning at %(at)s, and failed."),
    Status.TIMEOUT: N_("It ran, beginning at %(at)s, and was stopped at its time limit."),
    Status.LOST: N_("It ran, beginning at %(at)s; nobody saw how it ended."),
}
_MEANWHILE = {
    Overlap.SKIP: N_("Run #%(number)s is going on: if it still is by then, this one is skipped."),
    Overlap.QUEUE: N_("Run #%(number)s is going on: if it still is by then, this one may have to wait."),
    Overlap.REPLACE: N_("Run #%(number)s is going on: if it still is by then, it is stopped in favour of this one."),
}


def explain(actor: Actor, task: Task, instant: datetime) -> Explanation:
    """Why `task` ran or not, or will or will not, at `instant`; a whole minute means all of that minute."""
    require(actor, "task.see", task)
    now, span = clock.now(), around.span(instant)
    run = _found(task, span)
    if run is not None:
        return _of_run(task, instant, run)
    coming = around.coming(task, span, now)
    later = coming is not None or span.start > now
    found = _of_future(task, instant, span, coming) if later else _of_past(task, instant, span)
    return _of_upstreams(actor, task, found) if found.because is Because.NOT_SCHEDULED else found


def _found(task: Task, span: Span) -> Run | None:
    """The row of the span: the schedule's before another's, the earliest; else that of a gap the span lies in."""
    inside = select(Run).where(Run.task_id == task.id, Run.scheduled_at >= span.start, Run.scheduled_at < span.end)
    first = case((Run.cause == Cause.SCHEDULE, 0), else_=1)
    run = db.session.scalars(inside.order_by(first, Run.scheduled_at, Run.id).limit(1)).first()
    if run is not None:
        return run
    gap = select(Run).where(Run.task_id == task.id, Run.scheduled_at <= span.start, Run.missed_until > span.start)
    found = db.session.scalars(gap.order_by(Run.id.desc()).limit(1)).first()
    if found is None or around.due(past.at(task, span.start).plan, span) is None:
        return None
    return found


def _of_run(task: Task, asked: datetime, run: Run) -> Explanation:
    because, sentence = _because(run)
    notes = []
    if because is Because.MISSED_PAUSED and (pause := pausing.covering(max(run.scheduled_at, asked))):
        text = N_("Paused by %(who)s from %(since)s: %(reason)s") if pause.reason else N_("Paused by %(who)s from %(since)s.")
        notes.append(Sentence(text, {"who": pause.paused_by, "since": pause.since, "reason": pause.reason}))
    due = run.scheduled_at if run.missed_count <= 1 else max(run.scheduled_at, asked)
    before, after = around.nearest(task, past.at(task, due).plan, around.span(due), due)
    return Explanation(asked, because, sentence, due, run, before, after, notes)


def _of_upstreams(actor: Actor, task: Task, found: Explanation) -> Explanation:
    """What has no schedule may run after other tasks: then it is for them that it waits."""
    names = dependencies.names([task.id], actor)[task.id]
    if not names:
        return found
    text = N_("It has no schedule: it runs after %(names)s, and they did not make it due then.")
    notes = upstreams.notes(actor, task, min(around.span(found.asked).end, clock.now()))
    if found.asked > clock.now():
        text = N_("It has no schedule: it runs after %(names)s, whenever that is.")
    sentence = Sentence(text, {"names": ", ".join(names)})
    return replace(found, because=Because.BLOCKED_DEPENDENCY, sentence=sentence, notes=notes)


def _because(run: Run) -> tuple[Because, Sentence]:
    if run.status == Status.PENDING:
        place = queue.place_of(run)
        why = place.why if place else Sentence(N_("It waits in the queue."))
        return _WAITS.get(place.hold if place else Hold.READY, Because.WAITING_SLOT), why
    if run.status == Status.RUNNING and handing.is_untaken(db.session.get(Attempt, (run.id, run.attempts))):
        return Because.WAITING_WORKER, Sentence(N_("It was handed over, and waits for a worker to take it."))
    if run.status == Status.RUNNING:
        return Because.RUNNING, Sentence(N_("It is running, since %(at)s."), {"at": run.started_at})
    if run.status in RAN:
        return Because.RUN, Sentence(_ENDED[Status(run.status)], {"at": run.started_at or run.queued_at})
    known = _REASON.get(str((run.reason or {}).get("code")), _OTHERWISE.get(Status(run.status), Because.STOPPED))
    return known, reasons.of(run) or Sentence(N_("It was not run."))


def _of_past(task: Task, asked: datetime, span: Span) -> Explanation:
    """No row: what stood in the way then."""
    then = past.at(task, span.start)
    due = around.due(then.plan, span)
    because, sentence = _why_no_row(task, span, then, due)
    before, after = around.nearest(task, then.plan, span, due)
    if because is Because.NOT_DUE and (late := around.unattended(task, span)):
        return _of_gap(asked, late, before, after)
    return Explanation(asked, because, sentence, due, None, before, after)


def _of_gap(asked: datetime, late: Run, before: datetime | None, after: datetime | None) -> Explanation:
    """Between an interval's due time and the moment somebody came to it: there were no more times, but not for nothing."""
    text = N_("It had been due at %(due)s, and nobody came to that before %(at)s; an interval went on only then.")
    sentence = Sentence(text, {"due": late.scheduled_at, "at": late.queued_at})
    why_late = reasons.of(late) if late.status == Status.MISSED else None
    because = _because(late)[0] if why_late else Because.NOT_DUE
    return Explanation(asked, because, sentence, None, late, before, after, [why_late] if why_late else [])


def _why_no_row(task: Task, span: Span, then: Then, due: datetime | None) -> tuple[Because, Sentence]:
    if (due or span.end) <= task.created_at:
        text = N_("The task did not exist yet: it was created at %(at)s.")
        return Because.BEFORE_CREATION, Sentence(text, {"at": task.created_at})
    if then.deleted:
        text = N_("The task was in the trash: %(who)s deleted it at %(at)s.")
        return Because.DELETED, _by(then.off, text, N_("The task was in the trash."))
    if then.plan is not None and then.plan.schedule.name == "manual":
        return Because.NOT_SCHEDULED, Sentence(N_("It had no schedule then: it ran only when somebody asked."))
    if due is None:
        return _why_not_due(task, span, then)
    if not then.enabled:
        return Because.DISABLED_BY, _by(then.off, N_("It was disabled: by %(who)s, at %(at)s."), N_("It was disabled."))
    if then.max_runs is not None and task.ticks >= then.max_runs:
        return Because.MAX_RUNS, Sentence(N_("It had been due as often as it may be: %(count)s times."), {"count": then.max_runs})
    if task.enabled and task.next_run_at is not None and due >= task.next_run_at:
        return Because.WAITING_SCHEDULER, Sentence(N_("It is due; the scheduler has not come to it yet."))
    return Because.NO_RECORD, Sentence(N_("It was due, but its row is not kept any more."))


def _why_not_due(task: Task, span: Span, then: Then) -> tuple[Because, Sentence]:
    plan = then.plan
    if plan is not None and (outside := _outside(plan, span)):
        return outside
    if then.replacing and around.due(queries.plan_of(task), span):
        text = N_("It was not due by the schedule it had then; %(who)s changed that at %(at)s.")
        return Because.REPLACED_BY_EDIT, _by(then.replacing, text, text)
    if then.replaced and around.due(then.replaced.plan, span):
        text = N_("It was due by its former schedule; %(who)s changed that at %(at)s.")
        return Because.REPLACED_BY_EDIT, _by(then.replaced.change, text, text)
    return Because.NOT_DUE, Sentence(N_("It was not due then."))


def _outside(plan: Plan, span: Span) -> tuple[Because, Sentence] | None:
    """When the schedule would be due, but not within the time it is for."""
    if not plan.schedule.elapsed and around.due(Plan(plan.schedule), span) is None:
        return None
    if plan.start_at and span.end <= plan.start_at:
        return Because.OUTSIDE_WINDOW, Sentence(N_("Its schedule begins at %(at)s."), {"at": plan.start_at})
    if plan.end_at and span.start > plan.end_at:
        return Because.OUTSIDE_WINDOW, Sentence(N_("Its schedule ended at %(at)s."), {"at": plan.end_at})
    return None


def _of_future(task: Task, asked: datetime, span: Span, coming: datetime | None) -> Explanation:
    plan = queries.plan_of(task)
    because, sentence = _why_later(task, plan, span, coming)
    notes = _reserves(task, coming) if because is Because.WILL_RUN and coming else []
    due = coming or around.due(plan, span)
    before, after = around.nearest(task, plan, span, due)
    return Explanation(asked, because, sentence, due, None, before, after, notes)


def _why_later(task: Task, plan: Plan, span: Span, coming: datetime | None) -> tuple[Because, Sentence]:
    if plan.schedule.name == "manual":
        return Because.NOT_SCHEDULED, Sentence(N_("It has no schedule: it runs only when somebody asks."))
    due = coming or around.due(plan, span)
    if due is None and not (plan.schedule.elapsed and not task.enabled):
        return _outside(plan, span) or (Because.NOT_DUE, Sentence(N_("It is not due then.")))
    if not task.enabled:
        off = past.at(task, clock.now()).off
        return Because.DISABLED_BY, _by(off, N_("It is disabled: by %(who)s, at %(at)s."), N_("It is disabled."))
    if due is None or around.beyond_limit(task, plan, due):
        text = N_("By then it has been due as often as it may be: %(count)s times.")
        return Because.MAX_RUNS, Sentence(text, {"count": task.max_runs})
    pause = pausing.current()
    if pause and pausing.Span(pause.since, pause.until).covers(due):
        text = N_("Everything is paused until %(until)s.") if pause.until else N_("Everything is paused until somebody resumes.")
        return Because.PAUSED, Sentence(text, {"until": pause.until} if pause.until else {})
    return Because.WILL_RUN, Sentence(N_("It will run at %(at)s."), {"at": due})


def _reserves(task: Task, due: datetime) -> list[Sentence]:
    """What is known now that may keep it from running then."""
    found = []
    if not nodes.ticking():
        found.append(Sentence(N_("The scheduler is not running now: this holds if it is by then.")))
    live = select(Run.id).where(Run.task_id == task.id, Run.status.in_(LIVE)).order_by(Run.id)
    alive = db.session.scalars(live.limit(policy.MOST_QUEUED)).all() if due == task.next_run_at else []
    choice = policy.overlap(len(alive), task.policy)
    if alive and (choice is not Overlap.QUEUE or len(alive) >= task.policy["max_instances"]):
        found.append(Sentence(_MEANWHILE[choice], {"number": alive[0]}))
    return found


def _by(change: Change | None, text: str, without: str) -> Sentence:
    return Sentence(text, {"who": change.by, "at": change.at}) if change else Sentence(without)
