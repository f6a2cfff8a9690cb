"""Markdown as a tree of nodes from a fixed list, which a page builds without ever parsing HTML."""

from typing import Any, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from homeroom.portfolio.links import is_web_address

Node: TypeAlias = str | dict[str, Any]

# Raw HTML stays text, and so do images: a project's pictures are uploaded, not fetched from elsewhere.
_parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
_parser.disable(["image", "html_block", "html_inline"])

TAGS = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "blockquote",
    "strong": "strong",
    "em": "em",
    "s": "s",
    "hr": "hr",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
    "hardbreak": "br",
}
# The page's own heading is the project's title; what an author writes stands below it.
_HEADINGS = {"h1": "h2", "h2": "h3", "h3": "h4", "h4": "h4", "h5": "h4", "h6": "h4"}


def render_markdown(text: str) -> list[Node]:
    """The nodes of a text: a string is text, anything else has `tag`, `children`, and perhaps `attrs`."""
    return _children(SyntaxTreeNode(_parser.parse(text)))


def _children(node: SyntaxTreeNode) -> list[Node]:
    rendered: list[Node] = []
    for child in node.children:
        rendered.extend(_render(child))
    return rendered


def _render(node: SyntaxTreeNode) -> list[Node]:
    if node.type == "text":
        return [node.content]
    if node.type == "softbreak":
        return ["\n"]
    if node.type == "code_inline":
        return [_element("code", [node.content])]
    if node.type in ("fence", "code_block"):
        return [_element("pre", [_element("code", [node.content])])]
    if node.type == "heading":
        return [_element(_HEADINGS[node.tag], _children(node))]
    if node.type == "link":
        return _link(node)
    if node.type == "paragraph" and node.hidden:
        # The text of a tight list's item needs no paragraph of its own.
        return _children(node)
    if node.type in TAGS:
        return [_element(TAGS[node.type], _children(node))]
    # `inline` and whatever a later parser may add: its text, without its markup.
    return _children(node)


def _link(node: SyntaxTreeNode) -> list[Node]:
    address = str(node.attrs.get("href", ""))
    if not is_web_address(address):
        return _children(node)
    return [_element("a", _children(node)) | {"attrs": {"href": address}}]


def _element(tag: str, children: list[Node]) -> dict[str, Any]:
    return {"tag": tag, "children": children}
