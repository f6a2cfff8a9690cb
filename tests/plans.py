"""The plans by which a database answered statements, in its own words."""

from collections.abc import Callable
from typing import Any

from apiflask import APIFlask
from sqlalchemy import event

from homeroom.data.database import db


def plans(
    app: APIFlask, do: Callable[[], Any], concerns: Callable[[str], bool], *, analyze: bool = False
) -> list[str]:
    """Do something and return the plan of each statement that concerns the test.

    `analyze` runs them once more on PostgreSQL, so that the plan tells how many rows each step had.
    """
    seen: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if concerns(statement):
            seen.append((statement, parameters))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        do()
        event.remove(db.engine, "before_cursor_execute", note)
        explain = "EXPLAIN (ANALYZE) " if analyze else "EXPLAIN "
        if db.engine.dialect.name == "sqlite":
            explain = "EXPLAIN QUERY PLAN "
        with db.engine.connect() as connection:
            return [
                "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + sql, parameters))
                for sql, parameters in seen
            ]
