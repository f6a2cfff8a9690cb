"""Tokens: a signed note of who signed in, in which session, until when (RFC 7519)."""

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import jwt

ALGORITHM = "HS256"
MAX_TOKEN_LENGTH = 1024
# The year 9999, the last one that Python's dates know.
MAX_EXPIRY_S = 253_402_300_800
MAX_TOKENS_REMEMBERED = 10_000
_REQUIRED = ["sub", "sid", "iat", "exp"]
_coder = jwt.PyJWT(options={"enforce_minimum_key_length": True})


class TokenInvalidError(Exception):
    """A token that is malformed, expired, or not signed by one of our keys."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says: the user's immutable id, the session's, and until when it is good.

    `expires_at` is in seconds since 1970 (RFC 7519, section 4.1.4).
    """

    user_id: int
    session_id: str
    expires_at: int


def issue_token(claims: Claims, *, key: str, issued_at: datetime) -> str:
    """A token for the cookie."""
    payload = {
        "sub": str(claims.user_id),
        "sid": claims.session_id,
        "iat": issued_at,
        "exp": claims.expires_at,
    }
    return _coder.encode(payload, key, algorithm=ALGORITHM)


class TokenVerifier:
    """Verifies tokens with some keys, and remembers those that were good, by their hash, until they expire.

    A signature takes about 90 µs to check and never changes; whether the session goes on is not asked here.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        self._remembered: dict[bytes, Claims] = {}

    def verify(self, token: str) -> Claims:
        """What a token says, if one of the keys signed it and it has not expired.

        Raises:
            TokenInvalidError: in every other case; which one is nobody's business (401).
        """
        # Too long to be ours, and not worth a hash.
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenInvalidError
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        claims = self._remembered.get(digest)
        if claims is None or claims.expires_at <= time.time():
            claims = _claims(_decode(token, self._keys))
            self._remember(digest, claims)
        return claims

    def _remember(self, digest: bytes, claims: Claims) -> None:
        # Beginning anew now and then is simpler than an order of use, and costs each token one check.
        if len(self._remembered) >= MAX_TOKENS_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = claims


def _decode(token: str, keys: Sequence[str]) -> dict[str, object]:
    for key in keys:
        try:
            return _coder.decode(token, key, algorithms=[ALGORITHM], options={"require": _REQUIRED})
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, UnicodeError, RecursionError, OverflowError):
            raise TokenInvalidError from None
    raise TokenInvalidError


def _claims(payload: dict[str, object]) -> Claims:
    subject, session_id = payload["sub"], payload["sid"]
    # Other programs may sign with the same key; what they mean is not what we mean.
    if not isinstance(subject, str) or not re.fullmatch(r"[1-9][0-9]{0,17}", subject):
        raise TokenInvalidError
    if not isinstance(session_id, str) or not re.fullmatch(r"[0-9a-f]{32}", session_id):
        raise TokenInvalidError
    expires_at = payload["exp"]
    # RFC 7519 allows fractions, and JSON numbers of any size; ours are neither.
    if type(expires_at) is not int or not 0 < expires_at < MAX_EXPIRY_S:
        raise TokenInvalidError
    return Claims(int(subject), session_id, expires_at)
