"""The verbs on groups: for now, that group 1 is there."""

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from scheduler import clock
from scheduler.database import db, transaction
from scheduler.tasks.models import DEFAULT_GROUP, Group


def ensure_default() -> None:
    """Make group 1 (`default`) unless it exists; two processes starting at once make one."""
    with transaction() as session:
        dialect = {"sqlite": sqlite, "postgresql": postgresql}[db.engine.dialect.name]
        values = {"id": DEFAULT_GROUP, "key": "default", "name": "default", "description": "", "created_at": clock.now()}
        session.execute(dialect.insert(Group).values(values).on_conflict_do_nothing())
        if db.engine.dialect.name == "postgresql":  # its counter knows nothing of a number that was given
            counter = func.pg_get_serial_sequence('"group"', "id")
            session.execute(select(func.setval(counter, select(func.max(Group.id)).scalar_subquery())))
