"""Markdown as a tree of nodes from a fixed list, which a page builds without ever parsing HTML."""

import re
from itertools import pairwise
from typing import Any, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_core import StateCore, normalize, text_join
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from homeroom.portfolio.links import is_web_address
from homeroom.translations.messages import MessageError

Node: TypeAlias = str | dict[str, Any]

# Raise it with every change of what a text becomes: trees that an older renderer made are not shown.
RENDERER_VERSION = 2

# A few kilobytes can unfold to megabytes (a table's short rows are filled up to its width), so it is counted
# while the text is parsed, not looked up afterwards. A page of a book has some hundred pieces.
MAX_CELLS = 2_000
MAX_PIECES = 10_000
MAX_DEPTH = 20
# Each line is compared with every quotation and list that is open: ten thousand in twenty take a second.
MAX_LINES = 2_000
MAX_TREE_BYTES = 256 * 1024
# Of an element in JSON, beside its tag and its children.
_ELEMENT_BYTES = 28

# Raw HTML stays text, and an image becomes a link: a project's pictures are uploaded, not fetched from
# elsewhere.
# The parser would leave out what is nested more deeply than it is told; it is told of one level more than
# is taken, so that nothing is left out in silence.
_parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_DEPTH + 2})
_parser.enable(["table", "strikethrough"])
_parser.disable(["image", "html_block", "html_inline"])


# An address in a sentence. What ends the sentence is no part of it: GFM, "Autolinks (extension)".
_ADDRESS = re.compile(r"https?://[^\s<>\"“”«»]+", re.IGNORECASE)
_ENDS_A_SENTENCE = "?!.,:;*_~'’"
# Except where it belongs to the last word, as in Python's `object.__init__`.
_DUNDER = re.compile(r"(?<!\w)(__)\w+\1\Z", re.ASCII)
# An image as most people write it; with brackets in its words, it is a link behind an exclamation mark.
_IMAGE = re.compile(r"""!\[([^\[\]\n]*)\]\(\s*<?([^\s<>()]+)>?(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)""")


def _read_address(state: StateInline, silent: bool) -> bool:
    """The parser's rule for a bare address: it is taken whole, before marks in it are read."""
    scheme = _scheme_before(state)
    if not scheme:
        return False
    match = _ADDRESS.match(state.src, state.pos - len(scheme), state.posMax)
    address = _without_ending(match[0]) if match else ""
    if not is_web_address(address):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme)]
        _push_link(state, address, address)
    state.pos += len(address) - len(scheme)
    return True


def _scheme_before(state: StateInline) -> str:
    """The scheme of a bare address whose colon is here; empty: there is none, or this is within a link."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return ""
    for scheme in ("https", "http"):
        before = state.pending[-len(scheme) - 1 :]
        if before.lower().endswith(scheme):
            return "" if before[: -len(scheme)].isalnum() else scheme
    return ""


def _read_image(state: StateInline, silent: bool) -> bool:
    """The parser's rule for an image: a link to it, or, within a link, its words."""
    match = _IMAGE.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    words, address = unescapeAll(match[1]), match[2]
    if not silent:
        if state.linkLevel > 0 or not is_web_address(address):
            state.pending += words
        else:
            _push_link(state, address, words)
    state.pos = match.end()
    return True


def _push_link(state: StateInline, address: str, words: str) -> None:
    state.push("link_open", "a", 1).attrs = {"href": address}
    if words:
        state.push("text", "", 0).content = words
    state.push("link_close", "a", -1)


_parser.inline.ruler.after("text", "address", _read_address)
_parser.inline.ruler.before("link", "own_image", _read_image)


class TooMuchError(MessageError):
    """A text unfolds to more than is taken; the message says of what, and how much is."""


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


class _Tokens(list[Token]):
    """Tokens that are counted as the parser makes them."""

    def __init__(self, count: "_Count", depth: int = 0) -> None:
        super().__init__()
        self._count, self._depth = count, depth

    def append(self, token: Token) -> None:
        self._count.add(token, self._depth)
        super().append(token)


