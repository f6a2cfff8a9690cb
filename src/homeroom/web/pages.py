"""The static site as served: a URL is a folder, every page carries strict headers."""

import html
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import NotFound
from werkzeug.routing import PathConverter

SITE = Path(__file__).parents[1] / "site"
API_CONFIG = "assets/js/api/config.js"
# Where `homeroom serve` listens beside `homeroom site serve`: config.js makes the same two of it.
LOCAL_API_ORIGINS = ("http://localhost:8086", "http://127.0.0.1:8086")

_API_LINE = "const API = null;"
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
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "browsing-topics=(), camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    # A join code must reach no other site, nor its log: not even the page's path leaves ours.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


# What a page can say for itself where no server sends headers; a browser ignores the rest in a page.
_HEADER_ONLY = ("frame-ancestors",)


class SitePath(PathConverter):
    """Any path but the API's, where an unknown address stays a 404 in JSON for every method."""

    regex = r"(?!api(?:/|$))[^/].*?"


def site_blueprint(*, api: str | None = None, api_origins: Sequence[str] = ()) -> Blueprint:
    """The site's pages, ready to be registered in any Flask app.

    Args:
        api: origin of the API, written into `config.js`; by default the page finds it itself.
        api_origins: further origins that the pages may talk to and show pictures of (CSP).
    """
    site = Blueprint("site", __name__)
    policy = content_security_policy([api, *api_origins] if api else api_origins)

    @site.record_once
    def add_converter(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["site"] = SitePath

    @site.get("/")
    @site.get("/<site:path>")
    def page(path: str = "") -> Response:
        if path == API_CONFIG and api:
            return _config_for(api)
        return _file_at(path)

    @site.get("/api/docs")
    @site.get("/api/docs/")
    def api_docs() -> Response:
        return _file_at("api/docs")

    @site.after_request
    def protect(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = policy
        return response

    return site


def create_site(*, api: str | None = None, api_origins: Sequence[str] = ()) -> Flask:
    """An app that serves the site alone: a second origin, as GitHub Pages would be."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(site_blueprint(api=api, api_origins=api_origins))
    return app


def content_security_policy(api_origins: Sequence[str]) -> str:
    """Scripts and styles from our files alone, requests and pictures from us and the API alone (W3C CSP 3).

    Trusted Types make the browser itself refuse `innerHTML`: a name can never become markup.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self' data: blob:", *api_origins)),
            " ".join(("connect-src 'self'", *api_origins)),
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def export_site(folder: Path, *, api: str, base: str = "") -> None:
    """Write the site into a folder, ready for a web server of files, like GitHub Pages.

    Files of the same name are overwritten, others are left alone.

    Args:
        api: origin of the API; the pages may talk to it, and to nobody else.
        base: path below which the folder will be served, like `/repo`; empty for the root.
    """
    shutil.copytree(SITE, folder, dirs_exist_ok=True)
    config = folder / API_CONFIG
    config.write_text(fill_config(config.read_text(encoding="utf-8"), api), encoding="utf-8")
    # Jekyll would leave out what begins with an underscore, and takes its time.
    (folder / ".nojekyll").touch()
    # Only the site's own pages: the folder may hold others.
    for source in SITE.rglob("*.html"):
        page = folder / source.relative_to(SITE)
        text = _with_policy(page.read_text(encoding="utf-8"), api)
        # Every other page names its files from where it stands.
        if source.relative_to(SITE) == Path("404.html"):
            text = text.replace('="/', f'="{base}/')
        page.write_text(text, encoding="utf-8")


def _with_policy(page: str, api: str) -> str:
    """A page that brings its own policy along, before anything that the policy speaks of."""
    policy = "; ".join(
        directive
        for directive in content_security_policy([api]).split("; ")
        if not directive.startswith(_HEADER_ONLY)
    )
    charset = '  <meta charset="utf-8">\n'
    metas = (
        f'  <meta http-equiv="Content-Security-Policy" content="{html.escape(policy, quote=False)}">\n'
        f'  <meta name="referrer" content="{_HEADERS["Referrer-Policy"]}">\n'
    )
    return page.replace(charset, charset + metas, 1)


def fill_config(source: str, api: str) -> str:
    """The text of `config.js` with the API's origin written into its constant.

    Raises:
        ValueError: the constant's line is not there exactly once.
    """
    if source.count(_API_LINE) != 1:
        raise ValueError(f"{API_CONFIG} must hold the line {_API_LINE!r} once")
    return source.replace(_API_LINE, f"const API = {json.dumps(api)};")


def _config_for(api: str) -> Response:
    """`config.js` as every page of this site loads it, pointed at `api`."""
    source = (SITE / API_CONFIG).read_text(encoding="utf-8")
    response = Response(fill_config(source, api), mimetype=_TYPES[".js"])
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response


def _file_at(path: str) -> Response:
    """The file at a path of the site, a folder's `index.html`, or the site's own 404 page.

    No name holds a hash of its content yet, so browsers ask each time and mostly hear 304.
    """
    for name in (path, f"{path.rstrip('/')}/index.html".lstrip("/")):
        with suppress(NotFound):
            return send_from_directory(SITE, name, mimetype=_TYPES.get(Path(name).suffix))
    return _not_found()


def _not_found() -> Response:
    """The 404 page; it answers at any depth, so its addresses begin at the site's root."""
    page = (SITE / "404.html").read_text(encoding="utf-8")
    page = page.replace('="/', f'="{request.script_root}/')
    response = Response(page, status=404, mimetype=_TYPES[".html"])
    response.cache_control.no_cache = True
    return response
