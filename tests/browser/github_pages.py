"""A server that knows files and nothing else, as GitHub Pages is one for an exported site."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class _Handler(SimpleHTTPRequestHandler):
    """Files below a folder; anything else is the 404 page of the site, whatever its depth."""

    def __init__(self, *connection: Any, site: Path, **places: Any) -> None:
        self._site = site
        super().__init__(*connection, **places)

    def send_error(self, code: int, *_words: object, **_more: object) -> None:
        page = (self._site / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the library's
        """Say nothing: the test's own words matter."""


@contextmanager
def published(site: Path, port: int) -> Iterator[None]:
    """The exported `site` below the name of its folder, with what else lies beside that folder."""
    handler = partial(_Handler, site=site, directory=str(site.parent))
    web_server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = Thread(target=web_server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        web_server.shutdown()
        thread.join()
        web_server.server_close()
