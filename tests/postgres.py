"""The suite on PostgreSQL, without the browser and what touches no database: `python -m tests.postgres [arguments of pytest]`."""

import os
import sys

import pytest

from tests import postgresql


def main(arguments: list[str]) -> int:
    """pytest's exit code; 0 without a PostgreSQL to start, unless `REQUIRE_SERVICES=1`."""
    if postgresql.programs() is None:
        print("PostgreSQL is not installed here (apt-get install postgresql): the suite was run on SQLite only.")
        return int(os.environ.get("REQUIRE_SERVICES") == "1")
    os.environ["TEST_DATABASE"] = "postgresql"
    return int(pytest.main(["-m", "not browser", *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
