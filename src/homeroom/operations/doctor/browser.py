"""Asking a site as a browser would, at an address that is known."""

import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import dns.exception
import dns.resolver
import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from homeroom.config.checks import split_url
from homeroom.operations.doctor.findings import stop_at

TIMEOUT_S = 8
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """A site, and where to look for it."""

    scheme: str
    host: str
    port: int
    http_port: int
    # Where the name is expected to lead, if that is known.
    expected_address: str | None = None
    nameserver: tuple[str, int] | None = None

    @classmethod
    def parse(cls, url: str, **options: Any) -> "Target":
        """A site by its address.

        Raises:
            ValueError: it is no http(s) address.
        """
        parts = split_url(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"{url!r} isn't an address. Write it like https://class.example.org")
        return cls(parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme], **options)

    @property
    def origin(self) -> str:
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True)
class Answer:
    """An answer of a site."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object; empty where it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def cookies(self) -> SimpleCookie:
        jar = SimpleCookie()
        for line in self.headers.getlist("Set-Cookie"):
            jar.load(line)
        return jar


class Browser:
    """Asks a site at a known address, as a browser would by its name."""

    def __init__(self, target: Target, address: str) -> None:
        self.target, self.address = target, address
        # SSL_CERT_FILE is honoured: an authority of one's own can be tried.
        self._pool: urllib3.HTTPConnectionPool
        if target.scheme == "https":
            self._pool = urllib3.HTTPSConnectionPool(
                address,
                target.port,
                ssl_context=ssl.create_default_context(),
                server_hostname=target.host,
                assert_hostname=target.host,
            )
        else:
            self._pool = urllib3.HTTPConnectionPool(address, target.port)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None
    ) -> Answer:
        """Send one request; redirects are not followed, nothing is tried twice.

        Raises:
            FaultError: nobody answers.
        """
        sent = {"Host": self.target.origin.partition("://")[2], **(headers or {})}
        try:
            response = self._pool.request(
                method,
                path,
                headers=sent,
                json=body,
                redirect=False,
                retries=False,
                timeout=TIMEOUT_S,
            )
        except ReadTimeoutError:
            stop_at(
                "answer",
                f"{self.target.origin} doesn't answer in time.",
                "Check the server's load and log.",
            )
        except HTTPError as error:
            stop_at(
                "answer",
                f"{self.target.origin} closed the connection early ({type(error).__name__}).",
                "Check that Nginx and Homeroom are running, and read their logs.",
            )
        return Answer(response.status, response.headers, response.data)


def find_address(target: Target) -> str:
    """Where a site's name leads.

    Raises:
        FaultError: it has no address.
    """
    try:
        if target.nameserver is None:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            return str(found[0][4][0])
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [target.nameserver[0]], target.nameserver[1]
        return str(resolver.resolve(target.host, "A", lifetime=TIMEOUT_S)[0])
    except (OSError, dns.exception.DNSException):
        stop_at(
            "dns",
            f"The name {target.host} has no address.",
            "Create an A record with the machine's address. It can take an hour to take effect.",
        )
