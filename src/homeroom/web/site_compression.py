"""The site's texts as gzip, where no proxy is in front that compresses them better."""

import gzip

from flask import Response, request

from homeroom.web.answers import accepts_gzip

# Below it there is little to save, and one packet holds the answer in any case.
_MIN_BYTES = 1024
_MIMETYPES = ("application/json", "application/manifest+json", "image/svg+xml")
# Where ProxyFix keeps what it replaced: the request came through a proxy that we trust.
_THROUGH_A_PROXY = "werkzeug.proxy_fix.orig"


def compress_text(response: Response) -> None:
    """Send a page, script or style as gzip to a browser that takes it.

    Nginx, as `homeroom deploy nginx` sets it up, has Brotli and keeps what it compressed: it gets the text.
    The entity tag becomes weak: another encoding has other bytes (RFC 9110, 8.8.3.3).
    """
    kind = response.mimetype or ""
    text = kind.startswith("text/") or kind in _MIMETYPES
    if not text or response.status_code not in (200, 404) or _THROUGH_A_PROXY in request.environ:
        return
    response.vary.add("Accept-Encoding")
    if not accepts_gzip(request.accept_encodings):
        return
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < _MIN_BYTES:
        return
    response.set_data(gzip.compress(body, compresslevel=6, mtime=0))
    response.content_encoding = "gzip"
    tag, _ = response.get_etag()
    if tag:
        response.set_etag(tag, weak=True)
