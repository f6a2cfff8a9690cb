"""Hashes of passwords: argon2id, and werkzeug's older hashes verified once and then replaced.

A hasher, a process of its own (`hasher.py`), imports this module, so it imports little.
"""

import re
import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_ARGON2 = Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)


# As werkzeug wrote them, with no more rounds than it ever did: a guess at a hash of ten million takes the
# machine ten seconds, whoever makes it.
_WERKZEUG = re.compile(
    r"(pbkdf2:sha(1|224|256|384|512)(:(?P<rounds>[0-9]{1,7}))?"
    r"|scrypt:(?P<n>[0-9]{1,7}):(?P<r>[0-9]{1,3}):(?P<p>[0-9]{1,3}))\$[^$]+\$[0-9a-f]+"
)
_MOST = {"rounds": 1_000_000, "n": 32_768, "r": 8, "p": 1}


class WerkzeugHasher(HasherProtocol):
    """Reads `pbkdf2:` and `scrypt:` hashes as the lesson's servers stored them."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002  pwdlib's name
        found = _WERKZEUG.fullmatch(hash.decode() if isinstance(hash, bytes) else hash)
        if found is None:
            return False
        return all(int(found[name]) <= most for name, most in _MOST.items() if found[name] is not None)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:  # noqa: ARG002  never used
        raise TypeError("New passwords are hashed with argon2id.")

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
        # Here, as it brings an HTTP server with it: 9 MB that a hasher does without until an old hash comes.
        from werkzeug.security import check_password_hash

        text, secret = (v.decode() if isinstance(v, bytes) else v for v in (hash, password))
        try:
            return check_password_hash(text, secret)
        except (ValueError, OverflowError):
            # Parameters that this machine's hashlib does not offer: nothing can match.
            return False

    def check_needs_rehash(self, hash: str | bytes) -> bool:  # noqa: A002, ARG002
        return True


_hasher = PasswordHash((_ARGON2, WerkzeugHasher()))


def hash_password(password: str) -> str:
    """The argon2id hash of a password, about 25 ms."""
    return _hasher.hash(prepare_password(password))


def is_imported_hash(text: str | None) -> bool:
    """Whether a stored text is a hash of another server's, whose owner has not signed in here yet."""
    return text is not None and WerkzeugHasher.identify(text)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether a password is right, and the better hash to store where the old one is outdated.

    Without a stored hash the same work is done, so that time tells no one who has an account.
    """
    prepared, *older = _spellings(password)
    if stored is None:
        _hasher.verify(prepared, _nobodys_hash())
        return False, None
    try:
        right, better = _hasher.verify_and_update(prepared, stored)
    except UnknownHashError:
        _hasher.verify(prepared, _nobodys_hash())
        return False, None
    if not right and any(_hasher.verify(spelling, stored) for spelling in older):
        return True, hash_password(password)
    return right, better


def prepare_password(password: str) -> str:
    """A password in the one form that is hashed, however a keyboard wrote its accents and spaces.

    The mapping is that of RFC 8265, section 4.2.2 (OpaqueString): spaces of every kind become U+0020, and
    the text is composed (NFC).
    """
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", spaced)


def _spellings(password: str) -> list[str]:
    """The prepared form first, then those that were hashed as they were typed, before there was one."""
    prepared = prepare_password(password)
    return list(dict.fromkeys([prepared, password, unicodedata.normalize("NFD", prepared)]))
