"""What is claimed of the operations, and what the columns are called."""

from collections.abc import Iterator

from class_work.operations import P50, P99, Operation, series_name
from harness.claims import Claim

BARE, BARE_POSTGRESQL = "Homeroom", "Homeroom on PostgreSQL"
# By the database: bare, and through Nginx.
LABELS = {
    "SQLite": (BARE, f"{BARE}, through Nginx"),
    "PostgreSQL": (BARE_POSTGRESQL, f"{BARE_POSTGRESQL}, through Nginx"),
}
POCKETBASE, FASTAPI, LESSON = OTHERS = ("PocketBase", "FastAPI", "The lesson's way")
SHIPPED, WIRE = "PocketBase, less durable", "Wire limit"
_KEPT = (Operation.LIST, Operation.LIST_BY_TURNS)
# By how much Homeroom is to be faster than PocketBase.
_BESIDE_POCKETBASE = {
    Operation.LIST: 20,
    Operation.LIST_BY_TURNS: 15,
    Operation.MOSTLY_READS: 8,
    Operation.ONE_USER: 2,
    Operation.ONE_PROJECT: 2,
    Operation.CHANGE_NAME: 1,
    Operation.PROJECT: 1,
    Operation.UPLOAD: 1,
    Operation.DOWNLOAD: 1,
}


def _beside(operation: Operation, label: str, over: str, under: str, at_least: float) -> Claim:
    return Claim(label, series_name(operation, over), series_name(operation, under), at_least=at_least)


def claims() -> Iterator[Claim]:
    """All of them, in the order of the table."""
    for operation, least in _BESIDE_POCKETBASE.items():
        yield _beside(operation, f"{operation}: compared with PocketBase", BARE, POCKETBASE, least)
    yield _beside(Operation.LIST, f"{Operation.LIST}: compared with the lesson's way", BARE, LESSON, 20)
    yield Claim(
        f"{Operation.SESSIONS}: compared with reading one record in PocketBase",
        series_name(Operation.SESSIONS, BARE),
        series_name(Operation.ONE_USER, POCKETBASE),
        at_least=2,
    )
    yield Claim(
        f"{Operation.MOSTLY_READS}: compared with only lists",
        series_name(Operation.MOSTLY_READS, BARE),
        series_name(Operation.LIST_BY_TURNS, BARE),
        at_least=0.4,
    )
    for operation in (Operation.CHANGE_NAME, Operation.PROJECT):
        yield Claim(
            f"{operation}: p99 compared with p50, 16 writers",
            series_name(operation, BARE, P99),
            series_name(operation, BARE, P50),
            at_most=5,
        )
    yield _beside(Operation.DOWNLOAD, f"{Operation.DOWNLOAD}: of the wire limit", BARE, WIRE, 0.5)
    for operation in Operation:
        share = 0.5 if operation in _KEPT else 0.8
        label = f"{operation}: PostgreSQL compared with SQLite"
        yield _beside(operation, label, BARE_POSTGRESQL, BARE, share)
