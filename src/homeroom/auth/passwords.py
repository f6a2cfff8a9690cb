"""Passwords: argon2id, and werkzeug's older hashes verified once and then replaced."""

import re
import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher
from werkzeug.security import check_password_hash
from zxcvbn_rs_py import zxcvbn

from homeroom.translations.messages import MessageError

# NIST SP 800-63B, section 5.1.1.2: length counts, composition rules do not.
MIN_PASSWORD_LENGTH = 8
# Enough for any phrase, and no way to keep the hash busy with megabytes.
MAX_PASSWORD_LENGTH = 256
# What is rated of a long one: its beginning is strong enough, or it repeats itself. Rating takes time.
_MAX_RATED_LENGTH = 64
_MAX_KNOWN_WORDS = 8
# A million: what a guesser needs years for at the speed that the limits allow (zxcvbn's score 2).
_MIN_GUESSES_LOG10 = 6
# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_ARGON2 = Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)


# As werkzeug wrote them, with no more rounds than it ever did: a guess at a hash of ten million takes the
# machine ten seconds, whoever makes it.
_WERKZEUG = re.compile(
    r"(pbkdf2:sha(1|224|256|384|512)(:(?P<rounds>[0-9]{1,7}))?"
    r"|scrypt:(?P<n>[0-9]{1,7}):(?P<r>[0-9]{1,3}):(?P<p>[0-9]{1,3}))\$[^$]+\$[0-9a-f]+"
)
_MOST = {"rounds": 1_000_000, "n": 32_768, "r": 8, "p": 1}
# What children choose, and what the list of common passwords is too old, or too English, for.
_ALSO_COMMON = (
    *("homeroom", "fortnite", "minecraft", "roblox", "brawlstars", "pokemon", "tiktok", "youtube"),
    *("passwort", "motdepasse", "contrasena", "wachtwoord", "senha", "parola", "haslo"),
)


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


def check_new_password(password: str, *, uid: str, name: str) -> str:
    """The one policy for every way in: long enough, and not among the first guesses.

    Guesses are counted by zxcvbn, offline, with what is known of the person.

    Raises:
        ValueError: it is too short, too long, or easy to guess.
    """
    password = prepare_password(password)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise MessageError("Use at least {min_length:,} characters.", min_length=MIN_PASSWORD_LENGTH)
    if len(password) > MAX_PASSWORD_LENGTH:
        raise MessageError("Use at most {max_length:,} characters.", max_length=MAX_PASSWORD_LENGTH)
    words = _words(password)
    if words and words <= _words(uid) | _words(name) | {_bare(uid), _bare(name)}:
        raise MessageError("Don't use your ID or your name as the password.")
    known = [uid, name, *name.split()][:_MAX_KNOWN_WORDS]
    known = [*dict.fromkeys((*known, *map(_without_accents, known))), *_ALSO_COMMON]
    known = [text.casefold() for text in known]
    begins = password[:_MAX_RATED_LENGTH]
    spellings = {begins, _without_accents(begins)}
    guesses = min(zxcvbn(spelling, known).guesses_log10 for spelling in spellings)
    if guesses < _MIN_GUESSES_LOG10:
        raise MessageError("This password is easy to guess. Combine three or four words instead.")
    return password


def is_easy(password: str, *, uid: str, name: str) -> bool:
    """Whether a password that somebody has may not be set anew."""
    try:
        check_new_password(password, uid=uid, name=name)
    except ValueError:
        return True
    return False


def _bare(text: str) -> str:
    """Its letters alone, without accents: `123toby`, `Toby!` and `tôby` are one guess."""
    return "".join(filter(str.isalpha, _without_accents(text).casefold()))


def _words(text: str) -> set[str]:
    """Its words alone: `admin admin` is one guess, and so is `123 Hopper, Grace`."""
    return set(filter(None, map(_bare, re.split(r"[\W\d_]+", text))))


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))
