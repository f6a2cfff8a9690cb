"""Settings: the environment, read once into a frozen value that refuses what cannot be right."""

import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self, cast
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic import model_validator as check_together
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url

from homeroom.config.checks import (
    MAKE_KEY,
    check_cookie_name,
    check_database,
    check_key,
    check_origin,
    check_place,
    check_recipients,
    check_zone,
    parse_keep,
)
from homeroom.config.reasons import reason_of

# Two for those who write, two for those who read.
MIN_CONNECTIONS = 4
SECRET_KEY_FILE = "secret_key"  # noqa: S105  the name of the file, not the key
# Base64 makes four bytes of three; the rest of a body is small.
_BODY_OVERHEAD_BYTES = 64 * 1024
# Of a default that depends on other settings, where one of them is wrong: that one is told.
_NO_DEFAULT = "default_factory_not_called"
# One letter more, less or other in a name of eight; other programs' variables are farther away.
_NEAR = 0.87
# Where pages are served while somebody writes them: by Jekyll (4100 is the lesson's), by editors, by Python.
LOCAL_PORTS = (4100, 4000, 4500, 4599, 4600, 5500, 8080)


class ConfigError(Exception):
    """A setting cannot be right; the text names the variable and the remedy."""


class Environment(StrEnum):
    """Where the program runs: production refuses what development forgives."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Registration(StrEnum):
    """Who may sign up."""

    CODE = "code"
    APPROVAL = "approval"
    OPEN = "open"
    CLOSED = "closed"


def usable_cores() -> int:
    """How many cores this process may use; a container may be held to some of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def local_origins(environment: Environment | None) -> tuple[str, ...]:
    """Whose pages may ask by default: those of this machine; in production, of the lesson's port alone."""
    ports = LOCAL_PORTS if environment is Environment.DEVELOPMENT else LOCAL_PORTS[:1]
    return tuple(f"http://{host}:{port}" for port in ports for host in ("localhost", "127.0.0.1"))


class SqliteSynchronous(StrEnum):
    """How far SQLite waits for the disk: FULL survives the power going, NORMAL may lose the last commits."""

    FULL = "FULL"
    NORMAL = "NORMAL"


