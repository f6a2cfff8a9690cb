"""`homeroom doctor` as somebody elsewhere runs it, by the name server and the authority of a test."""

import os
import subprocess
import sys

from tests.deploy.authority import Authority
from tests.deploy.proxy import Nginx


def doctor(nginx: Nginx, authority: Authority, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Look at the site by its name."""
    command = [
        *(sys.executable, "-m", "homeroom", "doctor", nginx.address),
        *("--nameserver", f"127.0.0.1:{authority.dns}", "--http-port", str(nginx.http_port)),
        *arguments,
    ]
    environment = os.environ | {"SSL_CERT_FILE": str(nginx.trusted)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
