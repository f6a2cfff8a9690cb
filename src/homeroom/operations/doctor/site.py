"""From outside: the name, the ports, the certificate, and what a site answers."""

import json
import socket
import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from homeroom.operations.doctor.findings import FaultError, Finding, stop_at
from homeroom.web.addresses import is_loopback

TIMEOUT_S = 8
MAX_CLOCK_OFFSET_S = 60
# Certbot renews a month before the end; three weeks before it, something has kept it from doing so.
RENEWED_BEFORE_DAYS = 21
# Time enough to look into it, and no more.
URGENT_DAYS = 7
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
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is no address; write it like https://class.example.org")
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


class Site:
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
                f"{self.target.origin} does not answer in time.",
                "Look at the server's load and log.",
            )
        except HTTPError as error:
            stop_at(
                "answer",
                f"{self.target.origin} breaks off the connection ({type(error).__name__}).",
                "Look whether Nginx and Homeroom run, and at their logs.",
            )
        return Answer(response.status, response.headers, response.data)


def check_site(target: Target) -> Iterator[Finding]:
    """All checks from outside; after a fault that hides all others nothing more is looked at."""
    try:
        address = yield from _check_name(target)
        yield _check_port(address, target.port)
        if target.scheme == "https":
            yield from _check_tls(target, address)
            yield _check_redirect(target, address)
        site = Site(target, address)
        live = yield from _check_homeroom(site)
        yield _check_clock(live)
        yield from _check_ready(site)
        yield _check_cookie(site)
        if target.scheme == "https":
            yield _check_hsts(site)
    except FaultError as fault:
        yield fault.finding


def find_address(target: Target) -> str:
    """Where a site's name leads.

    Raises:
        FaultError: it leads nowhere.
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
            f"The name {target.host} leads nowhere.",
            "Make an A record with the machine's address; a new one can take an hour to be known.",
        )


def _check_name(target: Target) -> Generator[Finding, None, str]:
    address = find_address(target)
    expected = target.expected_address
    if expected is not None and address != expected:
        stop_at(
            "dns",
            f"{target.host} leads to {address}, not to {expected}.",
            f"Change the A record of {target.host} to {expected}.",
        )
    yield Finding("dns", f"{target.host} leads to {address}.")
    return address


def _check_port(address: str, port: int) -> Finding:
    try:
        socket.create_connection((address, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        reason = "does not answer" if isinstance(error, TimeoutError) else "refuses"
        stop_at(
            "port",
            f"Port {port} of {address} {reason}.",
            f"Start Nginx, and open port {port} in the security group and the firewall.",
        )
    return Finding("port", f"Port {port} is open.")


def _check_tls(target: Target, address: str) -> Iterator[Finding]:
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((address, target.port), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=target.host) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        stop_at(
            "certificate",
            f"Browsers refuse the certificate: {error.verify_message}.",
            "Run `certbot renew`, look at its log, and reload Nginx.",
        )
    except (OSError, ssl.SSLError):
        stop_at(
            "certificate",
            f"Port {target.port} does not speak TLS.",
            "Give Nginx a certificate: `certbot certonly`.",
        )
    ends_at = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (ends_at - time.time()) / 86400
    if days < RENEWED_BEFORE_DAYS:
        yield Finding(
            "certificate",
            f"The certificate ends in {days:.0f} days and was not renewed.",
            "Run `certbot renew` by hand and look at what it says; see that its timer is on.",
            is_warning=days >= URGENT_DAYS,
        )
    else:
        yield Finding("certificate", f"The certificate is good for {days:.0f} days.")


def _check_redirect(target: Target, address: str) -> Finding:
    plain = Target("http", target.host, target.http_port, target.http_port)
    try:
        answer = Site(plain, address).ask("GET", "/")
    except FaultError:
        return Finding(
            "redirect",
            f"Port {target.http_port} does not answer: who types the bare name sees an error.",
            "Open port 80; Nginx leads it to HTTPS, and certificates are renewed by it.",
        )
    if answer.status in (301, 302, 307, 308) and answer.headers.get("Location", "").startswith("https://"):
        return Finding("redirect", "Plain http leads to HTTPS.")
    return Finding(
        "redirect",
        "Plain http is answered and not led to HTTPS: passwords would be sent in the clear.",
        "Use the configuration that `homeroom deploy nginx` writes.",
    )


def _check_homeroom(site: Site) -> Generator[Finding, None, Answer]:
    answer = site.ask("GET", "/api/health/live")
    if answer.status in (502, 503, 504):
        stop_at(
            "homeroom",
            f"The proxy answers {answer.status}: Homeroom behind it does not run.",
            "Start it (`systemctl start homeroom`, `docker compose up -d`) and look at its log.",
        )
    if answer.status != 200 or answer.json.get("status") != "ok":
        stop_at(
            "homeroom",
            f"Something answers at {site.target.origin}, but it is no Homeroom.",
            "See that the name leads to the right machine, and Nginx to the right port.",
        )
    yield Finding("homeroom", "Homeroom answers.")
    return answer


def _check_clock(answer: Answer) -> Finding:
    written = answer.headers.get("Date")
    offset_s = 0.0 if written is None else abs(parsedate_to_datetime(written).timestamp() - time.time())
    if offset_s <= MAX_CLOCK_OFFSET_S:
        return Finding("clock", "Its clock and this machine's agree.")
    return Finding(
        "clock",
        f"Its clock and this machine's differ by {offset_s:.0f} s: sessions end too soon or too late.",
        "Set the clock by the network: `timedatectl set-ntp true`.",
    )


def _check_ready(site: Site) -> Iterator[Finding]:
    answer = site.ask("GET", "/api/health/ready")
    if answer.status != 200:
        yield Finding(
            "ready",
            str(answer.json.get("detail", f"It answers {answer.status}.")),
            "Run `homeroom db upgrade`, and see that the database answers.",
        )
        return
    yield Finding("ready", "Its database answers and its tables are up to date.")
    seen = answer.json.get("seen", {})
    if seen.get("scheme") == site.target.scheme:
        yield Finding("proxy", "It knows by which scheme and name it is asked.")
    else:
        yield Finding(
            "proxy",
            f"It is asked by {site.target.scheme} and believes {seen.get('scheme')}.",
            "Set TRUSTED_PROXIES=1, and let the proxy set X-Forwarded-Proto.",
        )


def _check_cookie(site: Site) -> Finding:
    """Signing out takes a cookie back with the flags that signing in would give it, from anybody."""
    target = site.target
    answer = site.ask("DELETE", "/api/authenticate", {"Sec-Fetch-Site": "same-origin"})
    flags = [bool(morsel["secure"]) for morsel in answer.cookies.values()]
    if target.scheme == "http" and not is_loopback(target.host):
        return Finding(
            "cookie",
            f"A browser keeps no session of {target.origin}: the cookie is Secure, the page plain http.",
            "Serve over https.",
        )
    if flags and (all(flags) or target.scheme == "http"):
        return Finding("cookie", "The session's cookie is one that browsers keep.")
    return Finding(
        "cookie", "The session's cookie is not Secure.", "Set TRUSTED_PROXIES=1, so that it knows of https."
    )


def _check_hsts(site: Site) -> Finding:
    if site.ask("GET", "/").headers.get("Strict-Transport-Security"):
        return Finding("hsts", "Browsers are told to come by HTTPS only.")
    return Finding(
        "hsts",
        "Browsers are not told to come by HTTPS only.",
        "Let Nginx add Strict-Transport-Security.",
        is_warning=True,
    )
