"""What every service is filled with: the people, their projects, and photographs."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from harness.people import make_class
from harness.photographs import MEGABYTE, make_photograph

PEOPLE = make_class()
ADMIN, CALLER = PEOPLE[0], PEOPLE[-1]
CALLERS = PEOPLE[-30:]
# Whose session ends; whose project has pictures.
LEAVER, ARTIST = PEOPLE[2], PEOPLE[3]
UIDS = {person.uid for person in PEOPLE}
PICTURES = 3
# Twelve photographs by turns, for thirty people who send them.
PHOTOGRAPHS = 12
_TEXT = "# How it works\n\nA *small* computer reads three sensors.\n\n- wind\n- rain\n- light\n" * 5


def project(title: str) -> dict[str, Any]:
    """A project without pictures."""
    return {
        "title": title,
        "summary": "It measures wind and rain on the roof of the school.",
        "body": _TEXT,
        "visibility": "class",
        "tags": ["sensors", "python", "weather"],
        "links": [{"label": "Source", "url": "https://example.org/weather"}],
    }


def project_json(title: str, **more: Any) -> str:
    """The same, as it is sent."""
    return json.dumps(project(title) | more)


@cache
def photographs() -> tuple[bytes, ...]:
    """A dozen different photographs of about a megabyte each."""
    return tuple(make_photograph(MEGABYTE, 2400, 1600) for _ in range(PHOTOGRAPHS))


def photograph_files(folder: Path) -> list[str]:
    """The same as files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(PHOTOGRAPHS)]
    for path, data in zip(paths, photographs(), strict=True):
        path.write_bytes(data)
    return [str(path) for path in paths]
