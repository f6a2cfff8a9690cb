"""A request as it comes in: unreadable JSON is refused clearly, and a file has room."""

import io
import ipaddress
import re
from typing import IO, Any, NoReturn

from flask import Flask, Request, has_app_context, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from homeroom.data.errors import TooLarge, reject_field
from homeroom.data.transactions import give_connection_back
from homeroom.translations.messages import Message, message
from homeroom.web.spool import open_spool

# Where the guard tells the server's gate that somebody is signed in.
SIGNED_IN = "homeroom.signed_in"

_NAME = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?"
_HOST = re.compile(rf"(?P<name>{_NAME}|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")
MAX_PORT = 65535
# RFC 6838, section 4.2; a text that some page shows may hold nothing else.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
# Where a picture, as base64 too, or a roster comes in.
FILE_PATHS = frozenset({"/api/id/pfp", "/api/id/picture", "/api/roster", "/api/uploads"})
MAX_JSON_BYTES = 1024 * 1024
# The contract's body has one field; pages in the wild send some more.
MAX_PIECES_OF_LARGE_JSON = 1000


def is_host(host: str) -> bool:
    """Whether a `Host` header names a host: RFC 9110, section 7.2, and names that can be looked up."""
    match = _HOST.fullmatch(host)
    if match is None or int(match["port"] or 0) > MAX_PORT:
        return False
    name = match["name"]
    try:
        if name.startswith("["):
            ipaddress.IPv6Address(name[1:-1])
        else:
            name.encode("ascii").decode("idna")
    except ValueError:
        return False
    return True


def init_incoming(app: Flask) -> None:
    """Refuse requests that name no host that could be this one (400); whatever follows may rely on it."""

    @app.before_request
    def require_host() -> None:
        if not getattr(request, "has_readable_host", True):
            raise BadRequest("The Host header isn't valid.")


def _remedy(media_type: str) -> Message:
    """What to do about a body that is none, from the type that came with it."""
    if media_type == "application/json":
        return message("The body isn't valid JSON. In a page, create it with `JSON.stringify`.")
    if not media_type:
        came = message("The request has no content type.")
    elif _MEDIA_TYPE.fullmatch(media_type):
        came = message("The content type is {media_type}.", media_type=media_type)
    else:
        came = message("The content type isn't valid.")
    return message("Send JSON with `Content-Type: application/json`. {came}", came=came)


class _Arriving:
    """A body on its way: as long as its bytes take, the request holds no connection to the database.

    Sixteen slow bodies would have all of a worker's, and whoever reads would wait for their senders.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        # Whoever puts the rest away after the answer does so outside the application.
        if has_app_context():
            give_connection_back()
        return self._stream.read(size)


class IncomingRequest(Request):
    """A request whose unreadable body is refused without the parser's words (400)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._spools: list[IO[bytes]] = []
        if not isinstance(self.environ["wsgi.input"], io.BytesIO):
            self.environ["wsgi.input"] = _Arriving(self.environ["wsgi.input"])
        self.has_readable_host = is_host(str(self.environ.get("HTTP_HOST") or self.environ["SERVER_NAME"]))
        if not self.has_readable_host:
            # Whoever asks for the address meanwhile, the log among them, meets no error of a parser.
            self.environ["HTTP_HOST"] = "invalid"

    @property
    def max_content_length(self) -> int | None:
        """How large this body may be: a file has the room that the settings give it, JSON a megabyte.

        A megabyte of brackets is parsed into twenty of empty lists; seven would be over a hundred.
        """
        largest = super().max_content_length
        takes_files = self.path.rstrip("/") in FILE_PATHS
        return largest if takes_files or largest is None else min(largest, MAX_JSON_BYTES)

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        Request.max_content_length.fset(self, value)  # type: ignore[attr-defined]  # a property

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        """The body; a bare `null`, which APIFlask would take for an empty object, is refused.

        APIFlask takes JSON of any type. But for a page of another origin, a browser sends text, a form, or
        bytes without a type before it asks: only the type of JSON makes it ask (a preflight).
        `DELETE` needs no body (RFC 9110, section 9.3.5): what it has to say then is nothing.

        Raises:
            UnsupportedMediaType: a body that does not say that it is JSON (415).
        """
        if self.method == "DELETE" and not self.get_data():
            return {}
        if not self.is_json and self.get_data():
            raise UnsupportedMediaType(_remedy(self.mimetype))
        self._refuse_many_pieces()
        body = super().get_json(*args, **kwargs)
        if body is None:
            reject_field("#", message("This must be an object."))
        return body

    def _refuse_many_pieces(self) -> None:
        """A body of more than a megabyte holds a picture as base64, and so hardly any marks of JSON (413)."""
        body = self.get_data()
        if len(body) > MAX_JSON_BYTES and sum(map(body.count, (b"[", b"{", b","))) > MAX_PIECES_OF_LARGE_JSON:
            raise TooLarge("JSON larger than 1 MB can contain one picture and little else.")

    def on_json_loading_failed(self, e: ValueError | None) -> NoReturn:
        raise BadRequest(_remedy(self.mimetype)) from e

    def _get_file_stream(self, *_about: Any, **_more: Any) -> IO[bytes]:
        """Where Werkzeug writes a file of a form; its documentation names this method for the purpose."""
        spool = open_spool()
        self._spools.append(spool)
        return spool

    def close(self) -> None:
        """Called when the answer is made; of a form that was not read to its end, Werkzeug knows no files."""
        super().close()
        for spool in self._spools:
            spool.close()
