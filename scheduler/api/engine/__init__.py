"""The engine face: document 001's calls, in its field names; what it leaves open is answered as `api` settled it."""

from scheduler.api.engine import executions, tasks

PARTS = (tasks.calls, executions.calls)
