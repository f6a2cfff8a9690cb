"""The language of an answer: of the page's choice, else of the browser, else English."""

from flask import Flask, Response, g, has_request_context, request

from homeroom.translations.catalogues import ENGLISH, catalogue, languages
from homeroom.translations.messages import Message

# Set by the site's language switch; a page can read and write it.
COOKIE = "lang"
_SPOKEN = "spoken_language"


def init_languages(app: Flask) -> None:
    """Name the language of each answer that holds a text for people."""
    app.after_request(_name_language)


def request_language() -> str:
    """The language to answer in."""
    if not has_request_context():
        return ENGLISH
    wishes = (request.cookies.get(COOKIE, ""), *request.accept_languages.values())
    return next((found for wish in wishes if (found := _available(wish)) is not None), ENGLISH)


def _available(tag: str) -> str | None:
    """`es-MX` is served by `es`, and by its own catalogue where there is one (RFC 4647, section 3.4)."""
    tag = tag.lower().replace("_", "-")
    while tag:
        if tag in languages():
            return tag
        tag = tag.rpartition("-")[0]
    return None


def translated(text: str) -> str:
    """A text in the language of the request; one that no catalogue has, such as a student's, as it is."""
    if not text:
        return ""
    language = request_language()
    if has_request_context():
        setattr(g, _SPOKEN, language)
    message = text if isinstance(text, Message) else Message(text)
    return message.written(catalogue(language))


def _name_language(response: Response) -> Response:
    language = g.get(_SPOKEN)
    if language is not None:
        # The read path keeps no answer that has a language.
        response.content_language.add(language)
        response.vary.update(("Accept-Language", "Cookie"))
    return response
