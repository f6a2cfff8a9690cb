"""The application that stands behind Nginx in tests: prepared as an operator does, and its first link."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import KEY
from tests.deploy.proxy import PAGE_ORIGIN
from tests.servers import Server, serving


@contextmanager
def application(instance: Path, **settings: str) -> Iterator[tuple[Server, str]]:
    """A running server that knows it is behind a proxy, and the code of the first admin."""
    settings = {
        "INSTANCE_PATH": str(instance),
        "SECRET_KEY": KEY,
        "FRONTEND_ORIGINS": PAGE_ORIGIN,
        "TRUSTED_PROXIES": "1",
        "LOG_LEVEL": "WARNING",
    } | settings
    prepared = subprocess.run(
        [sys.executable, "-m", "homeroom", "prepare"],
        env=settings,
        capture_output=True,
        check=False,
        text=True,
    )
    assert prepared.returncode == 0, prepared.stderr
    (code,) = re.findall(r"/join/#code=(\S+)", prepared.stdout)
    with serving(settings) as server:
        yield server, code
