"""`homeroom deploy nginx`: where its origins and sizes come from, and what it refuses."""

import os
import subprocess
import sys
from pathlib import Path


def render(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "homeroom", "deploy", "nginx", "--domain", "class.example.org"]
    return subprocess.run(
        [*command, *arguments], env=os.environ | settings, capture_output=True, text=True, check=False
    )


def test_the_services_file_stands_before_the_environment(tmp_path: Path) -> None:
    settings = tmp_path / "homeroom.env"
    # As an operator writes it by hand: with a name that nothing was given to yet.
    settings.write_text("FRONTEND_ORIGINS=https://of-the-file.example\nMAX_UPLOAD_BYTES=1048576\nTIME_ZONE\n")

    by_file = render("--env-file", str(settings), FRONTEND_ORIGINS="https://of-the-shell.example")
    by_environment = render(FRONTEND_ORIGINS="https://of-the-shell.example")

    assert by_file.returncode == 0, by_file.stderr
    assert '"https://of-the-file.example" "https://of-the-file.example";' in by_file.stdout
    assert "of-the-shell" not in by_file.stdout
    assert "client_max_body_size 1463637;" in by_file.stdout
    assert '"https://of-the-shell.example" "https://of-the-shell.example";' in by_environment.stdout


def test_an_empty_value_in_the_file_means_that_no_other_origin_is_admitted(tmp_path: Path) -> None:
    settings = tmp_path / "homeroom.env"
    settings.write_text("FRONTEND_ORIGINS=\n")
    rendered = render("--env-file", str(settings))
    assert rendered.returncode == 0, rendered.stderr
    assert "localhost:4100" not in rendered.stdout
    assert "localhost:4100" in render().stdout


def test_a_value_is_taken_as_it_is_written(tmp_path: Path) -> None:
    settings = tmp_path / "homeroom.env"
    settings.write_text("host=of-the-file.example\nFRONTEND_ORIGINS='https://${host}'\n")
    refused = render("--env-file", str(settings), host="of-the-shell.example")
    assert refused.returncode == 1
    assert "https://${host}" in refused.stderr


def test_what_is_wrong_in_the_file_is_named(tmp_path: Path) -> None:
    settings = tmp_path / "homeroom.env"
    settings.write_text("FRONTEND_ORIGINS=*\n")
    refused = render("--env-file", str(settings))
    assert refused.returncode == 1
    assert "FRONTEND_ORIGINS" in refused.stderr
    assert "Traceback" not in refused.stderr
    missing = render("--env-file", str(tmp_path / "not-there"))
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr
