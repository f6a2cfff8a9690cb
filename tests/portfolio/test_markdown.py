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


def links_in(text: str) -> list[tuple[str, str]]:
    """Where a text's links lead, and their words."""
    nodes = walk(render_markdown(text))
    return [(node["attrs"]["href"], text_of(node["children"])) for node in nodes if node["tag"] == "a"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://example.org/a_b_c.", "https://example.org/a_b_c"),
        ("(see http://example.org/x?y=1&z=2)", "http://example.org/x?y=1&z=2"),
        ("https://en.wikipedia.org/wiki/Go_(game), which", "https://en.wikipedia.org/wiki/Go_(game)"),
        ("**https://example.org/**", "https://example.org/"),
        ("- https://example.org/#part!", "https://example.org/#part"),
        ("Https://example.org/x", "Https://example.org/x"),
        *(
            (address, address)
            for address in (
                "https://docs.python.org/3/reference/datamodel.html#object.__init__",
                "https://github.com/x/y/blob/main/src/__init__.py",
                "https://a.org/?q=a*b*c",
                "https://a.org/~~x~~y",
            )
        ),
    ],
)
def test_an_address_in_a_sentence_is_a_link(text: str, address: str) -> None:
    assert links_in(text) == [(address, address)]
    assert text_of(render_markdown(text)) == text.strip("*- ")


@pytest.mark.parametrize(
    "text",
    [
        "`https://example.org`",
        "    https://example.org",
        "javascript:alert(1)",
        "https://",
        "https://user:pw@example.org",
        "xhttps://example.org",
    ],
)
def test_not_everything_that_looks_like_an_address_is_a_link(text: str) -> None:
    assert links_in(text) == []


def test_a_link_has_one_address_and_never_another_link_inside() -> None:
    text = "[https://a.example](https://b.example) [](https://c.example)"
    assert links_in(text) == [
        ("https://b.example", "https://a.example"),
        ("https://c.example", "https://c.example"),
    ]


@pytest.mark.parametrize(
    ("text", "shown", "links"),
    [
        ("![A robot](https://a.example/r.png)", "A robot", 1),
        ("Look: ![](https://a.example/r.png)", "Look: https://a.example/r.png", 1),
        ("![A robot][r]\n\n[r]: https://a.example/r.png", "A robot", 1),
        ("![x](//a.example/r.png)", "x", 0),
        ("Wow\\![a](https://a.example)", "Wow!a", 1),
        ("Wow!<https://a.example>", "Wow!https://a.example", 1),
        ("Wow! [a](https://a.example)", "Wow! a", 1),
        ("[![Build](https://ci.example/b.svg)](https://ci.example)", "Build", 1),
        ("[![](https://ci.example/b.svg)](https://ci.example)", "https://ci.example", 1),
        ('![A \\_b\\_](https://a.example/r.png "Title")', "A _b_", 1),
        ("![a [b] c](https://a.example/r.png)", "a [b] c", 1),
    ],
)
def test_an_image_from_elsewhere_is_a_link(text: str, shown: str, links: int) -> None:
    assert text_of(render_markdown(text)) == shown
    assert len(links_in(text)) == links


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
