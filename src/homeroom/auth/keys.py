"""The keys that sign tokens and codes: the setting, or the one that the first start made."""

import secrets
from contextlib import suppress
from pathlib import Path
from typing import cast

from flask import Flask, current_app

from homeroom.auth.tokens import TokenVerifier
from homeroom.config import Config, ConfigError
from homeroom.config.checks import check_key
from homeroom.data.files import create_file, make_folder


def generate_key() -> str:
    """A new key: 256 random bits as text."""
    return secrets.token_urlsafe(32)


def signing_keys(config: Config) -> tuple[str, ...]:
    """The key that signs, then those that still verify (`SECRET_KEY_FALLBACKS`).

    Raises:
        ConfigError: the key kept in the instance folder is weak or cannot be read or made.
    """
    if config.secret_key is not None:
        current = config.secret_key.get_secret_value()
    else:
        current = _kept_key(config.key_file)
    return (current, *(key.get_secret_value() for key in config.secret_key_fallbacks))


def _kept_key(path: Path) -> str:
    try:
        if not path.exists():
            _make_key_file(path)
        return check_key(path.read_text().strip())
    except UnicodeDecodeError:
        raise ConfigError(f"The key in {path} isn't text. Restore the file from a backup") from None
    except ValueError as error:
        raise ConfigError(f"The key in {path} {error}") from None
    except OSError as error:
        raise ConfigError(
            f"INSTANCE_PATH: the key file {path} cannot be read or made ({error.strerror}); "
            "name a folder that this user may write"
        ) from None


def _make_key_file(path: Path) -> None:
    """Of two first starts at once, one makes the key and both use it."""
    make_folder(path.parent)
    # The other start may be first: then its key counts.
    with suppress(FileExistsError):
        create_file(path, f"{generate_key()}\n".encode())


def init_keys(app: Flask, config: Config) -> None:
    """Read the keys once, at start."""
    keys = signing_keys(config)
    app.extensions["homeroom_keys"] = keys
    app.extensions["homeroom_token_verifier"] = TokenVerifier(keys)


def current_keys() -> tuple[str, ...]:
    """The app's keys: the first one signs, all of them verify."""
    return cast("tuple[str, ...]", current_app.extensions["homeroom_keys"])


def current_verifier() -> TokenVerifier:
    """What verifies the app's tokens."""
    return cast("TokenVerifier", current_app.extensions["homeroom_token_verifier"])
