"""Where attempts are performed, one line each; what an engine is stands in `base`."""

from scheduler.execution.engines.base import Engine, Refusal
from scheduler.execution.engines.local import Local
from scheduler.registry import Registry

__all__ = ["Engine", "Local", "Refusal", "engines"]

engines: Registry[type[Engine]] = Registry("engine")
engines.register(Local)