class _Count:
    """How much a text has unfolded to so far."""

    def __init__(self) -> None:
        self._pieces = self._cells = self._bytes = 0

    def add(self, token: Token, depth: int) -> None:
        self._pieces += 1
        self._cells += token.type in ("td_open", "th_open")
        if self._cells > MAX_CELLS:
            raise TooMuchError(
                "The tables of a text can have at most {max_cells:,} cells, empty ones included.",
                max_cells=MAX_CELLS,
            )
        if self._pieces > MAX_PIECES:
            raise TooMuchError(
                "This text has too much formatting: more than {max_pieces:,} pieces.", max_pieces=MAX_PIECES
            )
        self.check_depth(depth + token.level)

    def check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise TooMuchError(
                "Lists, quotes and formatting can be nested at most {levels} levels deep.", levels=MAX_DEPTH
            )

    def add_bytes(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_TREE_BYTES:
            raise TooMuchError(
                "This text is too long: it becomes more than {kib:,} KiB.", kib=MAX_TREE_BYTES // 1024
            )


def render_markdown(text: str) -> list[Node]:
    """The nodes of a text: a string is text, anything else has `tag`, `children`, and perhaps `attrs`.

    Raises:
        TooMuchError: it has too many lines, cells, pieces or levels, or becomes too large.
    """
    count = _Count()
    state = StateCore(text, _parser, {})
    state.tokens = _Tokens(count)
    # What `MarkdownIt.parse` does, with lists that count.
    normalize(state)
    if state.src.count("\n") >= MAX_LINES:
        raise TooMuchError("A text can have at most {max_lines:,} lines.", max_lines=MAX_LINES)
    _parser.block.parse(state.src, _parser, state.env, state.tokens)
    for token in state.tokens:
        if token.type == "inline":
            token.children = _parse_inline(token, state, count)
    text_join(state)
    return _Renderer(count).children(SyntaxTreeNode(state.tokens))


def _parse_inline(block: Token, state: StateCore, count: _Count) -> list[Token]:
    tokens = _Tokens(count, block.level)
    _parser.inline.parse(block.content, _parser, state.env, tokens)
    for token in tokens:
        # Emphasis gets its levels at the end, when it is known which marks belong together.
        count.check_depth(block.level + token.level)
    _make_images_links(tokens)
    return tokens


def _make_images_links(tokens: list[Token]) -> None:
    """Take the mark away that makes an image of a link; an escaped one is no such text."""
    for mark, link in pairwise(tokens):
        if link.type == "link_open" and link.info != "auto" and mark.type == "text":
            mark.content = mark.content.removesuffix("!")


def plain_text(text: str) -> list[Node]:
    """The nodes of a text whose marks are not read, as one preformatted piece."""
    return [{"tag": "pre", "children": [{"tag": "code", "children": [text]}]}]


class _Renderer:
    """Builds the nodes of tokens, and counts what they weigh."""

    def __init__(self, count: _Count) -> None:
        self._count = count

    def children(self, node: SyntaxTreeNode) -> list[Node]:
        rendered: list[Node] = []
        for child in node.children:
            rendered.extend(self._render(child))
        return rendered

    def _render(self, node: SyntaxTreeNode) -> list[Node]:
        if node.type == "text":
            return [self._text(node.content)]
        if node.type == "softbreak":
            return ["\n"]
        if node.type == "code_inline":
            return [self._element("code", [self._text(node.content)])]
        if node.type in ("fence", "code_block"):
            return [self._element("pre", [self._element("code", [self._text(node.content)])])]
        if node.type == "heading":
            return [self._element(_HEADINGS[node.tag], self.children(node))]
        if node.type == "link":
            return self._link(node)
        if node.type in TAGS and not node.hidden:
            return [self._element(TAGS[node.type], self.children(node))]
        # The text of a tight list's item needs no paragraph of its own; and `inline`, and whatever a later
        # parser may add, is its text without its markup.
        return self.children(node)

    def _link(self, node: SyntaxTreeNode) -> list[Node]:
        address = str(node.attrs.get("href", ""))
        if not is_web_address(address):
            return self.children(node)
        children = self.children(node) or [self._text(address)]
        # A definition of an address may be used very often.
        self._count.add_bytes(len(address))
        return [self._element("a", children) | {"attrs": {"href": address}}]

    def _text(self, text: str) -> str:
        self._count.add_bytes(len(text.encode()))
        return text

    def _element(self, tag: str, children: list[Node]) -> dict[str, Any]:
        self._count.add_bytes(_ELEMENT_BYTES + len(tag))
        return {"tag": tag, "children": children}


def _without_ending(address: str) -> str:
    """An address without the marks behind it, or a parenthesis that began before it."""
    opened, closed = address.count("("), address.count(")")
    end = len(address)
    while end and not (address[end - 1] == "_" and _DUNDER.search(address, max(0, end - 64), end)):
        if address[end - 1] == ")" and closed > opened:
            closed -= 1
        elif address[end - 1] not in _ENDS_A_SENTENCE:
            break
        end -= 1
    return address[:end]
