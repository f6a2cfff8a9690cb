"""Passwords: argon2id, and werkzeug's older hashes verified once and then replaced."""

from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher
from werkzeug.security import check_password_hash

# NIST SP 800-63B, section 5.1.1.2: length counts, composition rules do not.
MIN_PASSWORD_LENGTH = 8
# Enough for any phrase, and no way to keep the hash busy with megabytes.
MAX_PASSWORD_LENGTH = 256
# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_ARGON2 = Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)


class WerkzeugHasher(HasherProtocol):
    """Reads `pbkdf2:` and `scrypt:` hashes as the lesson's servers stored them."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002  pwdlib's name
        text = hash.decode() if isinstance(hash, bytes) else hash
        return text.startswith(("pbkdf2:", "scrypt:")) and text.count("$") == 2

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:  # noqa: ARG002  never used
        raise TypeError("New passwords are hashed with argon2id.")

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
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
    return _hasher.hash(password)


def is_known_hash(text: str) -> bool:
    """Whether a stored text is a hash that `verify_password` can read."""
    return Argon2Hasher.identify(text) or WerkzeugHasher.identify(text)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether a password is right, and the better hash to store where the old one is outdated.

    Without a stored hash the same work is done, so that time tells no one who has an account.
    """
    if stored is None:
        _hasher.verify(password, _nobodys_hash())
        return False, None
    try:
        return _hasher.verify_and_update(password, stored)
    except UnknownHashError:
        _hasher.verify(password, _nobodys_hash())
        return False, None


def check_new_password(password: str, *, uid: str) -> str:
    """A password that may be set.

    Raises:
        ValueError: it is too short, too long, or the person's own ID.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise ValueError(f"A password has at least {MIN_PASSWORD_LENGTH} characters.")
    if len(password) > MAX_PASSWORD_LENGTH:
        raise ValueError(f"A password has at most {MAX_PASSWORD_LENGTH} characters.")
    if password.casefold() == uid.casefold():
        raise ValueError("A password may not be the ID.")
    if len(set(password)) < 4:
        raise ValueError("A password has at least four different characters.")
    return password
