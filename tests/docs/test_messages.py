"""The messages that documents explain are those that Homeroom writes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.workspace import ROOT

# Two literals in a row are one text.
_NEXT_LITERAL = re.compile(r'"\s+f?"')
SOURCE = "\n".join(_NEXT_LITERAL.sub("", file.read_text()) for file in (ROOT / "src").rglob("*.py"))


def _explained(document: Path) -> Iterator[str]:
    """Yield the first cells of the table with the column "Message"."""
    _, header, table = document.read_text().partition("\n| Message | What to do |\n|---|---|\n")
    if header:
        for row in table.partition("\n\n")[0].splitlines():
            yield row.split(" | ")[0].strip("| `")


DOCUMENTS = [each for each in sorted(ROOT.glob("docs/how-to/*.md")) if list(_explained(each))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_a_document_explains_messages_in_the_words_of_the_source(document: Path) -> None:
    parts = [part.strip() for message in _explained(document) for part in message.split("…")]
    assert [part for part in parts if part not in SOURCE] == []
