"""From outside: the name, the ports, the certificate, and what a site answers."""

import socket
import ssl
import time
from collections.abc import Generator, Iterator
from email.utils import parsedate_to_datetime

from homeroom.operations.doctor.browser import TIMEOUT_S, Answer, Browser, Target, find_address
from homeroom.operations.doctor.findings import FaultError, Finding, stop_at
from homeroom.web.addresses import is_loopback

MAX_CLOCK_OFFSET_S = 60
# Certbot renews a month before the end; three weeks before it, something has kept it from doing so.
RENEWED_BEFORE_DAYS = 21
# Time enough to look into it, and no more.
URGENT_DAYS = 7


def check_site(target: Target) -> Iterator[Finding]:
    """All checks from outside; after a fault that hides all others nothing more is looked at."""
    try:
        address = yield from _check_name(target)
        yield _check_port(address, target.port)
        if target.scheme == "https":
            yield from _check_tls(target, address)
            yield _check_redirect(target, address)
        browser = Browser(target, address)
        live = yield from _check_homeroom(browser)
        yield _check_clock(live)
        yield from _check_ready(browser)
        yield _check_cookie(browser)
        if target.scheme == "https":
            yield _check_hsts(browser)
    except FaultError as fault:
        yield fault.finding


def _check_name(target: Target) -> Generator[Finding, None, str]:
    address = find_address(target)
    expected = target.expected_address
    if expected is not None and address != expected:
        stop_at(
            "dns",
            f"{target.host} points to {address} instead of {expected}.",
            f"Change the A record of {target.host} to {expected}.",
        )
    yield Finding("dns", f"{target.host} points to {address}.")
    return address


def _check_port(address: str, port: int) -> Finding:
    try:
        socket.create_connection((address, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        reason = "doesn't answer" if isinstance(error, TimeoutError) else "refuses connections"
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
            "Run `certbot renew`, read its log, and reload Nginx.",
        )
    except (OSError, ssl.SSLError):
        stop_at(
            "certificate",
            f"Port {target.port} doesn't use TLS.",
            "Get a certificate for Nginx with `certbot certonly`.",
        )
    ends_at = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (ends_at - time.time()) / 86400
    if days < RENEWED_BEFORE_DAYS:
        yield Finding(
            "certificate",
            f"The certificate expires in {days:.0f} days and hasn't been renewed.",
            "Run `certbot renew` yourself and read its output. Check that its timer is enabled.",
            is_warning=days >= URGENT_DAYS,
        )
    else:
        yield Finding("certificate", f"The certificate is valid for {days:.0f} more days.")


def _check_redirect(target: Target, address: str) -> Finding:
    plain = Target("http", target.host, target.http_port, target.http_port)
    try:
        answer = Browser(plain, address).ask("GET", "/")
    except FaultError:
        return Finding(
            "redirect",
            f"Port {target.http_port} doesn't answer, so people who type only the name see an error.",
            "Open port 80. Nginx redirects it to HTTPS, and renewing certificates needs it.",
        )
    if answer.status in (301, 302, 307, 308) and answer.headers.get("Location", "").startswith("https://"):
        return Finding("redirect", "Plain HTTP redirects to HTTPS.")
    return Finding(
        "redirect",
        "Plain HTTP doesn't redirect to HTTPS, so passwords would be sent unencrypted.",
        "Use the configuration that `homeroom deploy nginx` writes.",
    )


def _check_homeroom(browser: Browser) -> Generator[Finding, None, Answer]:
    answer = browser.ask("GET", "/api/health/live")
    if answer.status in (502, 503, 504):
        stop_at(
            "homeroom",
            f"The proxy answers {answer.status}, so Homeroom isn't running behind it.",
            "Start it (`systemctl start homeroom`, `docker compose up -d`) and read its log.",
        )
    if answer.status != 200 or answer.json.get("status") != "ok":
        stop_at(
            "homeroom",
            f"Something answers at {browser.target.origin}, but it isn't a Homeroom server.",
            "Check that the name points to the right machine, and Nginx to the right port.",
        )
    yield Finding("homeroom", "Homeroom answers.")
    return answer


def _check_clock(answer: Answer) -> Finding:
    written = answer.headers.get("Date")
    offset_s = 0.0 if written is None else abs(parsedate_to_datetime(written).timestamp() - time.time())
    if offset_s <= MAX_CLOCK_OFFSET_S:
        return Finding("clock", "Its clock agrees with this machine's.")
    return Finding(
        "clock",
        f"Its clock differs from this machine's by {offset_s:.0f} s, so sessions end too soon or too late.",
        "Synchronize the clock with the network: `timedatectl set-ntp true`.",
    )


def _check_ready(browser: Browser) -> Iterator[Finding]:
    answer = browser.ask("GET", "/api/health/ready")
    if answer.status != 200:
        yield Finding(
            "ready",
            str(answer.json.get("detail", f"It answers {answer.status}.")),
            "Run `homeroom db upgrade`, and check that the database answers.",
        )
        return
    yield Finding("ready", "Its database answers and its tables are up to date.")
    seen = answer.json.get("seen", {})
    if seen.get("scheme") == browser.target.scheme:
        yield Finding("proxy", "It knows its own scheme and name.")
    else:
        yield Finding(
            "proxy",
            f"Requests arrive over {browser.target.scheme}, but it sees {seen.get('scheme')}.",
            "Set TRUSTED_PROXIES=1, and let the proxy set X-Forwarded-Proto.",
        )


def _check_cookie(browser: Browser) -> Finding:
    """Signing out takes a cookie back with the flags that signing in would give it, from anybody."""
    target = browser.target
    answer = browser.ask("DELETE", "/api/authenticate", {"Sec-Fetch-Site": "same-origin"})
    flags = [bool(morsel["secure"]) for morsel in answer.cookies.values()]
    if target.scheme == "http" and not is_loopback(target.host):
        return Finding(
            "cookie",
            f"Browsers don't keep the session of {target.origin}: the cookie is Secure, the page uses http.",
            "Serve over https.",
        )
    if flags and (all(flags) or target.scheme == "http"):
        return Finding("cookie", "Browsers keep the session cookie.")
    return Finding(
        "cookie",
        "The session cookie isn't Secure.",
        "Set TRUSTED_PROXIES=1, so that the server knows about HTTPS.",
    )


def _check_hsts(browser: Browser) -> Finding:
    if browser.ask("GET", "/").headers.get("Strict-Transport-Security"):
        return Finding("hsts", "Browsers are told to use HTTPS only.")
    return Finding(
        "hsts",
        "Browsers aren't told to use HTTPS only.",
        "Let Nginx add Strict-Transport-Security.",
        is_warning=True,
    )
