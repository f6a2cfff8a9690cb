"""Encryption to people's keys in the age format: the machine that makes backups cannot read them.

https://age-encryption.org/v1; the plain tools `age` and `rage` open what this writes.
"""

from collections.abc import Sequence
from pathlib import Path

import pyrage
from pyrage.x25519 import Identity, Recipient

from homeroom.data.files import new_file, open_private
from homeroom.operations.backup.errors import ArchiveError, BackupError

_FIRST_BYTES = b"age-encryption.org/v1\n"


def read_recipients(keys: Sequence[str]) -> list[Recipient]:
    """Public keys of age.

    Raises:
        BackupError: one of them is none.
    """
    try:
        return [Recipient.from_str(key) for key in keys]
    except pyrage.RecipientError:
        raise BackupError(
            "BACKUP_RECIPIENTS or --encrypt-to contains no age public key; one begins with age1, "
            "and `age-keygen` prints it."
        ) from None


def encrypt(source: Path, target: Path, recipients: Sequence[Recipient]) -> Identity:
    """Encrypt a file to all of these; returns a key of this moment that opens it as well.

    With that key what was written is read again and checked; it is never written anywhere, and once it
    is forgotten the recipients alone can read the file.
    """
    passing = Identity.generate()
    with source.open("rb") as plain, new_file(target) as secret:
        pyrage.encrypt_io(plain, secret, [*recipients, passing.to_public()])
    return passing


def is_encrypted(path: Path) -> bool:
    """Whether a file begins as age's do."""
    with path.open("rb") as file:
        return file.read(len(_FIRST_BYTES)) == _FIRST_BYTES


def decrypt(source: Path, target: Path, identities: Sequence[Identity]) -> None:
    """Open a file with one of these keys.

    Raises:
        ArchiveError: none of them fits, or the file is damaged.
    """
    try:
        with source.open("rb") as secret, open_private(target) as plain:
            pyrage.decrypt_io(secret, plain, identities)
    # What a damaged body ends in depends on where it is damaged.
    except (pyrage.DecryptError, OSError, ValueError) as error:
        target.unlink(missing_ok=True)
        raise ArchiveError(_why_closed(source, error)) from None


def _why_closed(path: Path, error: Exception) -> str:
    if isinstance(error, pyrage.DecryptError) and "No matching keys" in str(error):
        return f"{path.name} was encrypted for keys other than the one in --identity."
    return f"{path.name} can't be decrypted because it is damaged."


def read_identities(path: Path) -> list[Identity]:
    """The secret keys of a file as `age-keygen` writes it.

    Raises:
        BackupError: it cannot be read or holds none.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        raise BackupError(f"The identity file {path} cannot be read.") from None
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        identities = [Identity.from_str(key) for key in keys]
    except pyrage.IdentityError:
        identities = []
    if not identities:
        raise BackupError(
            f"{path} holds no identity of age; one is a line that begins with AGE-SECRET-KEY-1, "
            "as `age-keygen` writes it."
        )
    return identities
