"""Writes that are acknowledged, through Nginx, while something is killed: none of them may be lost."""

import http.client
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.deploy.asking import Asker, crowd

WRITERS = 4
TIMEOUT_S = 60


class Writing:
    """People who add accounts without end, and what they were told."""

    def __init__(self, asker: Asker, signed_in: dict[str, str], prefix: str) -> None:
        self.asker, self.signed_in, self.prefix = asker, signed_in, prefix
        self.acknowledged: list[str] = []
        self.refused: list[int] = []
        self.broken_off = 0
        self.told = threading.Condition()
        self.stop = threading.Event()
        self._numbers = itertools.count()

    def run(self) -> None:
        while not self.stop.is_set():
            uid = f"{self.prefix}{next(self._numbers)}"
            status = self._write(uid)
            with self.told:
                if status == 201:
                    self.acknowledged.append(uid)
                elif status is None:
                    self.broken_off += 1
                else:
                    self.refused.append(status)
                self.told.notify_all()

    def _write(self, uid: str) -> int | None:
        body = {"uid": uid, "name": f"Written {uid}"}
        try:
            status = self.asker.ask("POST", "/api/users/", self.signed_in, body).status
        except (OSError, http.client.HTTPException):
            status = None
        if status != 201:
            # Nobody serves for a moment: as a person would, a little later again.
            self.stop.wait(0.05)
        return status

    def wait_for_more(self, count: int) -> None:
        """Return once that many more are acknowledged than are now."""
        with self.told:
            enough = len(self.acknowledged) + count
            arrived = self.told.wait_for(lambda: len(self.acknowledged) >= enough, TIMEOUT_S)
        assert arrived, f"{len(self.acknowledged)} acknowledged, refused: {self.refused[-5:]}"

    def lost(self) -> set[str]:
        """What was acknowledged and is not there, asked of the site itself."""
        return set(self.acknowledged) - set(self._present())

    def _present(self) -> Iterator[str]:
        path = f"/api/users/?limit=1000&q={self.prefix}"
        while path:
            answer = self.asker.ask("GET", path, self.signed_in)
            assert answer.status == 200, answer.body
            yield from (user["uid"] for user in answer.json)
            link = answer.headers["Link"] or ""
            target = urlsplit(link.partition("<")[2].partition(">")[0])
            path = f"{target.path}?{target.query}" if 'rel="next"' in link else ""


@contextmanager
def being_written(asker: Asker, signed_in: dict[str, str], prefix: str) -> Iterator[Writing]:
    """Accounts are added while the block runs."""
    writing = Writing(asker, signed_in, prefix)
    with crowd(writing.run, WRITERS, writing.stop):
        yield writing
