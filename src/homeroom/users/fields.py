"""What a name, an ID, an e-mail address and a date of birth may be; one rule for API, roster and CLI."""

import re
import unicodedata
from datetime import date

from email_validator import EmailNotValidError, validate_email
from fontTools.unicodedata import script

from homeroom.auth.models import Role
from homeroom.config import today
from homeroom.data.errors import reject_field
from homeroom.translations.messages import Message, MessageError, message

MAX_NAME_LENGTH = 100
MAX_UID_LENGTH = 64
MAX_AGE_YEARS = 120
_LONG_UID = message("An ID can have at most {max_length} characters.", max_length=MAX_UID_LENGTH)
_NO_EMAIL = message("This isn't an email address.")
# Between the dots of a domain stand at most 63 characters (RFC 1035, section 2.3.4).
_LONG_LABEL = re.compile("@[^@]*[^@.。．｡]{64}")
_FORBIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# What is invisible without being a control or format character: fillers of Hangul, the combining grapheme
# joiner, vowels that Khmer does not write, variation selectors, tags (Default_Ignorable_Code_Point,
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point); then a blank of Braille and of music.
_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        *((0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164)),
        *((0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
        *((0x2800, 0x2800), (0x1D159, 0x1D159)),
    )
    for code in range(first, last + 1)
)
# These shape what stands before them, in a name: zero-width (non-)joiners in Persian, Hindi and emoji,
# variation selectors in Mongolian, emoji and the characters of Japanese names. Others only serve to deceive.
_SHAPING = frozenset("\u200c\u200d") | {
    character for character in _INVISIBLE if "VARIATION SELECTOR" in unicodedata.name(character, "")
}


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _FORBIDDEN or character in _INVISIBLE


def _refuse_invisible(text: str) -> None:
    for character in text:
        if _is_invisible(character) and character not in _SHAPING:
            raise MessageError(
                "Remove the invisible character {character}.", character=f"U+{ord(character):04X}"
            )


def clean_line(text: str, *, if_empty: str, if_long: Message, max_length: int) -> str:
    """A line of text in any script, in NFC, with single spaces.

    `if_empty` and `if_long` say what is wrong; the latter has a place for `max_length`.

    Raises:
        ValueError: it is empty, too long, or holds invisible characters.
    """
    too_long = MessageError(if_long.filled(max_length=max_length))
    text = text.strip(" \t\r\n")
    if len(text) > 4 * max_length:
        raise too_long
    _refuse_invisible(text)
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if not any(unicodedata.category(character)[0] in "LNPS" for character in text):
        raise MessageError(if_empty)
    if len(text) > max_length:
        raise too_long
    return text


def clean_name(name: str) -> str:
    """A person's name, or the one they show to the public.

    Pages that were written for servers of this kind put names into HTML as they are, and will not change.

    Raises:
        ValueError: it is empty, longer than 100 characters, or holds invisible characters, `<` or `>`.
    """
    if "<" in name or ">" in name:
        raise MessageError("A name can't contain < or >.")
    return clean_line(
        name,
        if_empty=message("A name can't be empty."),
        if_long=message("A name can have at most {max_length} characters."),
        max_length=MAX_NAME_LENGTH,
    )


def clean_uid(uid: str) -> str:
    """An ID to sign in with: visible characters of any script without spaces, in NFKC.

    Raises:
        ValueError: it is empty, longer than 64 characters, or holds spaces, slashes or controls.
    """
    uid = uid.strip(" \t\r\n")
    if len(uid) > 4 * MAX_UID_LENGTH:
        raise MessageError(_LONG_UID)
    uid = unicodedata.normalize("NFKC", uid)
    if not uid:
        raise MessageError("An ID can't be empty.")
    if len(uid) > MAX_UID_LENGTH:
        raise MessageError(_LONG_UID)
    for character in uid:
        if (
            unicodedata.category(character)[0] in "CZ"
            or character in _INVISIBLE
            or character in "/\\?#%<>\"'"
        ):
            raise MessageError(
                "An ID can contain letters, digits and marks such as . _ - @ +, but no spaces or slashes."
            )
    if not any(unicodedata.category(character)[0] in "LN" for character in uid):
        raise MessageError("An ID needs a letter or a digit.")
    _require_one_script(uid)
    return uid


# Those that are written together: https://www.unicode.org/reports/tr39/#Restriction_Level_Detection
_WRITTEN_TOGETHER = (
    frozenset({"Latn", "Hani", "Hira", "Kana"}),
    frozenset({"Latn", "Hani", "Bopo"}),
    frozenset({"Latn", "Hani", "Hang"}),
)
_ANY_SCRIPT = frozenset({"Zyyy", "Zinh"})


def _require_one_script(uid: str) -> None:
    """UTS 39, "highly restrictive": with a Cyrillic first letter, nobody can tell `admin` from `admin`.

    Raises:
        ValueError: letters of scripts that are not written together.
    """
    scripts = {script(character) for character in uid} - _ANY_SCRIPT
    if len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER):
        raise MessageError("An ID can't mix letters of different alphabets.")


def clean_email(email: str) -> str:
    """An e-mail address in its normal form; whether it exists is not asked.

    Raises:
        ValueError: it is no address.
    """
    # The library finds that out, too, after milliseconds for each.
    if _LONG_LABEL.search(email):
        raise MessageError(_NO_EMAIL)
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        raise MessageError(_NO_EMAIL) from None


def check_dob(dob: date, today: date) -> date:
    """A date of birth that a living person may have.

    Raises:
        ValueError: it lies in the future or more than 120 years back.
    """
    if dob > today:
        raise MessageError("A date of birth can't be in the future.")
    if age_on(dob, today) > MAX_AGE_YEARS:
        raise MessageError("A date of birth can't be more than {years} years ago.", years=MAX_AGE_YEARS)
    return dob


def age_on(dob: date, today: date) -> int:
    """Full years on a day; 29 February counts on 1 March in other years."""
    return today.year - dob.year - ((today.month, today.day) < (dob.month, dob.day))


def read_role(word: str, pointer: str) -> Role:
    """The role of a body's field.

    Raises:
        InvalidFields: there is no such role (422).
    """
    try:
        return Role(word)
    except ValueError:
        reject_field(pointer, "No such role. Choose one of: {roles}.", roles=", ".join(Role))


def read_dob(dob: date, pointer: str) -> date:
    """The date of birth of a body's field.

    Raises:
        InvalidFields: nobody of the class was born then (422).
    """
    try:
        return check_dob(dob, today())
    except MessageError as error:
        reject_field(pointer, error.message)
