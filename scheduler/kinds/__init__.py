"""The kinds of work a task can do, one line each; what a kind is stands in `base`."""

from typing import Any

from scheduler.kinds.base import Command, Content, Context, Field, Kind, read
from scheduler.kinds.http import Http
from scheduler.kinds.program import Program
from scheduler.kinds.python import Python
from scheduler.kinds.script import Script
from scheduler.kinds.shell import Shell
from scheduler.registry import Registry

__all__ = ["Command", "Content", "Context", "Field", "Kind", "kinds", "read"]

kinds: Registry[Kind[Any]] = Registry("type")
kinds.register(Shell())
kinds.register(Python())
kinds.register(Http())
kinds.register(Script())
kinds.register(Program())
