"""The first face: document 002's calls, and in its style whatever else the product can do; one file for each resource."""

from scheduler.api.v1 import auth, executions, logs, schedules, scheduling, task_verbs, task_views, tasks, transfer, whys

PARTS = (
    auth.calls,
    tasks.calls,
    task_verbs.calls,
    task_views.calls,
    whys.calls,
    executions.calls,
    logs.calls,
    schedules.calls,
    scheduling.calls,
    transfer.calls,
)
