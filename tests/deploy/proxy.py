"""An Nginx of the tests' own: the rendered configuration below a folder, on loopback ports."""

import getpass
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from homeroom.operations.deploy.nginx import NginxSite, render_nginx
from tests.servers import free_port

DOMAIN = "class.homeroom-school.test"
PAGE_ORIGIN = "https://someone.other-pages.test"
NGINX = "/usr/sbin/nginx"
# Of curl: refused, nothing or only a part of it came, TLS or the connection broke off.
_NOBODY_ANSWERS = (7, 18, 35, 52, 56)
# The tests' folders are closed to everybody but their owner, so the workers are the owner.
_FRAME = """daemon off;
{user}
worker_processes 2;
worker_rlimit_nofile 2048;
pid nginx.pid;
error_log error.log notice;
{modules}
events {{ worker_connections 512; }}
http {{
    access_log access.log;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    include site.conf;
    {neighbours}
}}
"""
# Other people's sites, for the authority alone: it asks all of them on one port.
_NEIGHBOURS = """server {{
        listen 127.0.0.1:{port};
        server_name {names};
        location /.well-known/acme-challenge/ {{ root {webroot}; default_type text/plain; }}
    }}"""


def make_certificate(folder: Path, domain: str = DOMAIN) -> None:
    """A certificate of our own, where certbot would put it."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", f"/CN={domain}", "-addext", f"subjectAltName=DNS:{domain}"),
        *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
    ]
    subprocess.run(command, check=True, capture_output=True)


class Nginx:
    """A running Nginx and where it answers."""

    def __init__(self, folder: Path, *, neighbours: tuple[str, ...] = (), **settings: object) -> None:
        folder.chmod(0o755)
        self.folder = folder
        self.neighbours = neighbours
        self.http_port, self.https_port = free_port(), free_port()
        self.webroot = folder / "webroot"
        self.webroot.mkdir()
        self.settings = {
            "domain": DOMAIN,
            "origins": (PAGE_ORIGIN,),
            "max_body_bytes": 7_056_042,
            "webroot": self.webroot,
            "certificate_dir": folder / "certificate",
            "cache_dir": folder / "cache",
            "log_dir": folder,
            "address": "127.0.0.1",
            "http_port": self.http_port,
            "https_port": self.https_port,
        } | settings
        # What a client must trust: the certificate itself, or the authority that issued it.
        self.trusted = folder / "certificate/fullchain.pem"

    @property
    def address(self) -> str:
        return f"https://{DOMAIN}:{self.https_port}"

    @property
    def command(self) -> list[str]:
        return [NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "error.log"]

    def render(self, modules: str = "", **settings: object) -> None:
        """Write the configuration, and let Nginx itself judge it."""
        self.settings |= settings
        neighbours = _NEIGHBOURS.format(
            port=self.http_port, names=" ".join(self.neighbours), webroot=self.webroot
        )
        frame = _FRAME.format(modules=modules, user=_user(), neighbours=neighbours if self.neighbours else "")
        (self.folder / "nginx.conf").write_text(frame)
        (self.folder / "site.conf").write_text(render_nginx(NginxSite(**self.settings)))  # type: ignore[arg-type]
        tested = subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr

    def reload(self) -> None:
        subprocess.run([*self.command, "-s", "reload"], check=True, capture_output=True)

    def answers(self) -> bool:
        return answers(self.http_port)

    def error_log(self) -> str:
        return (self.folder / "error.log").read_text()


def _user() -> str:
    """For root alone: any other has workers of its own in any case."""
    return f"user {getpass.getuser()};" if os.geteuid() == 0 else ""


@contextmanager
def proxying(nginx: Nginx) -> Iterator[Nginx]:
    """Nginx in the foreground; ended by its own process id."""
    process = subprocess.Popen(nginx.command, stderr=subprocess.DEVNULL)
    try:
        wait_for(nginx.answers, "Nginx did not start", nginx.error_log)
        yield nginx
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(holds: Callable[[], bool], otherwise: str, log: Callable[[], str], seconds: float = 30) -> None:
    """Return once it holds; after the seconds it fails with a sentence and the end of a log."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{otherwise}\n{log()[-3000:]}"
        time.sleep(0.05)


@dataclass
class RawAnswer:
    """An answer with every header line as it came, doubles included."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]


def curl(nginx: Nginx, path: str, *arguments: str) -> RawAnswer:
    """A request by curl: HTTP/2, any header, no cleverness.

    Raises:
        ConnectionError: nobody answers, or the connection is broken off.
    """
    command = [
        *("curl", "--silent", "--show-error", "--include", "--max-time", "20", "--noproxy", "*"),
        *("--cacert", str(nginx.trusted)),
        *("--resolve", f"{DOMAIN}:{nginx.https_port}:127.0.0.1"),
        *arguments,
        nginx.address + path,
    ]
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )
    if done.returncode in _NOBODY_ANSWERS:
        raise ConnectionError(done.stderr)
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    lines = head.split("\n")
    status = re.match(r"HTTP/\S+ (\d+)", lines[0])
    assert status
    pairs = [line.partition(":") for line in lines[1:]]
    return RawAnswer(int(status[1]), [(key.lower(), value.strip()) for key, _, value in pairs], body)
