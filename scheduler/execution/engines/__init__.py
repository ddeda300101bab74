"""Where attempts are performed, one line each, and what carries them to workers; what either is stands in `base`."""

from importlib import import_module

from scheduler.config import Settings
from scheduler.execution.engines.base import Carrier, Consumer, Engine, Refusal
from scheduler.execution.engines.local import Local
from scheduler.registry import Registry

__all__ = ["Carrier", "Consumer", "Engine", "Local", "Refusal", "carrier", "engines"]

engines: Registry[type[Engine]] = Registry("engine")
engines.register(Local)


def carrier(now: Settings) -> Carrier | None:
    """What carries attempts to workers under these settings; None where the daemon's own node performs them.

    Its module is imported by name, and only then: Celery costs 25 MB and a fifth of a second that nobody else shall pay.
    """
    if not now.handed_over:
        return None
    made: Carrier = import_module(f"{__name__}.{now.engine.type}").Celery(now.engine.celery)
    return made
