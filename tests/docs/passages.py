"""The passages of a document or a page: its paragraphs, cells, list items and headings, without markup."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

# Code inside a sentence counts as one word, and rules don't look into it.
CODE = "`…`"

HEADINGS = {"heading_open": "heading", "th_open": "header"}
ABBREVIATIONS = r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bNo)"
# A sentence may begin with a name in lower case, such as pip. After a colon, only a capital begins one.
END_OF_SENTENCE = re.compile(ABBREVIATIONS + r"(?:[.!?][\"'”’)]*(?=\s|\Z)|:(?=\s+[\"'“‘(]*[A-Z`]))")


@dataclass(frozen=True)
class Passage:
    """A text, the line where it begins, and its scope: `heading`, `header` (of a table) or `text`."""

    text: str
    line: int
    scope: str


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence with its offset."""
    start = 0
    for end in [match.end() for match in END_OF_SENTENCE.finditer(text)] + [len(text)]:
        sentence = text[start:end]
        if sentence.strip():
            yield start + len(sentence) - len(sentence.lstrip()), sentence.strip()
        start = end


def passages_of(source: str, suffix: str = ".md") -> Iterator[Passage]:
    """Yield the passages of Markdown, or of HTML if the suffix is `.html`."""
    yield from _passages_of_html(source) if suffix == ".html" else _passages_of_markdown(source)


def _passages_of_markdown(source: str) -> Iterator[Passage]:
    """Leave out fenced code and HTML comments."""
    line, scope = 0, "text"
    for token in MarkdownIt("commonmark").enable("table").parse(source):
        line = token.map[0] if token.map else line
        if token.type == "inline":
            text = "".join(_inline_text(child) for child in token.children or [])
            yield Passage(text, line + 1, scope)
        scope = HEADINGS.get(token.type, "text")


def _inline_text(token: Any) -> str:
    if token.type == "code_inline":
        return CODE
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return "" if token.type == "html_inline" else str(token.content)


def _passages_of_html(source: str) -> Iterator[Passage]:
    page = _Page()
    page.feed(source)
    page.close()
    yield from page.passages


class _Page(HTMLParser):
    """Collects the text between the tags of blocks, and labels that only some people see or hear."""

    INLINE = frozenset({"a", "abbr", "b", "bdi", "em", "i", "kbd", "small", "span", "strong", "time", "code"})
    UNSEEN = frozenset({"script", "style", "code"})
    LABELS = frozenset({"aria-label", "placeholder", "alt", "title"})

    def __init__(self) -> None:
        super().__init__()
        self.passages: list[Passage] = []
        self.text, self.line, self.scope, self.unseen = "", 1, "text", False

    def close(self) -> None:
        super().close()
        self._end_passage("text")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        self.passages += [
            Passage(value, line, "text") for name, value in attrs if name in self.LABELS and value
        ]
        if tag not in self.INLINE:
            self._end_passage("heading" if re.fullmatch("h[1-6]|title", tag) else "text")
        self.text += CODE if tag == "code" else ""
        self.unseen = tag in self.UNSEEN

    def handle_endtag(self, tag: str) -> None:
        self.unseen = False
        if tag not in self.INLINE:
            self._end_passage("text")

    def handle_data(self, data: str) -> None:
        self.text += "" if self.unseen else data

    def _end_passage(self, next_scope: str) -> None:
        if text := self.text.strip():
            before = len(self.text) - len(self.text.lstrip())
            line = self.line + self.text.count("\n", 0, before)
            self.passages.append(Passage(text, line, self.scope))
        self.text, self.line, self.scope = "", self.getpos()[0], next_scope
