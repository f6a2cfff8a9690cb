"""The heartbeat: a row that is written to find out whether the database can be written.

A file that is read-only, a disk that is full and a PostgreSQL in recovery all answer questions as ever.
"""

from datetime import datetime

from sqlalchemy import Integer, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from homeroom.data.database import Base, db
from homeroom.data.transactions import side_transaction
from homeroom.data.types import UTCDateTime, utc_now


class Heartbeat(Base):
    """The one row; the first beat puts it there."""

    __tablename__ = "heartbeat"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


def beat() -> None:
    """Write the row.

    Raises:
        SQLAlchemyError: the database cannot be written; `faults.fault_of` tells why (503).
    """
    with side_transaction() as connection:
        if connection.execute(update(Heartbeat).values(at=utc_now())).rowcount == 0:
            connection.execute(insert(Heartbeat).values(id=1, at=utc_now()))


def read_each_table() -> None:
    """Read a row of each table: a file that is damaged in the middle opens without complaint.

    Raises:
        SQLAlchemyError: one of them cannot be read (503).
    """
    with db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            # Whole rows: a single value may come from an index alone.
            connection.execute(select(table).limit(1))