def _split(value: object) -> object:
    """A comma-separated variable as a tuple; anything else is left to the field's own check."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Config(BaseSettings):
    """Everything that can be set, with the names of the environment's variables in lower case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    homeroom_env: Environment = Environment.DEVELOPMENT
    # Left empty, as in a file of settings, it is the default and not the current folder.
    instance_path: Annotated[Path, BeforeValidator(lambda path: path or "instance")] = Path("instance")
    volume_path: Path | None = None
    secret_key: SecretStr | None = None
    secret_key_fallbacks: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = ()
    database_url: Annotated[str, AfterValidator(check_database)] = ""
    # Of each worker. PostgreSQL allows 100 in all by default: `homeroom serve` compares.
    database_connections: int = Field(default=16, ge=MIN_CONNECTIONS, le=500)
    database_timeout_s: float = Field(default=10, gt=0, le=3600)
    sqlite_synchronous: SqliteSynchronous = SqliteSynchronous.FULL
    uploads_url: Annotated[str, AfterValidator(partial(check_place, default="instance/uploads"))] = ""
    backup_url: Annotated[str, AfterValidator(partial(check_place, default="instance/backups"))] = ""
    backup_recipients: Annotated[CommaSeparated, AfterValidator(check_recipients)] = ()
    backup_keep: str = "daily=7,weekly=4,monthly=12"
    max_upload_bytes: int = Field(default=5 * 1024 * 1024, ge=1024, le=100 * 1024 * 1024)
    max_pictures_per_user: int = Field(default=200, ge=1, le=100_000)
    max_bytes_per_user: int = Field(default=250_000_000, ge=1024)
    max_bytes_of_class: int = Field(default=10_000_000_000, ge=1024)
    disk_reserve_mb: int = Field(default=16, ge=0, le=10_000)
    frontend_origins: CommaSeparated = Field(
        default_factory=lambda settings: local_origins(settings.get("homeroom_env"))
    )
    cookie_name: Annotated[str, AfterValidator(check_cookie_name)] = "jwt"
    token_lifetime_hours: float = Field(default=12, gt=0, le=24 * 90)
    join_code_lifetime_days: float = Field(default=60, gt=0, le=366)
    registration: Registration = Registration.CODE
    time_zone: Annotated[str, AfterValidator(check_zone)] = "UTC"
    # A worker cannot know how many others there are: `homeroom serve` shares the cores among its own.
    hashes_at_once: int = Field(default_factory=usable_cores, ge=1, le=64)
    read_path: bool = True
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    log_level: str = "INFO"

    @field_validator("secret_key", mode="after")
    @classmethod
    def _key_is_strong(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            check_key(key.get_secret_value())
        return key

    @field_validator("secret_key_fallbacks", mode="after")
    @classmethod
    def _fallbacks_are_strong(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            check_key(key.get_secret_value())
        return keys

    @field_validator("frontend_origins", mode="after")
    @classmethod
    def _origins_are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(check_origin(origin) for origin in origins))

    @field_validator("backup_keep", mode="after")
    @classmethod
    def _keep_is_a_schedule(cls, schedule: str) -> str:
        parse_keep(schedule)
        return schedule

    @field_validator("log_level", mode="before")
    @classmethod
    def _level_exists(cls, level: object) -> object:
        levels = ("DEBUG", "INFO", "WARNING", "ERROR")
        if str(level).upper() not in levels:
            raise ValueError(f"must be one of {', '.join(levels)}")
        return str(level).upper()

    @check_together(mode="after")
    def _production_has_a_key(self) -> Self:
        if self.production and self.secret_key is None and not self.key_file.exists():
            raise ValueError(f"SECRET_KEY is missing, and production does not make one up; {MAKE_KEY}")
        return self

    @property
    def production(self) -> bool:
        return self.homeroom_env is Environment.PRODUCTION

    @property
    def max_body_bytes(self) -> int:
        """The largest body that is taken: a picture of the largest size as base64, and what surrounds it."""
        return self.max_upload_bytes * 4 // 3 + _BODY_OVERHEAD_BYTES

    @property
    def key_file(self) -> Path:
        """Where the first start keeps the key that it made."""
        return self.instance_path / SECRET_KEY_FILE

    @property
    def token_lifetime(self) -> timedelta:
        return timedelta(hours=self.token_lifetime_hours)

    @property
    def join_code_lifetime(self) -> timedelta:
        return timedelta(days=self.join_code_lifetime_days)

    @property
    def zone(self) -> ZoneInfo:
        """The class's time zone: ages turn at its midnight."""
        return ZoneInfo(self.time_zone)

    def today(self) -> date:
        """The day in the class's time zone."""
        return datetime.now(self.zone).date()

    @property
    def database(self) -> URL:
        """The database's address with the driver that we use filled in."""
        if not self.database_url:
            return URL.create("sqlite", database=str(self.instance_path.resolve() / "homeroom.db"))
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite":
            return url.set(drivername="sqlite")
        return url.set(drivername="postgresql+psycopg")

    @property
    def database_file(self) -> Path | None:
        """SQLite's file; None where the database is a server."""
        url = self.database
        if url.get_backend_name() != "sqlite" or not url.database:
            return None
        return Path(url.database.removeprefix("file:"))

    @property
    def uploads(self) -> str:
        """Where pictures are kept: a file:// or s3:// address."""
        return self.uploads_url or (self.instance_path.resolve() / "uploads").as_uri()

    @property
    def backups(self) -> str:
        """Where archives are kept: a file:// or s3:// address."""
        return self.backup_url or (self.instance_path.resolve() / "backups").as_uri()


def load_config(**overrides: object) -> Config:
    """The settings of this process; `overrides` stand before the environment.

    Raises:
        ConfigError: a variable is wrong; every wrong one is named with its remedy.
    """
    try:
        return Config(**overrides)  # type: ignore[arg-type]  # pydantic checks each value
    except ValidationError as error:
        problems = [problem for problem in error.errors() if problem["type"] != _NO_DEFAULT]
        raise ConfigError("\n".join(map(_explain, problems))) from None


def misspelt_settings() -> dict[str, str | None]:
    """Variables of the environment that are no settings and look like one, with the setting that was meant.

    `HOMEROOM_REGISTRATION` for `REGISTRATION`, `TIMEZONE` for `TIME_ZONE`; None where none is near.
    """
    known = {field.replace("_", "").upper(): field.upper() for field in Config.model_fields}
    found = {}
    for name in os.environ:
        plain = name.upper().replace("_", "")
        if name.upper() in known.values():
            continue
        near = get_close_matches(plain.removeprefix("HOMEROOM"), known, n=1, cutoff=_NEAR)
        if near or name.upper().startswith("HOMEROOM_"):
            found[name] = known[near[0]] if near else None
    return found


def init_config(app: Flask, config: Config) -> None:
    """Keep the settings with the app that was made from them."""
    app.extensions["homeroom_config"] = config


def current_config() -> Config:
    """The settings of the app that serves this request or command."""
    return cast("Config", current_app.extensions["homeroom_config"])


def today() -> date:
    """The day in the class's time zone."""
    return current_config().today()


def _explain(problem: Mapping[str, Any]) -> str:
    """One wrong variable as a sentence: its name, what is wrong, what to write."""
    if not problem["loc"]:
        return reason_of(problem)
    reason = reason_of(problem)
    # Our own rules begin with a verb; of others, the variable is the subject.
    return f"{str(problem['loc'][0]).upper()} {reason.replace('This ', '', 1)}"
