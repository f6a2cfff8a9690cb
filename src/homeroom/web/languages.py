"""The language of an answer: of the page's choice, else of the browser, else English."""

from collections.abc import Collection
from functools import lru_cache

from flask import Flask, Request, Response, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from homeroom.translations.catalogues import ENGLISH, catalogue, languages
from homeroom.translations.messages import Message

# Set by the site's language switch; a page can read and write it.
COOKIE = "lang"
_SPOKEN = "spoken_language"
# RFC 5646, section 4.4.1: room for every tag that is in use.
MAX_TAG_LENGTH = 35
# Longer than any browser's. Whoever sends 60 KB of wishes would keep a core busy with them.
MAX_HEADER_LENGTH = 500


def init_languages(app: Flask) -> None:
    """Name the language of each answer that holds a text for people."""
    app.after_request(_name_language)


def best_language(asking: Request, available: Collection[str]) -> str:
    """The reader's choice, then the browser's in its order, then English; for pages and for the API alike."""
    return language_for(asking.cookies.get(COOKIE, ""), asking.headers.get("Accept-Language", ""), available)


def language_for(choice: str, accepted: str, available: Collection[str]) -> str:
    """The best of the available languages for a choice and an `Accept-Language`.

    Werkzeug's `best_match` would give English to "es-MX, en;q=0.5", as it looks for es-MX itself first.
    """
    wishes = [choice]
    if len(accepted) <= MAX_HEADER_LENGTH:
        wishes += _accepted(accepted)
    return next((found for wish in wishes if (found := _serving(wish, available)) is not None), ENGLISH)


@lru_cache(maxsize=256)
def _accepted(header: str) -> tuple[str, ...]:
    return tuple(tag for tag, quality in parse_accept_header(header, LanguageAccept) if quality)


def _serving(tag: str, available: Collection[str]) -> str | None:
    """`es-MX` is served by `es`, and by its own catalogue where there is one (RFC 4647, section 3.4)."""
    if len(tag) > MAX_TAG_LENGTH:
        return None
    tag = tag.lower().replace("_", "-")
    while tag:
        if tag in available:
            return tag
        tag = tag.rpartition("-")[0]
    return None


def translated(text: str) -> str:
    """A text in the language of the request; one that no catalogue has, such as a student's, as it is."""
    if not text:
        return ""
    message = text if isinstance(text, Message) else Message(text)
    return message.written(catalogue(_spoken_language()))


def _spoken_language() -> str:
    """The language of this request's texts, chosen once: a body may have a hundred wrong fields."""
    if not has_request_context():
        return ENGLISH
    if _SPOKEN not in g:
        setattr(g, _SPOKEN, best_language(request, languages()))
    return str(getattr(g, _SPOKEN))


def _name_language(response: Response) -> Response:
    language = g.get(_SPOKEN)
    if language is not None:
        response.content_language.add(language)
        response.vary.update(("Accept-Language", "Cookie"))
    return response
