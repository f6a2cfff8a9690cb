"""Limits on guessing, counted in the database so that all workers and machines count as one."""

import hashlib
import ipaddress
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter

from flask import request
from sqlalchemy import Connection, Float, bindparam, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from homeroom.auth.models import AttemptCount
from homeroom.data.errors import Refused, TooMany, Unavailable
from homeroom.data.transactions import side_transaction
from homeroom.translations.messages import Message, joined, message, plural


@dataclass(frozen=True)
class AttemptLimit:
    """How often something may be tried by the same key within a window, and what to say after that."""

    name: str
    most: int
    window: timedelta
    detail: Message
    # The right password begins it anew; otherwise it takes back its own try alone.
    forgiving: bool = False


@dataclass(frozen=True)
class Attempt:
    """One try: the limit that it counts against, and whose it is (an account, a network, a device)."""

    limit: AttemptLimit
    key: tuple[str, ...]

    @property
    def digest(self) -> str:
        # IDs and addresses are personal; counting needs only that equal ones are equal.
        text = "\x00".join((self.limit.name, *self.key))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_FORGOTTEN_AT_ONCE = 1000
_TAKE_BACK = (
    update(AttemptCount)
    .where(AttemptCount.key == bindparam("digest"), AttemptCount.count > 0)
    .values(count=AttemptCount.count - 1)
)

_NOW, _UNTIL = bindparam("now", type_=Float), bindparam("until", type_=Float)
# A window that ends too far ahead was begun by a clock that was wrong.
_OVER = or_(AttemptCount.expires_at <= _NOW, AttemptCount.expires_at > _UNTIL)
# Built once: a sign-in counts four times, and building the statements took as long as Flask does.
_COUNT = {
    dialect: (
        insert(AttemptCount)
        .values(key=bindparam("digest"), count=1, expires_at=_UNTIL)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": case((_OVER, 1), else_=AttemptCount.count + 1),
                "expires_at": case((_OVER, _UNTIL), else_=AttemptCount.expires_at),
            },
        )
        .returning(AttemptCount.count, AttemptCount.expires_at)
    )
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_IDLE = select(AttemptCount.key).where(AttemptCount.expires_at <= _NOW)
_FORGET = delete(AttemptCount).where(
    AttemptCount.key.in_(_IDLE.limit(_FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True))
)
_BEGIN_ANEW = delete(AttemptCount).where(AttemptCount.key == bindparam("digest"))

_MINUTES = timedelta(minutes=1)
_TRIED = message("Too many wrong passwords for this ID.")
# docs/decisions/limits.md says what each of them is for, and what an attacker can still do.
SIGN_IN_HERE = AttemptLimit("sign-in", 10, 5 * _MINUTES, _TRIED, forgiving=True)
SIGN_IN_ANYWHERE = AttemptLimit("sign-in-account", 100, 60 * _MINUTES, _TRIED)
SIGN_IN_DEVICE = AttemptLimit("sign-in-device", 10, 5 * _MINUTES, _TRIED, forgiving=True)
CONFIRMATION = AttemptLimit(
    "confirmation", 30, 60 * _MINUTES, message("Too many wrong passwords."), forgiving=True
)
_NETWORK = message("Too many sign-ins from this network.")
SIGN_IN_NETWORK = AttemptLimit("sign-in-network", 300, 5 * _MINUTES, _NETWORK)
SIGN_IN_SITE = AttemptLimit("sign-in-site", 1500, 5 * _MINUTES, _NETWORK)
JOIN_CODE = AttemptLimit("join-code", 100, 5 * _MINUTES, message("Too many wrong codes."))
SIGN_UP = AttemptLimit("sign-up", 60, 60 * _MINUTES, message("Too many sign-ups from this network."))
RENAME = AttemptLimit("rename", 10, 60 * _MINUTES, message("You have changed your ID too often."))


def count_attempt(limit: AttemptLimit, *key: str) -> None:
    """Count one more try.

    Raises:
        TooMany: it is one too many (429, with `Retry-After` in seconds).
    """
    _count([Attempt(limit, key)])


