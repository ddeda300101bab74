"""Celery, as far as it is used: a broker that wakes workers. Which attempt is whose, the database decides."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import celery
from celery.worker import WorkController, state
from kombu import Exchange, Queue

from scheduler import config
from scheduler.execution.engines.base import Carrier, Consumer

TASK = "scheduler.attempt"
PATIENCE = 3.0  # seconds for the broker to answer: a dispatcher waits for it
RETRY = {"max_retries": 1, "interval_start": 0}  # a connection that broke meanwhile is made anew, once


class Celery(Carrier):
    """Messages of two numbers in one queue. Nothing is answered, nothing delivered again, nobody talks to anybody."""

    def __init__(self, settings: config.Celery) -> None:
        self._queue = settings.queue
        timeouts = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
        self._app = celery.Celery("scheduler", broker=settings.broker, set_as_current=False, fixups=[])
        self._app.conf.update(
            accept_content=["json"],
            task_serializer="json",
            task_ignore_result=True,
            task_acks_late=False,
            # By way of the nameless exchange: any other leaves a table in the broker, without which nothing is delivered.
            task_queues=[Queue(self._queue, Exchange(""), routing_key=self._queue)],
            task_default_queue=self._queue,
            task_default_exchange="",
            task_default_routing_key=self._queue,
            worker_prefetch_multiplier=1,
            worker_disable_prefetch=settings.broker.startswith("redis"),  # who is busy leaves messages to others
            worker_enable_remote_control=False,
            worker_hijack_root_logger=False,
            worker_pool="threads",
            broker_connection_timeout=PATIENCE,
            broker_connection_retry_on_startup=True,
            broker_connection_max_retries=None,
            broker_transport_options=timeouts if settings.broker.startswith("redis") else {},
        )
        for name in ("celery", "kombu", "redis"):
            logging.getLogger(name).setLevel(logging.WARNING)  # they tell of every message

    def publish(self, attempts: Sequence[tuple[int, int]]) -> None:
        try:
            with self._app.producer_or_acquire() as producer:
                for run_id, number in attempts:
                    self._app.send_task(
                        TASK, (run_id, number), producer=producer, ignore_result=True, retry=True, retry_policy=RETRY,
                        exchange="", routing_key=self._queue,
                    )  # fmt: skip
        except Exception as error:  # each broker's driver has its own
            raise _unreachable(error) from error

    def waiting(self) -> int:
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
                return int(self._app.amqp.queues[self._queue](connection.default_channel).queue_declare()[1])
        except Exception as error:
            raise _unreachable(error) from error

    def consumer(self, perform: Callable[[int, int], None], threads: int) -> "Taking":
        return Taking(self._app, perform, threads)


class Taking(Consumer):
    """A worker of Celery's in a thread, so that signals stay ours."""

    def __init__(self, app: celery.Celery, perform: Callable[[int, int], None], threads: int) -> None:
        self._perform = perform
        app.task(name=TASK, ignore_result=True)(self._performed)
        options = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        self._worker = WorkController(app=app, concurrency=threads, pool_cls="threads", ready_callback=self._ready, **options)
        self._free_out, self._free_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._worker.start, name="consumer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def over(self) -> bool:
        return self._thread.ident is not None and not self._thread.is_alive()

    def stop(self, patience: float) -> None:
        state.should_stop = 0  # the code to leave with; whoever heeds it looks once a second
        if self._thread.ident is not None:
            self._thread.join(patience)

    def _performed(self, run_id: int, number: int) -> None:
        try:
            self._perform(run_id, number)
        finally:
            with suppress(BlockingIOError):
                os.write(self._free_in, b"!")

    def _ready(self, consumer: Any) -> None:
        """Connected: when somebody comes free, look for the next message then, and not at the next second."""
        if consumer.hub is not None:
            consumer.hub.add_reader(self._free_out, self._freed, consumer.hub)

    def _freed(self, hub: Any) -> None:
        os.read(self._free_out, 4096)
        for seconds in (0.01, 0.1):  # the thread has yet to come back from here to there
            hub.call_later(seconds, _nothing)


def _nothing() -> None:
    """What a loop is woken for."""


def _unreachable(error: Exception) -> ConnectionError:
    """The same as an OSError; the driver's words name host and port and no password."""
    return ConnectionError(f"the broker does not answer: {type(error).__name__}: {error}")
