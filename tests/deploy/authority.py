"""A local authority for certificates: Let's Encrypt's small brother pebble, and certbot that asks it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.deploy.containers import ROOT
from tests.deploy.proxy import DOMAIN, Nginx, answers, make_certificate, wait_for
from tests.servers import free_port


class Authority:
    """pebble on loopback ports, and the name server that it asks: every name leads to this machine."""

    def __init__(self, folder: Path, http_port: int, *, name: str = "localhost") -> None:
        folder.mkdir()
        self.folder, self.name = folder, name
        self.port, self.management, self.dns, dns_management = (free_port() for _ in range(4))
        make_certificate(folder / "endpoint", name)
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
                *("pebble", "-config", str(folder / "config.json")),
                *("-dnsserver", f"127.0.0.1:{self.dns}", "-strict"),
            ],
        )

    def root(self) -> Path:
        """The certificate that everything it issues leads to."""
        path = self.folder / "root.pem"
        address = f"https://{self.name}:{self.management}/roots/0"
        known = ["--resolve", f"{self.name}:{self.management}:127.0.0.1"]
        trusted = [*known, "--cacert", str(self.folder / "endpoint/fullchain.pem"), "--noproxy", "*"]
        subprocess.run(["curl", "-sSf", *trusted, "-o", path, address], check=True, capture_output=True)
        return path


@contextmanager
def issuing(authority: Authority) -> Iterator[Authority]:
    """The authority at work; its processes are ended by their own ids."""
    with ExitStack() as stack:
        for command in authority.commands:
            output = stack.enter_context((authority.folder / f"{command[0]}.log").open("wb"))
            # For practice it refuses one nonce in twenty, and certbot tries again only once.
            environment = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
            stack.callback(process.wait, 20)
            stack.callback(process.send_signal, signal.SIGTERM)
        log = authority.folder / "pebble.log"
        wait_for(
            lambda: answers(authority.port) or process.poll() is not None,
            "pebble does not answer",
            log.read_text,
        )
        assert process.poll() is None, f"pebble did not start\n{log.read_text()}"
        yield authority


class Certbot:
    """certbot with folders of its own, for the certificates of one machine."""

    def __init__(self, nginx: Nginx, authority: Authority, folder: Path) -> None:
        self.nginx, self.authority, self.folder = nginx, authority, folder

    def issue(self) -> None:
        """The first certificate, by the script that an operator calls."""
        self._run(str(ROOT / "deploy/certbot/issue.sh"), DOMAIN, f"teacher@{DOMAIN}")

    def issue_for(self, *domains: str) -> Path:
        """A certificate for other names that the same webroot answers; where it is."""
        names = [part for domain in domains for part in ("--domain", domain)]
        self._run(
            *("certbot", "certonly", "--webroot", "--webroot-path", str(self.nginx.webroot), *names),
            *("--non-interactive", "--agree-tos", "--email", f"owner@{domains[0]}", "--no-eff-email"),
            *("--cert-name", domains[0]),
        )
        return self.folder / "live" / domains[0]

    def renew(self) -> None:
        """Renew the site's certificate although it is not due; the hook of its issue reloads Nginx."""
        self._run(
            *("certbot", "renew", "--force-renewal", "--no-random-sleep-on-renew", "--cert-name", DOMAIN)
        )

    def _run(self, *command: str) -> None:
        folders = (("config", ""), ("work", "work"), ("logs", "logs"))
        options = [f"--{name}-dir={self.folder / folder}" for name, folder in folders]
        environment = os.environ | {
            "REQUESTS_CA_BUNDLE": str(self.authority.folder / "endpoint/fullchain.pem"),
            "NGINX": " ".join(self.nginx.command),
            "WEBROOT": str(self.nginx.webroot),
            "NO_PROXY": "*",
        }
        done = subprocess.run(
            [*command, *options, "--server", f"https://{self.authority.name}:{self.authority.port}/dir"],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def serial(port: int, authority: Path) -> str | None:
    """The serial number of the certificate that is served; None where none is that leads to the authority."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", DOMAIN]
    trusted = ["-CAfile", str(authority), "-verify_hostname", DOMAIN, "-verify_return_error"]
    shown = subprocess.run([*command, *trusted], input=b"", capture_output=True, check=False)
    if shown.returncode != 0:
        return None
    printed = subprocess.run(
        ["openssl", "x509", "-noout", "-serial"], input=shown.stdout, capture_output=True, check=True
    )
    return printed.stdout.decode().strip().removeprefix("serial=")
