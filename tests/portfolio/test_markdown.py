"""Markdown becomes nodes from a fixed list, whatever is written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from homeroom.portfolio.markdown import MAX_PIECES, TAGS, TooMuchError, render_markdown

ALLOWED = {*TAGS.values(), "h2", "h3", "h4", "a", "code", "pre"}


def walk(nodes: list[Any]) -> list[dict[str, Any]]:
    found = []
    for node in nodes:
        if isinstance(node, dict):
            found += [node, *walk(node["children"])]
    return found


def text_of(nodes: list[Any]) -> str:
    return "".join(node if isinstance(node, str) else text_of(node["children"]) for node in nodes)


def test_what_authors_write_is_kept() -> None:
    nodes = render_markdown(
        "# Title\n\nSome *soft* and **loud** `code`.\n\n- one\n- two\n\n1. a\n\n> said\n\n"
        "```py\nx < 1\n```\n\n---\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n[link](https://example.org) ~~gone~~"
    )
    tags = [node["tag"] for node in walk(nodes)]
    assert set(tags) >= ALLOWED - {"h3", "h4", "br"}
    (link,) = (node for node in walk(nodes) if node["tag"] == "a")
    assert link["attrs"] == {"href": "https://example.org"}
    assert "x < 1" in text_of(nodes)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>)",
        "[x](//evil.example)",
        "[x](vbscript:x)",
        "![x](https://tracker.example/pixel.png)",
        "<https://user:pw@example.org>",
        "<svg><a xlink:href='javascript:alert(1)'>",
    ],
)
def test_what_could_run_or_report_stays_text(text: str) -> None:
    for node in walk(render_markdown(text)):
        assert node["tag"] in ALLOWED
        assert set(node) <= {"tag", "children", "attrs"}
        href = node.get("attrs", {}).get("href", "https://")
        assert href.startswith(("https://", "http://"))
        assert "user:pw" not in href


@given(
    st.text(max_size=300) | st.lists(st.sampled_from("#*_`[]()<>!|-~\n 1.>ab\\&"), max_size=200).map("".join)
)
def test_no_text_breaks_the_renderer_or_leaves_the_list(text: str) -> None:
    for node in walk(render_markdown(text)):
        assert node["tag"] in ALLOWED
        assert set(node.get("attrs", {})) <= {"href"}


@pytest.mark.parametrize("mark", ["*", "[", "`"])
def test_marks_without_an_end_are_text(mark: str) -> None:
    assert {node["tag"] for node in walk(render_markdown(mark * 5000 + "x"))} <= ALLOWED


def filled_up(columns: int, rows: int) -> str:
    """A table whose rows have one cell each; the parser adds the others."""
    return "|".join("a" * columns) + "\n" + "|".join("-" * columns) + "\n" + "a|\n" * rows


TOO_MUCH = {
    "cells that are added": (filled_up(100, 1900), "cells"),
    "cells, one by one": ("|a" * 60 + "\n" + "|-" * 60 + "\n" + "a\n" * 1900, "cells"),
    "a wide head": ("|a" * 4000 + "\n" + "|-" * 4000, "cells"),
    "lines": ("> a\n" + "b\n" * 9990, "lines"),
    "words with marks": ("*a* " * 5000, "pieces"),
    "strokes": ("~~a" * 6600, "pieces"),
    "quotations": (">" * 5000 + "x", "levels"),
    "lists": ("- " * 5000 + "x", "levels"),
    "emphasis": ("*a " * 1500 + "a* " * 1500, "levels"),
    "one long address, often": ("[a]: http://" + "x" * 9000 + "\n\n" + "[a] " * 1500, "KiB"),
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_what_unfolds_to_too_much_is_given_up_while_it_is_parsed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, bound = TOO_MUCH[kind]
    made = []
    make = Token.__init__

    def count(*args: Any, **kwargs: Any) -> None:
        made.append(args)
        make(*args, **kwargs)

    monkeypatch.setattr(Token, "__init__", count)
    with pytest.raises(TooMuchError, match=bound):
        render_markdown(text[:20_000])
    assert len(made) <= MAX_PIECES + 1
    assert made or bound == "lines", "those are counted before"


@pytest.mark.parametrize(
    "text",
    [
        filled_up(20, 95),
        "- " * 9 + "deep",
        "word *soft* " * 1600,
        "[link](https://example.org/page) " * 600,
        "a line of a poem\n" * 1200,
        "\U0001f600" * 20_000,
    ],
    ids=["table", "lists", "emphasis", "links", "poem", "wide characters"],
)
def test_what_people_write_is_taken(text: str) -> None:
    assert render_markdown(text)
