"""Answers as gzip, for browsers that take it."""

import gzip

from flask import Response, request
from werkzeug.datastructures import Accept

# Below that a packet more or less is not the point.
MIN_BYTES = 1024


def accepts_gzip(encodings: Accept) -> bool:
    """Whether a browser takes gzip, which `Accept-Encoding` says."""
    return encodings.quality("gzip") > 0


def compress(response: Response, level: int = 9) -> bool:
    """Make the body gzip where the request takes it; whether it was done.

    The caller sees to the entity tag: another encoding has other bytes (RFC 9110, 8.8.3.3).
    """
    response.vary.add("Accept-Encoding")
    if not accepts_gzip(request.accept_encodings):
        return False
    # A file that would be sent as it lies is read.
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < MIN_BYTES:
        return False
    # No time of day in it: equal bodies have equal bytes.
    response.set_data(gzip.compress(body, compresslevel=level, mtime=0))
    response.content_encoding = "gzip"
    return True
