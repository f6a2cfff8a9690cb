"""The site's pages as text: a page is a folder with a `page.html`, rendered into the shell of all pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound

from homeroom.web.site_policy import HEADERS
from homeroom.web.site_scripts import modules_of
from homeroom.web.site_texts import (
    CATALOGUES,
    DEFAULT_LANGUAGE,
    Text,
    catalogue_file,
    load_catalogue,
    script_texts,
    translator,
)

SITE = Path(__file__).parents[1] / "site"
# The page for addresses that lead nowhere: its folder is no address itself.
NOT_FOUND = "404"

_TEMPLATE, _SCRIPT, _STYLE = "page.html", "page.js", "page.css"
# A page in each language, and the 404 page below each path that the site is served at.
_MAX_KEPT = 256


@dataclass(frozen=True)
class _Rendering:
    """A page's text, and the files that it was made of, each with its time of change."""

    text: str
    sources: Mapping[Path, int]

    def is_current(self) -> bool:
        try:
            return all(path.stat().st_mtime_ns == changed for path, changed in self.sources.items())
        except FileNotFoundError:
            return False


class SitePages:
    """The pages below a folder. What was rendered is kept until one of its files changes."""

    def __init__(self, folder: Path = SITE) -> None:
        self.folder = folder
        self._kept: dict[tuple[object, ...], _Rendering] = {}
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        # The scripts' texts are read by people, too: é is one letter, not \u00e9.
        self._templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}

    def names(self) -> list[str]:
        """The pages by their folders, like `project/edit`; the start page is the empty name."""
        folders = (path.parent.relative_to(self.folder) for path in self.folder.rglob(_TEMPLATE))
        names = {"" if folder == Path() else folder.as_posix() for folder in folders}
        return sorted(names - {NOT_FOUND})

    def has(self, name: str) -> bool:
        """Whether there is a page of that name. Jinja's loader finds nothing outside of the folder."""
        if "" in name.split("/")[1:] or name == NOT_FOUND:
            return False
        try:
            self._templates.get_template(_beside(name, _TEMPLATE))
        except TemplateNotFound:
            return False
        return True

    def render(
        self,
        name: str,
        *,
        root: str | None = None,
        policy: str = "",
        language: str = DEFAULT_LANGUAGE,
        languages: Mapping[str, str] | None = None,
    ) -> str:
        """A page as it is sent.

        Args:
            name: one of `names()`, or `NOT_FOUND`.
            root: what leads from the page to the site's root; by default the page's own way up.
            policy: Content-Security-Policy that the page brings along, where no server sends headers.
            language: the language of its texts.
            languages: what a reader may choose from, each with its name; nothing where there is no choice.

        Raises:
            jinja2.TemplateNotFound: there is no such page.
            jinja2.UndefinedError: it has no title or no description.
            KeyError: it or its script shows a text that the catalogue hasn't.
        """
        languages = languages or {}
        key = (name, root, policy, language, *languages.items())
        kept = self._kept.get(key)
        if kept is None or not kept.is_current():
            values = {
                "page": name,
                "root": _way_up(name) if root is None else root,
                "policy": policy,
                "referrer": HEADERS["Referrer-Policy"],
                "lang": language,
                "languages": languages,
            }
            kept = self._render(name, language, values)
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            self._kept[key] = kept
        return kept.text

    def _render(self, name: str, language: str, values: Mapping[str, object]) -> _Rendering:
        # Before they are read: what changes meanwhile is rendered again.
        sources = _changes([*self.folder.rglob("*.html"), catalogue_file(self.folder, language)])
        catalogue = load_catalogue(self.folder, language)

        def modules(entries: list[str]) -> list[str]:
            found = modules_of(self.folder, entries)
            sources.update(_changes(self.folder / module for module in found))
            return found

        def texts_of(modules: list[str]) -> dict[str, Text]:
            written = ((self.folder / module).read_text(encoding="utf-8") for module in modules)
            return script_texts(catalogue, written)

        own = {"own_scripts": self._own(name, _SCRIPT), "own_styles": self._own(name, _STYLE)}
        tools = {"t": translator(catalogue), "modules_of": modules, "texts_of": texts_of}
        template = self._templates.get_template(_beside(name, _TEMPLATE))
        return _Rendering(template.render({**values, **own, **tools}), sources)

    def _own(self, name: str, file: str) -> list[str]:
        """A page's own script or style, if it has one."""
        path = _beside(name, file)
        return [path] if (self.folder / path).is_file() else []


def is_for_browsers(path: Path) -> bool:
    """Tell whether a file of the site is sent as it is; pages are made of templates and catalogues."""
    return path.suffix != ".html" and not (path.suffix == ".json" and path.parts[:1] == (CATALOGUES,))


def _beside(name: str, file: str) -> str:
    return f"{name}/{file}" if name else file


def _way_up(name: str) -> str:
    return "../" * len(Path(name).parts) or "./"


def _changes(paths: Iterable[Path]) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in paths}
