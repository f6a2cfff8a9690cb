"""A request as it comes in: unreadable JSON is refused clearly, and a file has room."""

from typing import IO, Any, NoReturn

from flask import Request
from werkzeug.exceptions import BadRequest

from homeroom.spool import open_spool


class IncomingRequest(Request):
    """A request whose unreadable body is refused without the parser's words (400)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._spools: list[IO[bytes]] = []

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        """The body; a bare `null`, which APIFlask would take for an empty object, is refused."""
        body = super().get_json(*args, **kwargs)
        if body is None:
            raise BadRequest("The body is null; an object is needed.")
        return body

    def on_json_loading_failure(self, e: ValueError | None) -> NoReturn:
        raise BadRequest("The body is not valid JSON.") from e

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
