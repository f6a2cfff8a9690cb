"""Nginx in front of a service, as `homeroom deploy nginx` renders it, with no part of the system's own.

Its limits count per address and stay as they are: the load comes from a thousand addresses by turns, which
Nginx takes from a header, as it does behind a load balancer.
"""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import TypeVar

from harness.load import Request
from harness.processes import DOMAIN, LOOPBACK, Service, ServiceFailedError, free_port, running
from homeroom.operations.deploy.nginx import NginxSite, render_nginx

ADDRESSES = 1000
_ADDRESS_HEADER = "X-Bench-Address"
_MAX_BODY_BYTES = 8 * 1024 * 1024
# Braces of Nginx are doubled for `format`.
_FRAME = """
daemon off;
{user}
pid nginx.pid;
worker_processes auto;
error_log error.log;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  set_real_ip_from {loopback};
  real_ip_header {header};
  include site.conf;
}}
"""
R = TypeVar("R", bound=Request)


@contextmanager
def behind_nginx(service: Service, folder: Path) -> Iterator[Service]:
    """The same service, asked through Nginx by TLS.

    Raises:
        ServiceFailedError: there is no Nginx, or it did not start.
    """
    if shutil.which("nginx") is None:
        raise ServiceFailedError("Nginx is missing. Install it: sudo apt-get install nginx")
    plain, secure = free_port(), free_port()
    folder.chmod(0o755)
    make_certificate(folder)
    site = NginxSite(
        domain=DOMAIN,
        origins=(),
        max_body_bytes=_MAX_BODY_BYTES,
        upstream=service.address.removeprefix("http://"),
        webroot=folder / "webroot",
        certificate_dir=folder,
        cache_dir=folder / "cache",
        log_dir=folder,
        address=LOOPBACK,
        http_port=plain,
        https_port=secure,
    )
    (folder / "site.conf").write_text(render_nginx(site), encoding="utf-8")
    # The folders of the bench are closed to everybody but their owner, so the workers are the owner.
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    frame = _FRAME.format(user=user, loopback=LOOPBACK, header=_ADDRESS_HEADER)
    (folder / "nginx.conf").write_text(frame, encoding="utf-8")
    command = ["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    with running("Nginx", command, port=plain, host=DOMAIN) as (_, process):
        yield replace(
            service,
            name=f"{service.name}, through Nginx",
            address=f"https://{DOMAIN}:{secure}",
            process=process,
            others=(service.process, *service.others),
        )


def make_certificate(folder: Path) -> None:
    """A certificate of our own, as certbot would leave one."""
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}"),
        *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
    ]
    subprocess.run(command, check=True, capture_output=True)


def from_many_addresses(requests: list[R]) -> list[R]:
    """The same requests again and again, each from the next address."""
    count = -(-ADDRESSES // len(requests)) * len(requests) if requests else 0
    return [from_address(request, number) for number, request in enumerate(islice(cycle(requests), count))]


def from_address(request: R, number: int) -> R:
    """A request as it comes from one of the addresses."""
    number %= ADDRESSES
    address = f"198.18.{number // 250}.{number % 250 + 1}"
    return replace(request, headers={**request.headers, _ADDRESS_HEADER: address})
