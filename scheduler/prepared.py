"""Statements that write many rows: compiled once, each row's values put in by hand; reads nothing and knows no table.

On the run path SQLAlchemy's way of filling a compiled statement costs several times what the database takes for the row.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault


class Prepared:
    """One statement, and what it was compiled to for each database and each set of names."""

    def __init__(self, statement: Insert | Update) -> None:
        """What it sets is told by the rows; a parameter in its conditions bears no column's name."""
        self._statement = statement.inline() if isinstance(statement, Insert) else statement
        self._forms: dict[tuple[str, ...], _Form] = {}

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for each of `rows`, which all have the same names; without rows, not at all.

        What an insert does not name gets the plain default of its column. Nothing is answered.
        """
        if not rows:
            return
        key = (connection.dialect.name, *rows[0])
        form = self._forms.get(key) or self._forms.setdefault(key, _Form(self._statement, connection.dialect, key[1:]))
        connection.exec_driver_sql(form.text, form.filled(rows))


class _Form:
    """A statement as one database's driver takes it."""

    def __init__(self, statement: Insert | Update, dialect: Dialect, names: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        assert isinstance(compiled, SQLCompiler)
        self.text = compiled.string
        self._named = compiled.positiontup is None
        defaults = {
            column.key: column.default.arg
            for column in compiled.insert_prefetch
            if isinstance(column.default, ScalarElementColumnDefault)
        }
        constants = {name: value for name, value in (compiled.params | defaults).items() if name not in names}
        turns = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()}
        self._order = list(compiled.positiontup or compiled.params)
        self._turns = [(place, turn) for place, name in enumerate(self._order) if (turn := turns[name])]
        self._constants = [(place, constants[name]) for place, name in enumerate(self._order) if name in constants]
        self._values = itemgetter(*(names[0] if name in constants else name for name in self._order))

    def filled(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """The rows' values, in the driver's order, as the driver takes them."""
        found = [list(self._values(row)) for row in rows]
        for values in found:
            for place, value in self._constants:
                values[place] = value
            for place, turn in self._turns:
                if (value := values[place]) is not None:
                    values[place] = turn(value)
        return (
            [dict(zip(self._order, values, strict=True)) for values in found]
            if self._named
            else [tuple(values) for values in found]
        )
