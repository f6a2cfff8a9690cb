"""The site's texts as gzip, where no proxy is in front that compresses them better."""

from flask import Response, request

from homeroom.web.compression import compress

_MIMETYPES = ("application/json", "application/manifest+json", "image/svg+xml")
# Where ProxyFix keeps what it replaced: the request came through a proxy that we trust.
_THROUGH_A_PROXY = "werkzeug.proxy_fix.orig"
_LEVEL = 6


def compress_text(response: Response) -> None:
    """Send a page, script or style as gzip to a browser that takes it.

    Nginx, as `homeroom deploy nginx` sets it up, has Brotli and keeps what it compressed: it gets the text.
    The entity tag becomes weak.
    """
    kind = response.mimetype or ""
    text = kind.startswith("text/") or kind in _MIMETYPES
    if not text or response.status_code not in (200, 404) or _THROUGH_A_PROXY in request.environ:
        return
    tag, _ = response.get_etag()
    if compress(response, _LEVEL) and tag:
        response.set_etag(tag, weak=True)
