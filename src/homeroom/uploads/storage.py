"""Where pictures are kept: a local folder, or any S3, behind three calls."""

from typing import cast

import obstore
from flask import Flask, current_app
from obstore.store import ObjectStore, from_url

from homeroom.config import Config, ConfigError


class PictureMissingError(Exception):
    """The database names a picture that the storage does not have."""


class Storage:
    """Pictures by name; a name, once given, means the same bytes for ever."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def save(self, name: str, data: bytes) -> None:
        """Keep a picture; it is there whole or not at all."""
        obstore.put(self._store, name, data)

    def read(self, name: str) -> bytes:
        """The bytes of a picture.

        Raises:
            PictureMissingError: there is none of this name.
        """
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            raise PictureMissingError(name) from None

    def delete(self, name: str) -> None:
        """Forget a picture; one that is gone already stays so."""
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return


def init_storage(app: Flask, config: Config) -> None:
    """Open the storage that `UPLOADS_URL` names.

    Raises:
        ConfigError: it cannot be opened.
    """
    try:
        local = config.uploads.startswith("file:")
        store = from_url(config.uploads, mkdir=True) if local else from_url(config.uploads)
        app.extensions["homeroom_storage"] = Storage(store)
    except (obstore.exceptions.BaseError, OSError) as error:
        raise ConfigError(f"UPLOADS_URL cannot be used: {error}") from None


def current_storage() -> Storage:
    """The app's storage."""
    return cast("Storage", current_app.extensions["homeroom_storage"])
