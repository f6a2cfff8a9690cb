"""Settings: right ones are taken, wrong ones stop the start with their name and the remedy."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from homeroom.auth.keys import signing_keys
from homeroom.config import Config, ConfigError, load_config, misspelt_settings

GOOD_KEY = "0123456789abcdefghijklmnopqrstuvwxyz"


def test_an_empty_instance_path_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTANCE_PATH", "")
    assert load_config().instance_path == Path("instance")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SECRET_KEY", "short", "homeroom secret-key"),
        ("SECRET_KEY", "SECRET_KEY", "homeroom secret-key"),
        ("SECRET_KEY", "a" * 40, "repeats"),
        ("SECRET_KEY_FALLBACKS", f"{GOOD_KEY},short", "homeroom secret-key"),
        ("FRONTEND_ORIGINS", "*", "may not hold '*'"),
        ("FRONTEND_ORIGINS", "https://*.github.io", "may not hold '*'"),
        ("FRONTEND_ORIGINS", "someone.github.io", "https://someone.github.io"),
        ("FRONTEND_ORIGINS", "https://someone.github.io/repo", "https://someone.github.io"),
        ("FRONTEND_ORIGINS", "null", "isn't an origin"),
        ("FRONTEND_ORIGINS", "http://[::1", "isn't an origin"),
        ("DATABASE_URL", "sqlite://", "names no file"),
        ("DATABASE_URL", "sqlite:///:memory:", "names no file"),
        ("DATABASE_URL", "mysql://root@localhost/x", "postgresql://"),
        ("DATABASE_URL", "nonsense", "postgresql://"),
        ("DATABASE_URL", "postgresql://u@a:1,b:2/db", "postgresql://"),
        ("UPLOADS_URL", "ftp://example.org", "s3://"),
        ("UPLOADS_URL", "/var/uploads", "file:///"),
        ("COOKIE_NAME", "j w t", "letters"),
        ("COOKIE_NAME", "", "letters"),
        ("TOKEN_LIFETIME_HOURS", "0", "must be more than 0"),
        ("TOKEN_LIFETIME_HOURS", "soon", "must be a number"),
        ("REGISTRATION", "everyone", "must be one of: code, approval, open, closed"),
        ("TIME_ZONE", "Mars/Olympus", "America/Los_Angeles"),
        ("TIME_ZONE", "../../etc/passwd", "America/Los_Angeles"),
        ("TRUSTED_PROXIES", "-1", "must be at least 0"),
        ("HOMEROOM_ENV", "prod", "must be one of: development, production"),
        ("LOG_LEVEL", "LOUD", "INFO"),
        ("SQLITE_SYNCHRONOUS", "OFF", "must be one of: FULL, NORMAL"),
        ("MAX_UPLOAD_BYTES", "5MB", "must be a whole number"),
        ("READ_PATH", "maybe", "must be true or false"),
    ],
)
def test_a_wrong_value_names_the_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as raised:
        load_config()
    assert str(raised.value).startswith(name)
    assert reason in str(raised.value)
    assert "short" not in str(raised.value), "a key is never printed"
    assert "Input should" not in str(raised.value)


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_ZONE", "Mars")
    monkeypatch.setenv("REGISTRATION", "everyone")
    with pytest.raises(ConfigError) as raised:
        load_config()
    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["REGISTRATION", "TIME_ZONE"]


def test_right_values_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTEND_ORIGINS", "https://Someone.github.io, http://localhost:4100,")
    monkeypatch.setenv("SECRET_KEY", GOOD_KEY)
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://u:p@/db?host=a:1&host=b:2&target_session_attrs=read-write"
    )
    config = load_config()
    assert config.frontend_origins == ("https://someone.github.io", "http://localhost:4100")
    assert config.database.drivername == "postgresql+psycopg"
    assert signing_keys(config) == (GOOD_KEY,)


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    config = load_config(instance_path=tmp_path / "instance")
    (key,) = signing_keys(config)
    assert len(key) >= 32
    assert stat.S_IMODE(config.key_file.stat().st_mode) == 0o600
    assert signing_keys(config) == (key,)


def test_starts_at_the_same_moment_agree_on_one_key(tmp_path: Path) -> None:
    config = load_config(instance_path=tmp_path / "instance")
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: signing_keys(config), range(32)))
    assert len(keys) == 1
    assert [path.name for path in config.instance_path.iterdir()] == ["secret_key"]


def test_production_does_not_start_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEROOM_ENV", "production")
    with pytest.raises(ConfigError, match="SECRET_KEY is missing"):
        load_config()
    monkeypatch.setenv("SECRET_KEY", GOOD_KEY)
    assert load_config().production


@pytest.mark.parametrize(("content", "told"), [(b"", "weak"), (b"\xa9" * 40, "isn't text")])
def test_a_key_file_that_someone_emptied_or_damaged_stops_the_start(
    tmp_path: Path, content: bytes, told: str
) -> None:
    config = load_config(instance_path=tmp_path)
    config.key_file.write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        signing_keys(config)


@pytest.mark.parametrize(
    "command", [["user", "code", "ada"], ["roster", "codes", "--csv", "x.csv"], ["demo", "load"]]
)
def test_a_command_on_an_unprepared_database_says_what_prepares_it(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "homeroom.db").touch()
    done = subprocess.run(
        [sys.executable, "-m", "homeroom", *command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "homeroom db upgrade" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["serve"], ["run"], ["db", "upgrade"], ["user", "code", "ada"]])
def test_a_wrong_setting_stops_a_command_with_one_clear_line(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "homeroom", *command],
        env=os.environ | {"FRONTEND_ORIGINS": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: FRONTEND_ORIGINS may not hold '*'")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HOMEROOM_REGISTRATION", "REGISTRATION"),
        ("REGISTRATON", "REGISTRATION"),
        ("TIMEZONE", "TIME_ZONE"),
        ("FRONTEND_ORIGIN", "FRONTEND_ORIGINS"),
        ("UPLOAD_URL", "UPLOADS_URL"),
        ("MAX_UPLOAD_SIZE_BYTES", "MAX_UPLOAD_BYTES"),
        ("homeroom_database_url", "DATABASE_URL"),
        ("HOMEROOM_THEME", None),
    ],
)
def test_a_misspelt_setting_is_told(monkeypatch: pytest.MonkeyPatch, name: str, meant: str | None) -> None:
    monkeypatch.setenv(name, "x")
    assert misspelt_settings() == {name: meant}


def test_right_settings_and_others_variables_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Config.model_fields, "SECRET_KEY_BASE", "LOGNAME", "AWS_REGION", "PORT", "DATABASE_URL"):
        monkeypatch.setenv(name, "x")
    assert misspelt_settings() == {}


def test_pages_of_this_machine_may_ask_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = load_config().frontend_origins
    ports = (4000, 4100, 4500, 4599, 4600, 5500, 8080)
    assert set(origins) == {f"http://{host}:{port}" for port in ports for host in ("localhost", "127.0.0.1")}
    monkeypatch.setenv("HOMEROOM_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", GOOD_KEY)
    assert load_config().frontend_origins == ("http://localhost:4100", "http://127.0.0.1:4100")
    monkeypatch.setenv("FRONTEND_ORIGINS", "https://someone.github.io")
    assert load_config().frontend_origins == ("https://someone.github.io",)
