"""A clock and a worker that ask nobody whether they may lead: for tests only, of what then keeps order."""

import argparse
import logging
import os
from datetime import datetime
from pathlib import Path

from scheduler import cli, config, create_app, enginelog
from scheduler.config import settings
from scheduler.daemon.dispatcher import Dispatcher
from scheduler.daemon.timetable import Timetable
from scheduler.execution.engines import Local
from scheduler.runs import ledger


def main() -> None:
    """Prepare the database, then settle and dispatch until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instance", type=Path)
    parser.add_argument("--port")
    options = parser.parse_args()
    app = create_app(config.load(options.instance, os.environ))
    enginelog.begin(settings().instance / "logs", settings().history.engine_log_days)
    with app.app_context():
        cli.prepare(settings())
    dispatcher = Dispatcher(app, Local(settings().instance))

    def settle(now: datetime) -> int:
        rows = ledger.settle(now)
        dispatcher.wake()
        return rows

    timetable = Timetable(app, settle)
    dispatcher.start()
    timetable.start()
    logging.getLogger("SchedulerEngine").info("event=daemon_leads leaderless=True")
    dispatcher._thread.join()


if __name__ == "__main__":
    main()
