"""The entry point: `python app.py` migrates and serves everything; `flask --app app scheduler …` starts the parts apart."""

import argparse
import os
import sys
from pathlib import Path

from flask import Flask

import scheduler
from scheduler import cli, config, trouble
from scheduler.errors import ConfigError, Unavailable


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application with its command line; `flask --app app` calls this."""
    app = scheduler.create_app(settings)
    app.cli.add_command(cli.commands)
    return app


def main() -> None:
    """Read the three options, then serve until told to stop; a configuration that cannot be used is said in words."""
    parser = argparse.ArgumentParser(description="Scheduler: pages, API, clock and worker in one process.")
    parser.add_argument("--host", help="the address to listen on (server.host)")
    parser.add_argument("--port", help="the port to listen on (server.port)")
    parser.add_argument("--instance", default=str(config.instance_folder()), help="the folder everything is kept in")
    options = parser.parse_args()
    environ = dict(os.environ)
    for name in ("host", "port"):
        if getattr(options, name):
            environ[f"SCHEDULER_SERVER__{name.upper()}"] = getattr(options, name)
    try:
        settings = config.load(Path(options.instance), environ)
        trouble.refuse_unwritable(settings.instance)
        cli.serve(create_app(settings))
    except ConfigError as error:
        sys.exit("\n".join(["The configuration cannot be used:", *(f"  {problem}" for problem in error.problems)]))
    except Unavailable as error:
        cause = str(error.__cause__ or "").strip().partition("\n")[0]
        sys.exit(f"Scheduler cannot start: {error}" + (f" [{cause}]" if cause else ""))


if __name__ == "__main__":
    main()
