"""The command-line reference, generated from the commands themselves.

`python -m tests.docs.command_line` compares docs/reference/command-line.md with the commands. With `--write`,
it updates the page below its marker; we write the part above.
"""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from homeroom.cli import main as homeroom

PAGE = Path(__file__).parents[2] / "docs/reference/command-line.md"
UPDATE = "python -m tests.docs.command_line --write"
MARKER = f"<!-- Generated from here on: {UPDATE} -->\n"
# Flask-Migrate documents its own options.
FOREIGN_GROUP, OURS_IN_IT = "homeroom db", "homeroom db upgrade"


def render() -> str:
    """Return everything below the marker: a table of all commands, then a section for each."""
    commands = list(_walk(homeroom, "homeroom"))
    return "\n".join([*_overview(commands), *(line for each in commands for line in _section(*each))])


def _walk(group: click.Group, name: str) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield each command and group below `group` with its full name, in the order of `--help`."""
    context = click.Context(group, info_name=name)
    for child_name in group.list_commands(context):
        child = group.get_command(context, child_name)
        assert child is not None
        path = f"{name} {child_name}"
        # The full name makes the usage line what a person types.
        yield path, child, click.Context(child, info_name=path, show_default=True)
        if isinstance(child, click.Group) and path != FOREIGN_GROUP:
            yield from _walk(child, path)


def _overview(commands: list[tuple[str, click.Command, click.Context]]) -> Iterator[str]:
    yield from ("", "## All commands", "", "| Command | What it does |", "|---|---|")
    for path, command, context in commands:
        if not isinstance(command, click.Group):
            yield f"| `{path}` | {_cell(command.get_short_help_str(limit=200))} |"
        elif path == FOREIGN_GROUP:
            upgrade = command.get_command(context, OURS_IN_IT.removeprefix(f"{FOREIGN_GROUP} "))
            assert upgrade is not None
            yield f"| `{OURS_IN_IT}` | {_cell(upgrade.get_short_help_str(limit=200))} |"


def _section(path: str, command: click.Command, context: click.Context) -> Iterator[str]:
    depth = min(path.count(" ") + 1, 3)
    yield from ("", f"{'#' * depth} `{path}`", "")
    if isinstance(command, click.Group):
        yield cleandoc(command.help or "")
        if path == FOREIGN_GROUP:
            yield from ("", *_table("Command", _commands_of(command, context)))
        return
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from ("```text", f"{path} {pieces}", "```", "", cleandoc(command.help or ""))
    # Every command has `--help`; the page says so once.
    records = [param.get_help_record(context) for param in command.params]
    # The usage line already shows an argument without a help text.
    if options := [(name, text) for name, text in filter(None, records) if name.startswith("-") or text]:
        yield from ("", *_table("Option", options))


def _commands_of(group: click.Group, context: click.Context) -> list[tuple[str, str]]:
    children = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return [(name, child.get_short_help_str(limit=200)) for name, child in children if child is not None]


def _table(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    yield from (f"| {title} | |", "|---|---|")
    for name, text in rows:
        yield f"| {_cell(f'`{name}`')} | {_cell(text)} |"


def _cell(text: str) -> str:
    """Return the text for a table cell: on one line, with Markdown escaped outside code."""
    words = " ".join(text.split()).replace("|", "\\|")
    parts = words.split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[") for part in parts[::2]]
    return "`".join(parts)


def main(arguments: list[str]) -> int:
    """Compare the page, or write it; status 1 if it differs."""
    written, marker, _ = PAGE.read_text().partition(MARKER)
    assert marker, f"{PAGE} has lost the line {MARKER.strip()}"
    wanted = written + marker + render() + "\n"
    if arguments == ["--write"]:
        PAGE.write_text(wanted)
    elif PAGE.read_text() != wanted:
        click.echo(f"{PAGE} differs from the commands. Update it: .venv/bin/{UPDATE}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
