"""Which passwords may be set: one policy for every way in."""

import re
import unicodedata

from zxcvbn_rs_py import zxcvbn

from homeroom.auth.passwords import prepare_password
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
# What children choose, and what the list of common passwords is too old, or too English, for.
_ALSO_COMMON = (
    *("homeroom", "fortnite", "minecraft", "roblox", "brawlstars", "pokemon", "tiktok", "youtube"),
    *("passwort", "motdepasse", "contrasena", "wachtwoord", "senha", "parola", "haslo"),
)


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
