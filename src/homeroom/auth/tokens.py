"""Tokens: a signed note of who signed in, in which session, until when (RFC 7519)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import jwt

ALGORITHM = "HS256"
MAX_TOKEN_LENGTH = 1024
_REQUIRED = ["sub", "sid", "iat", "exp"]
_coder = jwt.PyJWT(options={"enforce_minimum_key_length": True})


class TokenInvalidError(Exception):
    """A token that is malformed, expired, or not signed by one of our keys."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says: the user's immutable id and the session's."""

    user_id: int
    session_id: str


def issue_token(claims: Claims, *, key: str, issued_at: datetime, expires_at: datetime) -> str:
    """A token for the cookie."""
    payload = {
        "sub": str(claims.user_id),
        "sid": claims.session_id,
        "iat": issued_at,
        "exp": expires_at,
    }
    return _coder.encode(payload, key, algorithm=ALGORITHM)


def verify_token(token: str, *, keys: Sequence[str]) -> Claims:
    """What a token says, if one of the keys signed it and it has not expired.

    Raises:
        TokenInvalidError: in every other case; which one is nobody's business (401).
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenInvalidError
    return _claims(_decode(token, keys))


def _decode(token: str, keys: Sequence[str]) -> dict[str, object]:
    for key in keys:
        try:
            return _coder.decode(token, key, algorithms=[ALGORITHM], options={"require": _REQUIRED})
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, UnicodeError, RecursionError):
            raise TokenInvalidError from None
    raise TokenInvalidError


def _claims(payload: dict[str, object]) -> Claims:
    subject, session_id = payload["sub"], payload["sid"]
    # Other programs may sign with the same key; what they mean is not what we mean.
    if not isinstance(subject, str) or not re.fullmatch(r"[1-9][0-9]{0,17}", subject):
        raise TokenInvalidError
    if not isinstance(session_id, str) or not re.fullmatch(r"[0-9a-f]{32}", session_id):
        raise TokenInvalidError
    return Claims(int(subject), session_id)
