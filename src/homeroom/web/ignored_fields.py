"""The header `X-Ignored-Fields`: which fields of a body of the contract the server has no use for."""

from collections.abc import Iterable
from urllib.parse import quote

from flask import Flask, Response, g, has_request_context

HEADER = "X-Ignored-Fields"
# Both come from outside: a page that sends more than this is told the first of them.
MAX_NAMES = 20
MAX_NAME_LENGTH = 100
_MORE = "..."


def note_ignored(names: Iterable[str]) -> None:
    """Let the answer to this request name fields that were sent and not used."""
    # Bodies are also made by commands, where there is no answer.
    if not has_request_context():
        return
    noted: dict[str, None] = g.setdefault("ignored_fields", {})
    for name in names:
        if len(noted) > MAX_NAMES:
            return
        noted[name[:MAX_NAME_LENGTH]] = None


def init_ignored_fields(app: Flask) -> None:
    """Put the header onto answers."""
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    names: list[str] = list(g.get("ignored_fields", {}))
    if names:
        # A header holds ASCII without line ends; a name may hold anything that JSON can.
        written = [quote(name, safe="", errors="replace") or '""' for name in names[:MAX_NAMES]]
        if len(names) > MAX_NAMES:
            written.append(_MORE)
        response.headers[HEADER] = ", ".join(written)
    return response
