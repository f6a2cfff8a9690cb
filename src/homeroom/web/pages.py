"""The static site as served: a URL is a folder, every page carries strict headers."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import NotFound
from werkzeug.routing import PathConverter

from homeroom.web.languages import best_language
from homeroom.web.site_compression import compress_text
from homeroom.web.site_policy import HEADERS, content_security_policy
from homeroom.web.site_scripts import API_CONFIG, fill_config
from homeroom.web.site_templates import NOT_FOUND, SITE, SitePages, is_for_browsers
from homeroom.web.site_texts import language_names

# Where `homeroom serve` listens beside `homeroom site serve`: config.js makes the same two of it.
LOCAL_API_ORIGINS = ("http://localhost:8086", "http://127.0.0.1:8086")

# The system's own table of types may say text/plain for a script, which nosniff then refuses to run.
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


class SitePath(PathConverter):
    """Any path but the API's, where an unknown address stays a 404 in JSON for every method."""

    regex = r"(?!api(?:/|$))[^/].*?"


def site_blueprint(
    *, api: str | None = None, api_origins: Sequence[str] = (), folder: Path = SITE
) -> Blueprint:
    """The site's pages, ready to be registered in any Flask app.

    Args:
        api: origin of the API, written into `config.js`; by default the page finds it itself.
        api_origins: further origins that the pages may talk to and show pictures of (CSP).
        folder: where the site's templates, scripts and styles are.
    """
    site = Blueprint("site", __name__)
    policy = content_security_policy([api, *api_origins] if api else api_origins)
    pages = SitePages(folder)
    languages = language_names(folder)

    @site.record_once
    def add_converter(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["site"] = SitePath

    @site.get("/")
    @site.get("/<site:path>")
    def page(path: str = "") -> Response:
        if path == API_CONFIG and api:
            source = (folder / API_CONFIG).read_text(encoding="utf-8")
            return _revalidated(fill_config(source, api), _TYPES[".js"])
        return _page_at(pages, path, languages) or _file_at(folder, path) or _not_found(pages, languages)

    @site.get("/api/docs")
    @site.get("/api/docs/")
    def api_docs() -> Response:
        return _page_at(pages, "api/docs", languages) or _not_found(pages, languages)

    @site.after_request
    def finish(response: Response) -> Response:
        compress_text(response)
        response.headers.update(HEADERS)
        response.headers["Content-Security-Policy"] = policy
        return response

    return site


def create_site(*, api: str | None = None, api_origins: Sequence[str] = (), folder: Path = SITE) -> Flask:
    """An app that serves the site alone: a second origin, as GitHub Pages would be."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(site_blueprint(api=api, api_origins=api_origins, folder=folder))
    return app


def _page_at(pages: SitePages, path: str, languages: Mapping[str, str]) -> Response | None:
    """The page at a path, with its slash or without, or by the name that it has in an exported folder."""
    name = f"/{path}".removesuffix("/index.html").strip("/")
    if not pages.has(name):
        return None
    language = best_language(request, languages)
    response = _revalidated(pages.render(name, language=language, languages=languages), _TYPES[".html"])
    return _in_language(response, language)


def _file_at(folder: Path, path: str) -> Response | None:
    """The script, style or picture at a path. Templates and catalogues are none.

    No name holds a hash of its content yet, so browsers ask each time and mostly hear 304.
    """
    if is_for_browsers(Path(path)):
        with suppress(NotFound):
            return send_from_directory(folder, path, mimetype=_TYPES.get(Path(path).suffix))
    return None


def _not_found(pages: SitePages, languages: Mapping[str, str]) -> Response:
    """The 404 page; it answers at any depth, so its addresses begin at the site's root."""
    language = best_language(request, languages)
    page = pages.render(NOT_FOUND, root=f"{request.script_root}/", language=language, languages=languages)
    response = Response(page, 404, mimetype=_TYPES[".html"])
    response.cache_control.no_cache = True
    return _in_language(response, language)


def _in_language(response: Response, language: str) -> Response:
    """The same answer, which tells caches in which language it is and what that hangs on."""
    response.content_language.add(language)
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def _revalidated(text: str, mimetype: str) -> Response:
    """An answer made here, which browsers ask for each time and mostly hear 304, as of a file."""
    response = Response(text, mimetype=mimetype)
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response
