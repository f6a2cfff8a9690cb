"""A certificate from a real authority's program: issued before there is one, and renewed under load."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.deploy.containers import ROOT
from tests.deploy.load import under_load
from tests.deploy.proxy import DOMAIN, Nginx, make_certificate, proxying
from tests.deploy.test_nginx import server  # noqa: F401  the application that stands behind
from tests.servers import free_port

pytestmark = pytest.mark.deploy


class Authority:
    """Let's Encrypt's small brother pebble, on loopback ports."""

    def __init__(self, folder: Path, http_port: int) -> None:
        self.folder = folder
        self.port, self.management, self.dns, dns_management = (free_port() for _ in range(4))
        make_certificate(folder / "endpoint", "localhost")
        (folder / "config.json").write_text(
            f"""{{"pebble": {{"listenAddress": "127.0.0.1:{self.port}",
            "managementListenAddress": "127.0.0.1:{self.management}",
            "certificate": "{folder}/endpoint/fullchain.pem", "privateKey": "{folder}/endpoint/privkey.pem",
            "httpPort": {http_port}, "tlsPort": 5001, "ocspResponderURL": "",
            "externalAccountBindingRequired": false}}}}"""
        )
        self.commands = (
            [
                *("pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""),
                *("-dns01", f"127.0.0.1:{self.dns}", "-management", f"127.0.0.1:{dns_management}"),
                *("-http01", "", "-https01", "", "-tlsalpn01", ""),
            ],
            [
                "pebble",
                "-config",
                str(folder / "config.json"),
                "-dnsserver",
                f"127.0.0.1:{self.dns}",
                "-strict",
            ],
        )

    def root(self) -> Path:
        """The certificate that everything it issues leads to."""
        path = self.folder / "root.pem"
        address = f"https://localhost:{self.management}/roots/0"
        trusted = ["--cacert", str(self.folder / "endpoint/fullchain.pem"), "--noproxy", "*"]
        subprocess.run(["curl", "-sSf", *trusted, "-o", path, address], check=True)
        return path


@contextmanager
def issuing(authority: Authority) -> Iterator[Authority]:
    with ExitStack() as stack:
        for command in authority.commands:
            log = stack.enter_context((authority.folder / f"{command[0]}.log").open("wb"))
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"PEBBLE_VA_NOSLEEP": "1"}
            )
            stack.callback(process.wait, 20)
            stack.callback(process.send_signal, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", authority.port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "pebble did not start"
                time.sleep(0.05)
        yield authority


def serial(port: int, authority: Path) -> str:
    """The serial number of the certificate that is served, which must lead to the authority."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", DOMAIN]
    trusted = ["-CAfile", str(authority), "-verify_hostname", DOMAIN, "-verify_return_error"]
    shown = subprocess.run([*command, *trusted], input=b"", capture_output=True, check=True)
    printed = subprocess.run(
        ["openssl", "x509", "-noout", "-serial"], input=shown.stdout, capture_output=True, check=True
    )
    return printed.stdout.decode().strip()


def test_a_certificate_is_issued_and_renewed_while_no_request_fails(server, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    settings = tmp_path / "letsencrypt"
    nginx = Nginx(
        tmp_path,
        upstream=server.address.removeprefix("http://"),
        certificate_dir=settings / "live" / DOMAIN,
        http_only=True,
        requests_per_second=100_000,
        burst=100_000,
    )
    nginx.render()
    (tmp_path / "authority").mkdir()
    authority = Authority(tmp_path / "authority", nginx.http_port)
    folders = [
        f"--{name}-dir={settings / folder}" for name, folder in (("config", ""), ("work", "w"), ("logs", "l"))
    ]
    environment = os.environ | {
        "REQUESTS_CA_BUNDLE": str(authority.folder / "endpoint/fullchain.pem"),
        "NGINX": " ".join(nginx.command),
        "WEBROOT": str(nginx.webroot),
        "NO_PROXY": "*",
    }

    def certbot(*command: str) -> None:
        done = subprocess.run(
            [*command, *folders, "--server", f"https://localhost:{authority.port}/dir"],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    with proxying(nginx), issuing(authority):
        certbot(str(ROOT / "deploy/certbot/issue.sh"), DOMAIN, f"teacher@{DOMAIN}")
        nginx.render(http_only=False)
        nginx.reload()
        root = authority.root()
        deadline = time.monotonic() + 20
        while True:
            try:
                first = serial(nginx.https_port, root)
                break
            except subprocess.CalledProcessError:
                assert time.monotonic() < deadline, nginx.error_log()
                time.sleep(0.05)
        with under_load(nginx.https_port, root, at_least=1000, seconds=120) as load:
            certbot("certbot", "renew", "--force-renewal", "--no-random-sleep-on-renew")
            deadline = time.monotonic() + 20
            while serial(nginx.https_port, root) == first:
                assert time.monotonic() < deadline, "the old certificate is still served"
                time.sleep(0.05)
    assert load.done >= 1000
    assert load.failures == {}
