"""The service face: document 000's calls, and in its paths 003's and 004's; each is answered in the words of the request."""

from scheduler.api.service import executions, statistics, task_verbs, tasks

PARTS = (tasks.calls, task_verbs.calls, executions.calls, statistics.calls)
