"""The blocks of shell commands in a document, and the comments above them that say how to run them.

    <!-- not run: needs Docker -->
    <!-- may exit with 1 or 3: the doctor judges the machine that runs it -->

A `console` block shows commands after `$ ` together with their output; in an `sh` or `bash` block, every line
belongs to a command.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

SHELLS = ("console", "sh", "bash", "shell", "shell-session")
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+?) -->")
MAY_EXIT = re.compile(r"<!-- may exit with (?P<statuses>\d+(?:(?:, | or )\d+)*): .+? -->")


@dataclass(frozen=True)
class Block:
    """A block of commands: the line where it begins, and why it isn't run, if it isn't."""

    line: int
    commands: tuple[str, ...]
    not_run: str | None = None
    statuses: frozenset[int] = frozenset({0})


def shell_blocks(document: Path) -> Iterator[Block]:
    """Yield the blocks of shell commands, in order. `ValueError`: a comment belongs to no such block."""
    comment = ""
    for token in MarkdownIt("commonmark").enable("table").parse(document.read_text()):
        line = (token.map or [0])[0] + 1
        if token.type == "fence" and token.info.split(" ")[0] in SHELLS:
            yield _block(line, token.info, token.content, comment)
            comment = ""
        elif comment and token.level == 0 and token.nesting >= 0:
            raise ValueError(f"{document}:{line}: no block of commands follows the comment {comment.strip()}")
        elif token.type == "fence" and re.search(r"^\$ ", token.content, re.MULTILINE):
            raise ValueError(f"{document}:{line}: this block shows commands; call it `console`")
        elif token.type == "html_block" and (NOT_RUN.match(token.content) or MAY_EXIT.match(token.content)):
            comment = token.content


def _block(line: int, info: str, content: str, comment: str) -> Block:
    commands = tuple(_commands(content, prompted=info.startswith(("console", "shell-session"))))
    if marked := NOT_RUN.match(comment):
        return Block(line, commands, not_run=marked["reason"])
    if marked := MAY_EXIT.match(comment):
        statuses = frozenset(map(int, re.findall(r"\d+", marked["statuses"])))
        return Block(line, commands, statuses=statuses | {0})
    return Block(line, commands)


def _commands(content: str, *, prompted: bool) -> Iterator[str]:
    """Yield each command. A backslash at the end of its line continues it."""
    lines = iter(content.splitlines())
    for line in lines:
        if prompted and not line.startswith("$ "):
            continue
        command = line.removeprefix("$ ") if prompted else line
        while command.endswith("\\"):
            command = f"{command}\n{next(lines)}"
        if command.strip() and not command.startswith("#"):
            yield command
