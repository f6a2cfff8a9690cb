"""Limits on guessing, counted in the database so that all workers and machines count as one."""

import hashlib
import time
from dataclasses import dataclass

from flask import request
from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import ColumnElement, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from werkzeug.exceptions import TooManyRequests

from homeroom.auth.models import AttemptCount
from homeroom.db import db, side_transaction


class DatabaseStorage(Storage):
    """Counters for the `limits` library, each raised in a transaction of its own."""

    STORAGE_SCHEME = None

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Raise a counter and return it; an expired one begins anew. Atomic on both databases."""
        now = time.time()
        insert = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
        expired = AttemptCount.expires_at <= now
        statement = (
            insert(AttemptCount)
            .values(key=_digest(key), count=amount, expires_at=now + expiry)
            .on_conflict_do_update(
                index_elements=[AttemptCount.key],
                set_={
                    "count": case((expired, amount), else_=AttemptCount.count + amount),
                    "expires_at": case((expired, now + expiry), else_=AttemptCount.expires_at),
                },
            )
            .returning(AttemptCount.count)
        )
        with side_transaction() as connection:
            count = connection.execute(statement).scalar_one()
            if count == amount:
                # A new window is a fine moment to forget those that are over.
                connection.execute(delete(AttemptCount).where(AttemptCount.expires_at <= now))
        return count

    def decr(self, key: str) -> None:
        """Lower a counter by one, if it still counts."""
        statement = (
            update(AttemptCount)
            .where(
                AttemptCount.key == _digest(key),
                AttemptCount.count > 0,
                AttemptCount.expires_at > time.time(),
            )
            .values(count=AttemptCount.count - 1)
        )
        with side_transaction() as connection:
            connection.execute(statement)

    def get(self, key: str) -> int:
        statement = select(AttemptCount.count).where(
            AttemptCount.key == _digest(key), AttemptCount.expires_at > time.time()
        )
        return db.session.scalar(statement) or 0

    def get_expiry(self, key: str) -> float:
        statement = select(AttemptCount.expires_at).where(AttemptCount.key == _digest(key))
        return db.session.scalar(statement) or time.time()

    def check(self) -> bool:
        return True

    def clear(self, key: str) -> None:
        self._delete(AttemptCount.key == _digest(key))

    def reset(self) -> int:
        return self._delete(AttemptCount.key.is_not(None))

    def _delete(self, condition: ColumnElement[bool]) -> int:
        with side_transaction() as connection:
            return connection.execute(delete(AttemptCount).where(condition)).rowcount


def _digest(key: str) -> str:
    # IDs and addresses are personal; counting needs only that equal ones are equal.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class AttemptLimit:
    """How often something may be tried by the same key, and what to say after that."""

    name: str
    item: RateLimitItem
    detail: str


# A class behind one school's address signs in within a minute, and some mistype: the bounds for an
# account at one address are tight, those for an address as a whole are wide.
SIGN_IN_HERE = AttemptLimit("sign-in", parse("10 per 5 minutes"), "Too many wrong passwords for this ID.")
SIGN_IN_ANYWHERE = AttemptLimit(
    "sign-in-account", parse("100 per hour"), "Too many wrong passwords for this ID."
)
SIGN_IN_ADDRESS = AttemptLimit(
    "sign-in-address", parse("300 per 5 minutes"), "Too many sign-ins from this network."
)
JOIN_CODE = AttemptLimit("join-code", parse("100 per 5 minutes"), "Too many codes were tried.")
SIGN_UP = AttemptLimit("sign-up", parse("60 per hour"), "Too many sign-ups from this network.")

_storage = DatabaseStorage()
_limiter = FixedWindowRateLimiter(_storage)


def count_attempt(limit: AttemptLimit, *key: str) -> None:
    """Count one more try.

    Raises:
        TooManyRequests: it is one too many (429, with `Retry-After` in seconds).
    """
    if not _limiter.hit(limit.item, limit.name, *key):
        _refuse(limit, key)


def forget_attempts(limit: AttemptLimit, *key: str) -> None:
    """Begin counting anew: the right password was given."""
    _limiter.clear(limit.item, limit.name, *key)


def refund_attempt(limit: AttemptLimit, *key: str) -> None:
    """Take one try back: it came to nothing through no fault of who tried."""
    _storage.decr(limit.item.key_for(limit.name, *key))


def _refuse(limit: AttemptLimit, key: tuple[str, ...]) -> None:
    reset_at = _limiter.get_window_stats(limit.item, limit.name, *key).reset_time
    wait_s = max(1, int(reset_at - time.time()) + 1)
    minutes = -(-wait_s // 60)
    unit = "minute" if minutes == 1 else "minutes"
    raise TooManyRequests(f"{limit.detail} Try again in {minutes} {unit}.", retry_after=wait_s)


def client_address() -> str:
    """The address that asks; behind a trusted proxy the one that the proxy names."""
    return request.remote_addr or "unknown"