def refund_attempt(limit: AttemptLimit, *key: str) -> None:
    """Take one try back: nothing was checked by it."""
    with side_transaction() as connection:
        _take_back(connection, [Attempt(limit, key)])


@contextmanager
def counted(attempts: Sequence[Attempt], *, forgives: bool = True) -> Iterator[None]:
    """Count tries before anything is checked; they are taken back where the block ends without a refusal.

    A wrong password (401, 403, 404 from the block) stays counted. The right one, and a server that could
    not check at all (503), do not: twelve who sign in at once from one school are no attack.

    Args:
        attempts: what the try counts against.
        forgives: take the tries back after a block without an error; otherwise the caller does, by
            `forgive` in a unit that it needs anyway.

    Raises:
        TooMany: one of them is one too many (429); nothing is checked.
    """
    _count(attempts)
    try:
        yield
    except BaseException as error:
        if isinstance(error, Unavailable) or not isinstance(error, Refused):
            with side_transaction() as connection:
                _take_back(connection, _in_order(attempts))
        raise
    if forgives:
        with side_transaction() as connection:
            forgive(connection, attempts)


def _count(attempts: Sequence[Attempt]) -> None:
    refusal = None
    with side_transaction() as connection:
        counted_so_far: list[Attempt] = []
        for attempt in _in_order(attempts):
            counted_so_far.append(attempt)
            count, wait_s = _raise_count(connection, attempt)
            if count > attempt.limit.most:
                # What is refused is not checked; nobody else's window shall count it.
                _take_back(connection, counted_so_far)
                refusal = _refusal(attempt.limit, wait_s)
                break
    if refusal is not None:
        raise refusal


def _in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    """In one order for everybody: rows stay locked until the commit, and nobody waits in a circle."""
    return sorted(attempts, key=attrgetter("digest"))


def _raise_count(connection: Connection, attempt: Attempt) -> tuple[int, float]:
    """The count after this try, and how many seconds the window still lasts. Atomic on both databases."""
    now = time.time()
    until = now + attempt.limit.window.total_seconds()
    count, expires_at = connection.execute(
        _COUNT[connection.dialect.name], {"digest": attempt.digest, "now": now, "until": until}
    ).one()
    if count == 1:
        # A new window is a fine moment to forget those that are over and that nobody begins anew.
        connection.execute(_FORGET, {"now": now})
    return count, expires_at - now


def forgive(connection: Connection, attempts: Sequence[Attempt]) -> None:
    """Take tries back after the right password, last in a unit: others wait for these rows."""
    for attempt in _in_order(attempts):
        if attempt.limit.forgiving:
            connection.execute(_BEGIN_ANEW, {"digest": attempt.digest})
        else:
            _take_back(connection, [attempt])


def _take_back(connection: Connection, attempts: Sequence[Attempt]) -> None:
    connection.execute(_TAKE_BACK, [{"digest": attempt.digest} for attempt in attempts])


def _refusal(limit: AttemptLimit, wait_s: float) -> TooMany:
    seconds = max(1, int(wait_s) + 1)
    minutes = -(-seconds // 60)
    wait = plural("Try again in {count} minute.", "Try again in {count} minutes.", count=minutes)
    return TooMany(joined([limit.detail, wait]), retry_after_s=seconds)


def client_address() -> str:
    """The address that asks; behind a trusted proxy the one that the proxy names."""
    return request.remote_addr or "unknown"


def network_of(address: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 that a home or a phone is given of IPv6.

    https://www.rfc-editor.org/rfc/rfc6177 and https://www.ripe.net/publications/docs/ripe-690/
    """
    return _prefix(address, 64)


def site_of(address: str) -> str:
    """A customer of a provider: an IPv4 address, or the /48 that holds 65,536 networks of IPv6."""
    return _prefix(address, 48)


def _prefix(address: str, length: int) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, length), strict=False))
