"""When tasks are due: pure rules, text and time in, time out; one line registers each kind of schedule."""

from typing import Any

from scheduler.registry import Registry
from scheduler.schedules import values
from scheduler.schedules.base import Schedule, Translate, zone, zone_names
from scheduler.schedules.calendar import Daily, Monthly, Weekly, Yearly
from scheduler.schedules.cron import Cron
from scheduler.schedules.interval import Interval
from scheduler.schedules.once import Manual, Once
from scheduler.schedules.plan import Plan

__all__ = ["Plan", "Schedule", "Translate", "parse", "schedules", "zone", "zone_names"]

schedules: Registry[type[Schedule]] = Registry("schedule_type")
schedules.register(Interval)
schedules.register(Daily)
schedules.register(Weekly)
schedules.register(Monthly)
schedules.register(Yearly)
schedules.register(Once)
schedules.register(Cron)
schedules.register(Manual)


def parse(kind: str, config: Any, timezone: str, seed: str = "") -> Schedule:
    """The schedule of that kind, configuration (canonical form) and zone; `seed` settles the `H` of cron."""
    return schedules.get(kind).parse(values.mapping(config), zone(timezone), seed)
