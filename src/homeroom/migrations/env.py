"""Runs migrations: one at a time whoever starts them, and all or nothing."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from homeroom.auth import models  # noqa: F401  the tables that a migration is compared with
from homeroom.data.database import WRITES, Base, db
from homeroom.portfolio import models as portfolio_models  # noqa: F401
from homeroom.uploads import models as uploads_models  # noqa: F401

# Any number that nothing else in the database uses for its own advisory lock.
_LOCK_ID = 8086_0001


def run_migrations() -> None:
    """Upgrade or downgrade over one connection."""
    settings = current_app.extensions["migrate"].configure_args
    with db.engine.connect().execution_options(**WRITES) as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            _set_foreign_keys(connection, "OFF")
        context.configure(connection=connection, target_metadata=Base.metadata, **settings)
        with context.begin_transaction():
            if not sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_ID})")
            context.run_migrations()
            if sqlite:
                _check_foreign_keys(connection)
        if sqlite:
            _set_foreign_keys(connection, "ON")


def _set_foreign_keys(connection: Connection, state: str) -> None:
    """Rebuilding a table drops the old one, and with enforced keys that would delete what refers to it.

    SQLite ignores the switch inside a transaction, hence the driver's own connection:
    https://www.sqlite.org/pragma.html#pragma_foreign_keys
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(f"PRAGMA foreign_keys={state}")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"The migration would leave {len(broken)} rows that refer to nothing.")


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database; set DATABASE_URL or INSTANCE_PATH.")
run_migrations()
