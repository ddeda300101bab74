"""The first face: document 002's calls, and in its style whatever else the product can do; one file for each resource."""

from scheduler.api.v1 import (
    api_keys,
    audit_log,
    auth,
    batch,
    executions,
    groups,
    logs,
    revisions,
    schedules,
    scheduling,
    stats,
    task_verbs,
    task_views,
    tasks,
    users,
    whys,
)

PARTS = (
    auth.calls,
    tasks.calls,
    batch.calls,
    task_verbs.calls,
    task_views.calls,
    revisions.calls,
    whys.calls,
    executions.calls,
    logs.calls,
    schedules.calls,
    scheduling.calls,
    stats.calls,
    groups.calls,
    users.calls,
    api_keys.calls,
    audit_log.calls,
)
