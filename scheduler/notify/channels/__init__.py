"""The ways to reach people, one line each; what a way is stands in `base`."""

from scheduler.notify.channels.base import Answer as Answer
from scheduler.notify.channels.base import Config as Config
from scheduler.notify.channels.base import Letter as Letter
from scheduler.notify.channels.base import Way as Way
from scheduler.notify.channels.base import Ways
from scheduler.notify.channels.email import Email
from scheduler.notify.channels.inbox import Inbox
from scheduler.notify.channels.webhook import Webhook

ways = Ways("type")
ways.register(Email())
ways.register(Webhook())
ways.register(Inbox())
