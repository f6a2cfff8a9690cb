"""The texts of pages: one catalogue for each language, `site/texts/en.json` and its translations."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from markupsafe import Markup, escape

from homeroom.translations.catalogues import ENGLISH

CATALOGUES = "texts"
# The language of whoever asks for none that we have. Its catalogue holds every text.
DEFAULT_LANGUAGE = ENGLISH

# A text, or a text for each plural form, by the names of CLDR: `one`, `other` …
Text = str | dict[str, str]
Catalogue = Mapping[str, Text]

PLACEHOLDER = re.compile(r"\{(\w+)\}")
# `t('users.next')` and `pieces('login.too_many', …)`: keys are written out, so that they can be found.
_SCRIPT_KEY = re.compile(r"\b(?:t|pieces)\(\s*'([\w.]+)'")


def catalogue_file(site: Path, language: str) -> Path:
    """Return where the texts of a language are."""
    return site / CATALOGUES / f"{language}.json"


def load_catalogue(site: Path, language: str) -> Catalogue:
    """Read all texts of a language by their keys.

    Raises:
        FileNotFoundError: the site has no such language.
    """
    texts: Catalogue = json.loads(catalogue_file(site, language).read_text(encoding="utf-8"))
    return texts


def language_names(site: Path) -> dict[str, str]:
    """Return the site's languages by their codes, each with its own name: `{"en": "English", …}`."""
    codes = sorted(file.stem for file in (site / CATALOGUES).glob("*.json"))
    return {code: str(load_catalogue(site, code)["language.name"]) for code in codes}


def translator(catalogue: Catalogue) -> Callable[..., Markup]:
    """Make the `t` of templates: `t("login.already", name=name)` is the text with its values, as HTML.

    Text is escaped, and so are values unless they are HTML themselves (a `{% set %}` block).
    `t` raises KeyError for a text or a value that isn't there.
    """

    def t(key: str, **values: object) -> Markup:
        parts = PLACEHOLDER.split(str(catalogue[key]))
        return Markup("").join(
            escape(values[part] if index % 2 else part) for index, part in enumerate(parts)
        )

    return t


def script_texts(catalogue: Catalogue, sources: Iterable[str]) -> dict[str, Text]:
    """Return the texts that scripts show, for the page that loads these scripts.

    Raises:
        KeyError: a script shows a text that isn't there.
    """
    keys = {key for source in sources for key in _SCRIPT_KEY.findall(source)}
    return {key: catalogue[key] for key in sorted(keys)}
