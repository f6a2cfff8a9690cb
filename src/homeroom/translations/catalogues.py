"""The catalogues beside this module, by language: `es/LC_MESSAGES/messages.mo` and its source, a `.po`."""

import gettext
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
DOMAIN = "messages"
# The templates are English, so it needs no catalogue.
ENGLISH = "en"


@cache
def languages() -> frozenset[str]:
    """The languages that texts can be written in, as BCP 47 tags in lower case."""
    return frozenset({ENGLISH, *(path.parents[1].name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))})


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The catalogue of one of `languages()`."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language])
