"""The wire limit: Homeroom's own server, with an application that gives one recorded answer to everything.

The JSON file that `BENCH_ANSWER` names holds the answer.
"""

import argparse
import base64
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from homeroom.cli.threads import THREADS_PER_WORKER

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def make_application(path: Path) -> Application:
    """A WSGI application that answers as recorded."""
    recorded = json.loads(path.read_text(encoding="utf-8"))
    status, body = recorded["status"], base64.b64decode(recorded["body"])
    headers = [(name, value) for name, value in recorded["headers"]]
    answer = [body]

    def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, headers)
        return answer

    return application


def load_application() -> Application:
    """What each worker calls to get the application."""
    return make_application(Path(os.environ["BENCH_ANSWER"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    Server(
        "peers.constant_service:load_application",
        factory=True,
        address="127.0.0.1",
        port=given.port,
        interface=Interfaces.WSGI,
        workers=given.workers,
        blocking_threads=THREADS_PER_WORKER,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
