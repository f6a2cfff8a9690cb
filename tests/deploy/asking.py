"""One request to the site on a fresh connection, over TLS and by its name: as a visitor who comes anew."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.proxy import DOMAIN

TIMEOUT_S = 20


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def crowd(ask: Callable[[], None], count: int, stop: threading.Event) -> Iterator[None]:
    """Several people at once while the block runs; whoever is one of them ends when told to stop."""
    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class Asker:
    """Asks at a port; what is served there must lead to the authority."""

    def __init__(self, port: int, authority: Path) -> None:
        self.port = port
        self.context = ssl.create_default_context(cafile=str(authority))

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        *,
        content_type: str = "application/json",
    ) -> Answer:
        """Send a request and read all of the answer; a body that is not bytes goes as JSON.

        Raises:
            OSError, http.client.HTTPException: the connection is refused or breaks off.
        """
        sent = {"Connection": "close"} | dict(headers or {})
        if body is not None:
            sent["Content-Type"] = content_type
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S) as plain:
            # As http.client's own connections have it; else each request waits 40 ms for an acknowledgement.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = http.client.HTTPConnection(DOMAIN)
            connection.sock = self.context.wrap_socket(plain, server_hostname=DOMAIN)
            try:
                data = body if body is None or isinstance(body, bytes) else json.dumps(body)
                connection.request(method, path, data, sent)
                answer = connection.getresponse()
                return Answer(answer.status, answer.headers, answer.read())
            finally:
                connection.close()

    def sign_in(self, uid: str, password: str) -> dict[str, str]:
        """The header that makes later requests those of this person."""
        answer = self.ask("POST", "/api/authenticate", body={"uid": uid, "password": password})
        assert answer.status == 200, answer.body
        return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
