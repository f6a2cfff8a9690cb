"""What a machine was told becomes the site's settings; on a volume they outlive it.

What was changed in them by hand does, too.
"""

import stat
import subprocess
from pathlib import Path

import pytest

from tests.deploy.containers import ROOT

TOLD = {
    "DOMAIN": "class.example.org",
    "ORIGINS": "https://someone.github.io",
    "DATA_DEVICE": "/dev/nvme1n1",
    "BACKUP_URL": "s3://kept/backups",
    "UPLOADS_URL": "",
    "REGION": "eu-central-1",
    "TIME_ZONE": "Europe/Berlin",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings stand, on the volume."""
    return tmp_path / "homeroom.env"


def start_machine(file: Path, **told: str) -> dict[str, str]:
    """Write the settings as the installation does; what they are then."""
    machine = file.with_name("machine.env")
    machine.write_text("".join(f"{name}='{value}'\n" for name, value in (TOLD | told).items()))
    subprocess.run([ROOT / "deploy/machine/settings.sh", machine, file], check=True)
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    names = [line.partition("=")[0] for line in lines]
    assert len(names) == len(set(names))
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_the_first_machine_writes_them_for_root_alone(file: Path) -> None:
    assert start_machine(file) == {
        "HOMEROOM_ENV": "production",
        "INSTANCE_PATH": "/var/lib/homeroom",
        "VOLUME_PATH": "/var/lib/homeroom",
        "TRUSTED_PROXIES": "1",
        "SITE_URL": "https://class.example.org",
        "FRONTEND_ORIGINS": "https://someone.github.io",
        "TIME_ZONE": "Europe/Berlin",
        "BACKUP_URL": "s3://kept/backups",
        "AWS_REGION": "eu-central-1",
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_volume_or_a_bucket_backups_are_in_a_folder(file: Path) -> None:
    written = start_machine(file, DATA_DEVICE="", BACKUP_URL="", REGION="")
    assert written["BACKUP_URL"] == "file:///var/lib/homeroom-backups"
    assert not {"VOLUME_PATH", "AWS_REGION", "UPLOADS_URL"} & set(written)


def test_the_same_again_changes_nothing(file: Path) -> None:
    start_machine(file)
    before = file.read_bytes()
    start_machine(file)
    assert file.read_bytes() == before


def test_what_was_changed_by_hand_stays(file: Path) -> None:
    start_machine(file)
    by_hand = file.read_text().replace("Europe/Berlin", "America/Los_Angeles") + "TOKEN_LIFETIME_HOURS=8\n"
    file.write_text(by_hand)
    start_machine(file)
    assert file.read_text() == by_hand


def test_what_is_asked_for_differently_is_changed_and_nothing_else(file: Path) -> None:
    start_machine(file)
    file.write_text(file.read_text().replace("Europe/Berlin", "America/Los_Angeles"))
    written = start_machine(file, ORIGINS="https://another.github.io,https://a.third.example")
    assert written["FRONTEND_ORIGINS"] == "https://another.github.io,https://a.third.example"
    assert written["TIME_ZONE"] == "America/Los_Angeles"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_asked_for_anew_it_wins_over_what_was_changed_by_hand(file: Path) -> None:
    start_machine(file)
    file.write_text(file.read_text().replace("https://someone.github.io", "https://by-hand.example"))
    assert start_machine(file, ORIGINS="")["FRONTEND_ORIGINS"] == ""


def test_pictures_stay_where_they_are(file: Path) -> None:
    start_machine(file, UPLOADS_URL="s3://kept/pictures")
    assert start_machine(file, UPLOADS_URL="")["UPLOADS_URL"] == "s3://kept/pictures"


def test_a_volume_from_before_they_were_compared_keeps_its_settings(file: Path) -> None:
    start_machine(file)
    file.with_name("homeroom.env.asked").unlink()
    before = file.read_bytes()
    start_machine(file, ORIGINS="https://another.github.io")
    assert file.read_bytes() == before
