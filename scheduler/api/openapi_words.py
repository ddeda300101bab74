"""What the OpenAPI document says in words: its sections, parameters, headers and statuses; the calls speak for themselves."""

from collections.abc import Mapping

from scheduler.errors import N_

ABOUT = N_(
    "Everything Scheduler can do, for programs. Three faces say it in the words of three documents: v1 is the whole, the "
    "service and the engine face are smaller ones for older clients. Times are UTC in answers; in requests a time without an "
    "offset is on the task's clock. Messages follow `Accept-Language`."
)
# The sections, in order: a name, what is in it, and the blueprints whose calls it holds.
SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (N_("Signing in"), N_("Tokens for programs, and one's own API keys."), ("v1_auth", "v1_api_keys")),
    (
        N_("Tasks"),
        N_("Make, change, run and stop tasks; how one stands, why it ran or did not, and its earlier versions."),
        ("v1_tasks", "v1_batch", "v1_task_verbs", "v1_task_views", "v1_revisions", "v1_whys", "v1_templates"),
    ),
    (N_("Executions"), N_("What ran, runs and waits, and what it printed."), ("v1_executions", "v1_logs")),
    (N_("Schedules"), N_("What a schedule would do, before anything is saved."), ("v1_schedules",)),
    (
        N_("Groups, secrets and statistics"),
        N_("Groups, the secrets their tasks may name, tags, and how it has gone."),
        ("v1_groups", "v1_secrets", "v1_stats"),
    ),
    (N_("Import and export"), N_("Files of tasks, in and out."), ("v1_transfer",)),
    (N_("The scheduler"), N_("How it stands, pausing everything, metrics, cleaning up."), ("v1_scheduling", "v1_system")),
    (
        N_("Notifications"),
        N_("Who is told of what, by which channels, how that went, and one's own messages."),
        ("v1_rules", "v1_channels", "v1_messages"),
    ),
    (N_("Users and audit"), N_("People, and what they did."), ("v1_users", "v1_audit")),
    (
        N_("Service face"),
        N_(
            "The same tasks for clients of two older descriptions of this service; no envelope. Named by its number, or with "
            "`task_name`, `enabled_only` or `offset`, a task is answered in the second form, else in the first."
        ),
        ("service_tasks", "service_task_verbs", "service_executions", "service_statistics"),
    ),
    (
        N_("Engine face"),
        N_("Programs below the instance folder, in the field names of the first scheduler's tasks.json; no envelope."),
        ("engine_tasks", "engine_executions"),
    ),
    (N_("Health"), N_("For whoever watches from outside, and this document itself."), ("", "heartbeat", "metrics", "openapi")),
)
OTHERS = (N_("Others"), N_("What no section names yet."))
SECURITY: Mapping[str, str] = {
    "bearer": N_("An access token of `POST /api/v1/auth/login`; an API key is taken here too."),
    "key": N_("An API key; it may do what its scopes name, and never more than its owner."),
    "session": N_("The browser's own session; anything but `GET` then needs the page's token in `X-CSRFToken`."),
}
# What a place in a path stands for.
PLACES: Mapping[str, str] = {
    "task_id": N_("The task's number or key."),
    "execution_id": N_("The execution's public id."),
    "group_id": N_("The group's number or key."),
    "template_id": N_("The template's key."),
    "user_id": N_("The user's number or name."),
    "name": N_("The secret's name."),
    "key_id": N_("The number of the API key."),
    "number": N_("The number of the version."),
    "rule_id": N_("The number of the rule."),
    "channel_id": N_("The number of the channel."),
    "message_id": N_("The number of the message."),
}
MEMBER = N_("The user's number.")
PARAMETERS: Mapping[str, str] = {
    "action": N_("Only entries of this act."),
    "actor": N_("Only what this user did."),
    "after": N_("Only lines after the one of this number."),
    "allowed_only": N_("Leave out the notification rules that one may not make, change or delete, and say which."),
    "against": N_("The version to compare with; the one before unless told."),
    "at": N_("The instant that is meant; without an offset on the task's clock."),
    "attempt": N_("Which attempt; the newest unless told."),
    "cause": N_("Only executions of this cause: `schedule`, `manual`, `api`, `retry`, `dependency`, `catch-up`."),
    "count": N_("How many."),
    "days": N_("How many days back."),
    "dry_run": N_("Change nothing, and say what would be changed, what would fire, and what is wrong with which line."),
    "enable": N_("Whether a crontab's tasks are enabled."),
    "enabled_only": N_("Only tasks that are enabled; the answer is in the words of the second form."),
    "end_date": N_("Until when, included: a day or an instant."),
    "execution_id": N_("Of which execution; the latest unless told."),
    "form": N_("Whose crontab it is: a user's, or the system's with a column for the user."),
    "format": N_("In which format."),
    "group": N_("Only what lies in this group: its key, or in v1 its number."),
    "ids": N_("Only these tasks: numbers, separated by commas."),
    "level": N_("Only lines of this level."),
    "limit": N_("How many at most."),
    "is_active": N_("Only tasks that are enabled, or only those that are not."),
    "lines": N_("How many of the last lines."),
    "log_type": N_("What it printed, or what it printed as errors."),
    "max_age_hours": N_("For how many hours an execution has to be over."),
    "object_id": N_("Only entries about the thing of this id."),
    "object_type": N_("Only entries about things of this kind."),
    "offset": N_("How many are passed over; the answer is in the words of the second form."),
    "page": N_("Which page, from 1."),
    "project_id": N_("The same as `group`."),
    "q": N_("Only what contains this text."),
    "replace": N_("Move tasks that the file does not hold to the trash, and delete templates and rules where it speaks of such."),
    "since": N_("Only from this instant on."),
    "size": N_("How many on a page."),
    "start_date": N_("From when, included: a day or an instant."),
    "status": N_("Only those that stand so, or whose last execution ended so."),
    "stream": N_("Only what was printed there."),
    "tag": N_("Only tasks with this tag."),
    "task_id": N_("Only executions of this task: its number or key."),
    "type": N_("Only tasks of this kind of work."),
    "unread": N_("Only messages that are not read yet."),
    "until": N_("Only up to this instant."),
    "wait": N_("For how many seconds to wait for the execution to be over; the answer is then all of it."),
}
HEADERS: Mapping[str, str] = {
    "Idempotency-Key": N_("Any text of one's own: the same request with it again answers what the first one did."),
    "If-Match": N_("The ETag of what is changed: when somebody else was faster, the answer is 409."),
    "ETag": N_("The version, for `If-Match`."),
    "X-Total-Count": N_("How many there are in all."),
    "Content-Disposition": N_("The name of the file."),
    "WWW-Authenticate": N_("How to say who asks."),
    "Allow": N_("The methods this address takes."),
    "Retry-After": N_("After how many seconds to ask again."),
}
STATUSES: Mapping[int, str] = {
    400: N_("Something in the request is wrong; each wrong field is named."),
    401: N_("Nobody, or nobody we know, is asking."),
    403: N_("You may not do this."),
    404: N_("It is not there, or not for you."),
    405: N_("This address does not take this method."),
    409: N_("A name that is taken, an old version, or a state that forbids it."),
    413: N_("The body is too large."),
    415: N_("The body is no JSON."),
    429: N_("Too much at once; `Retry-After` says when to ask again."),
    500: N_("Something went wrong on the server; its log says what."),
    503: N_("The database is busy, away or read-only; nothing was saved."),
    507: N_("The disk is full; nothing was saved."),
}
# Docstrings in other layers that the document holds too: the catalogue learns them here.
FROM_ELSEWHERE = (
    N_("That this process answers, and nothing else."),
    N_("200 when the database answers, the disk takes writes and the daemon ticks; else 503 and the name of what does not."),
    N_("How to sign in; `password` and `token` are secrets."),
    N_("A parameter as it is written."),
    N_("What one attempt may use; None: as much as the machine lets it."),
    N_("The older form: whether to write to one address when a run succeeds, and when it fails."),
    N_("By which way: a channel's name or number, or a `type` and what that type needs."),
    N_("From when to when nothing is sent, on the installation's clock; what comes then is sent at the end."),
    N_("After how many such events in a row what is sent by which channels."),
    N_("A rule as document 003 has it, and what it is about: `task` or `group` by number or key."),
    N_("What is to be changed of a rule; what it is about stays."),
    N_("A way to reach people; instead of `config` what belongs into it may stand beside `type`, as in document 003."),
)
DONE = N_("Done.")
OUTSIDE_503 = N_("It does not work; the text names what.")
