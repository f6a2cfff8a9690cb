"""Join codes: one-time codes on paper with which someone sets the first, or a forgotten, password."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from homeroom.auth.keys import current_keys
from homeroom.auth.models import JoinCode, User
from homeroom.config import current_config
from homeroom.data.errors import NotFound
from homeroom.data.types import utc_now

# Crockford's base 32 has no I, L, O and U: https://www.crockford.com/base32.html
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110")
CODE_LENGTH = 12
GROUP_LENGTH = 4


@dataclass(frozen=True)
class IssuedCode:
    """A code as it is handed out: `ABCD-EFGH-JKMN`."""

    code: str
    expires_at: datetime


@dataclass(frozen=True)
class MadeCode:
    """A code, and the columns of its row; the row does not hold the code."""

    issued: IssuedCode
    columns: dict[str, Any]


def make_code(user_id: int, now: datetime) -> MadeCode:
    """A new code for a user, not written yet."""
    nonce = secrets.token_bytes(16)
    code = _derive(current_keys()[0], user_id, nonce)
    expires_at = now + current_config().join_code_lifetime
    columns = {
        "user_id": user_id,
        "nonce": nonce,
        "digest": _digest(current_keys()[0], code),
        "created_at": now,
        "expires_at": expires_at,
    }
    return MadeCode(IssuedCode(_grouped(code), expires_at), columns)


def issue_code(session: Session, user: User) -> IssuedCode:
    """A new code for a user who is locked or new; an older one ends. Belongs inside a write transaction."""
    session.flush()
    made = make_code(user.id, utc_now())
    session.execute(delete(JoinCode).where(JoinCode.user_id == user.id))
    session.add(JoinCode(**made.columns))
    return made.issued


def reprint_code(row: JoinCode) -> IssuedCode | None:
    """The code of a row once more; None where it ended or its key is gone."""
    if row.expires_at <= utc_now():
        return None
    for key in current_keys():
        code = _derive(key, row.user_id, row.nonce)
        if hmac.compare_digest(_digest(key, code), row.digest):
            return IssuedCode(_grouped(code), row.expires_at)
    return None


def current_code(session: Session, user: User) -> str:
    """A user's code: the one that was handed out, or a new one where it ended or is unreadable."""
    issued = None if user.join_code is None else reprint_code(user.join_code)
    return (issued or issue_code(session, user)).code


def find_code(session: Session, text: str) -> JoinCode:
    """The row of a code as someone typed it: any case, dashes or none, O for 0.

    Raises:
        NotFound: it never was one, was used, or has ended (404).
    """
    code = "".join(text.upper().split()).replace("-", "").translate(_MISREAD)
    row = None
    if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET):
        digests = [_digest(key, code) for key in current_keys()]
        row = session.scalar(
            select(JoinCode)
            .where(JoinCode.digest.in_(digests), JoinCode.expires_at > utc_now())
            .options(joinedload(JoinCode.user))
            # Asked a second time once the user is locked, it is what is true then.
            .execution_options(populate_existing=True)
        )
    if row is None:
        raise NotFound(
            "This code is wrong, was already used, or has expired. "
            "Ask whoever runs the class site for a new one."
        )
    return row


def _derive(key: str, user_id: int, nonce: bytes) -> str:
    secret = hmac.digest(key.encode(), b"join-code\x00" + nonce + str(user_id).encode(), "sha256")
    number = int.from_bytes(secret)
    return "".join(ALPHABET[number >> (5 * place) & 31] for place in range(CODE_LENGTH))


def _digest(key: str, code: str) -> bytes:
    # Keyed, so that a stolen database cannot be searched for the 60 bits of a code.
    return hmac.digest(key.encode(), b"join-code-digest\x00" + code.encode(), hashlib.sha256)


def _grouped(code: str) -> str:
    groups = range(0, CODE_LENGTH, GROUP_LENGTH)
    return "-".join(code[start : start + GROUP_LENGTH] for start in groups)
