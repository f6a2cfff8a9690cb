"""The command-line reference matches the commands, and the check notices a change."""

from pathlib import Path

import click
import pytest

from homeroom.cli import main as homeroom
from tests.docs import command_line


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "command-line.md"
    copy.write_text(command_line.PAGE.read_text())
    monkeypatch.setattr(command_line, "PAGE", copy)
    return copy


def test_a_changed_option_is_noticed_with_the_command_that_updates_the_page(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main([]) == 0
    new = click.Option(["--new"], type=click.Choice(["a", "b"]), help="Do *this* <now>.")
    run = homeroom.get_command(click.Context(homeroom), "run")
    assert run is not None
    monkeypatch.setattr(run, "params", [*run.params, new])
    assert command_line.main([]) == 1
    assert command_line.UPDATE in capsys.readouterr().err

    assert command_line.main(["--write"]) == 0
    assert command_line.main([]) == 0
    assert "| `--new [a\\|b]` | Do \\*this\\* &lt;now>. |" in page.read_text()


def test_the_part_above_the_marker_stays(page: Path) -> None:
    page.write_text(f"# Ours\n\nOur words.\n\n{command_line.MARKER}what was generated\n")
    assert command_line.main([]) == 1
    assert command_line.main(["--write"]) == 0
    text = page.read_text()
    assert text.startswith("# Ours\n\nOur words.\n")
    assert "## `homeroom run`" in text
    assert "what was generated" not in text
