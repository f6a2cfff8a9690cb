"""From a page's side: what a page of another origin asks, and why a browser would refuse it."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from homeroom.config.checks import check_origin
from homeroom.operations.doctor.browser import Answer, Browser, Target, find_address
from homeroom.operations.doctor.findings import FaultError, Finding, stop_at
from homeroom.web.addresses import is_loopback

# What pages written for this system send: CONTRACT of the lesson.
_PAGE_HEADERS = ("content-type", "x-origin")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Visitor:
    """Whom to sign in as, for the part of the walk that needs somebody."""

    uid: str
    password: str


# Measured with WebKit 2.50, Firefox 153 and Chromium 156: tests/browser/test_engines.py.
# It is no fault of the site's, and every class with pages on GitHub Pages has it: all else may be well.
_WEBKIT = Finding(
    "Safari",
    "In Safari and other WebKit browsers nobody can sign in on this page: it belongs to another site. "
    "To support them, serve the page and the API under one domain, like www.example.org and api.example.org.",
)


def walk(target: Target, origin: str, visitor: Visitor | None) -> Iterator[Finding]:
    """Preflight, refusals, cookie, and, with somebody's password, sign-in and the list of users."""
    try:
        _check_pair(target, origin)
        browser = Browser(target, find_address(target))
        yield _check_preflight(browser, origin)
        yield _check_readable(browser, origin)
        yield _check_unknown_path(browser, origin)
        yield _check_cookie(browser, origin)
        if site_relation(origin, target) == "cross-site":
            yield _WEBKIT
        if visitor is not None:
            yield from _sign_in(browser, origin, visitor)
    except FaultError as fault:
        yield fault.finding


def site_relation(origin: str, target: Target) -> str:
    """What a browser would send as `Sec-Fetch-Site`: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header."""
    if origin == target.origin:
        return "same-origin"
    page = urlsplit(origin)
    if page.scheme == target.scheme and _registrable(page.hostname or "") == _registrable(target.host):
        return "same-site"
    return "cross-site"


def _registrable(host: str) -> str:
    if is_loopback(host):
        return host
    return PublicSuffixList().privatesuffix(host) or host


def _check_pair(target: Target, origin: str) -> None:
    try:
        check_origin(origin)
    except ValueError as error:
        stop_at("origin", str(error), "Pass the page's origin: scheme, host and port only.")
    page = urlsplit(origin)
    if page.scheme == "https" and target.scheme == "http" and not is_loopback(target.host):
        stop_at(
            "mixed content",
            f"A page of {origin} can't use {target.origin}: browsers block http requests from https pages.",
            "Serve the API over https.",
        )


def _headers(browser: Browser, origin: str, **more: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Sec-Fetch-Site": site_relation(origin, browser.target),
        "X-Origin": "client",
    } | more


def _readable(answer: Answer, origin: str) -> str | None:
    """Why a browser keeps an answer from the page; None: it does not."""
    allowed = answer.headers.getlist("Access-Control-Allow-Origin")
    if len(allowed) > 1:
        return "Access-Control-Allow-Origin is sent twice, by Nginx and by Homeroom"
    if not allowed:
        return "Access-Control-Allow-Origin is missing, so the origin isn't allowed"
    if allowed[0] != origin:
        return f"Access-Control-Allow-Origin is {allowed[0]}"
    if answer.headers.get("Access-Control-Allow-Credentials") != "true":
        return "Access-Control-Allow-Credentials: true is missing"
    return None


def _admit(origin: str) -> str:
    return f"Add {origin} to FRONTEND_ORIGINS (and to `homeroom deploy nginx --origin`), then restart."


def _hint(browser: Browser, origin: str) -> str:
    """The most common mix-up: a browser takes the two names of this machine for two sites."""
    names = {urlsplit(origin).hostname, browser.target.host}
    return " 127.0.0.1 and localhost are different origins." if names == {"localhost", "127.0.0.1"} else ""


def _check_preflight(browser: Browser, origin: str) -> Finding:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(_PAGE_HEADERS),
    }
    answer = browser.ask("OPTIONS", "/api/authenticate", _headers(browser, origin) | asked)
    reason = _readable(answer, origin)
    if reason is not None:
        stop_at(
            "preflight",
            f"A page of {origin} can't use the API: {reason}.{_hint(browser, origin)}",
            _admit(origin),
        )
    if answer.status not in (200, 204):
        stop_at(
            "preflight",
            f"The preflight is answered with {answer.status}; browsers give up at a redirect or an error.",
            "Use the Nginx configuration that `homeroom deploy nginx` writes.",
        )
    missing = _missing(answer, "Access-Control-Allow-Methods", _METHODS)
    missing += _missing(answer, "Access-Control-Allow-Headers", _PAGE_HEADERS)
    if missing:
        stop_at(
            "preflight",
            f"The preflight doesn't allow {', '.join(missing)}.",
            "Remove the CORS block of an older Nginx configuration.",
        )
    return Finding("preflight", f"Pages of {origin} can use the API.")


def _missing(answer: Answer, header: str, needed: tuple[str, ...]) -> list[str]:
    allowed = {part.strip().lower() for part in answer.headers.get(header, "").split(",")}
    return [name for name in needed if name.lower() not in allowed]


def _check_readable(browser: Browser, origin: str) -> Finding:
    # An empty body is refused before anything is counted as a guess.
    answer = browser.ask("POST", "/api/authenticate", _headers(browser, origin), body={})
    reason = _readable(answer, origin)
    if reason is None and answer.status == 422:
        return Finding("refusals", "Pages can read why a request was refused.")
    return Finding(
        "refusals",
        f"Pages can't read why a request was refused ({answer.status}): "
        f"{reason or 'the answer is not from a Homeroom server'}.",
        _admit(origin),
    )


def _check_unknown_path(browser: Browser, origin: str) -> Finding:
    answer = browser.ask("GET", "/api/no-such-address", _headers(browser, origin))
    reason = _readable(answer, origin)
    if answer.status == 404 and reason is None:
        return Finding("unknown address", "A wrong address gives a readable 404, not a CORS error.")
    return Finding(
        "unknown address",
        f"A wrong address looks like a CORS error in the page's console: {answer.status}, {reason}.",
        "Let Nginx pass everything under /api/ to Homeroom.",
    )


def _check_cookie(browser: Browser, origin: str) -> Finding:
    relation = site_relation(origin, browser.target)
    answer = browser.ask("DELETE", "/api/authenticate", _headers(browser, origin))
    return _judge_cookie(answer, relation, browser.target)


def _judge_cookie(answer: Answer, relation: str, target: Target) -> Finding:
    lines = answer.headers.getlist("Set-Cookie")
    if not lines:
        return Finding("page's cookie", "No session cookie is set.", "Check that Nginx passes on Set-Cookie.")
    if relation == "cross-site":
        # The session's, and that of a known device.
        flags = [{part.strip().lower() for part in line.split(";")[1:]} for line in lines]
        missing = {"samesite=none", "secure", "partitioned"} - flags[0].intersection(*flags)
        if missing:
            return Finding(
                "page's cookie",
                f"The page belongs to another site, and the cookie lacks {', '.join(sorted(missing))}: "
                "browsers drop it.",
                "Check that Nginx passes on Origin and Sec-Fetch-Site, and Set-Cookie unchanged.",
            )
        if target.scheme == "http" and not is_loopback(target.host):
            return Finding(
                "page's cookie", "A page of another site needs a Secure cookie, which http can't set.",
                "Serve the API over https.",
            )  # fmt: skip
    return Finding("page's cookie", f"The cookie comes back to a {relation} page.")


def _sign_in(browser: Browser, origin: str, visitor: Visitor) -> Iterator[Finding]:
    body = {"uid": visitor.uid, "password": visitor.password}
    answer = browser.ask("POST", "/api/authenticate", _headers(browser, origin), body=body)
    if answer.status != 200:
        stop_at(
            "sign-in",
            f"Signing in is refused: {answer.json.get('message', answer.status)}",
            "Check the ID and the password.",
        )
    yield _judge_cookie(answer, site_relation(origin, browser.target), browser.target)
    cookie = "; ".join(f"{morsel.key}={morsel.value}" for morsel in answer.cookies.values())
    listed = browser.ask("GET", "/api/users/", _headers(browser, origin, Cookie=cookie))
    refusal = _readable(listed, origin)
    browser.ask("DELETE", "/api/authenticate", _headers(browser, origin, Cookie=cookie))
    if listed.status == 200 and refusal is None:
        yield Finding("sign-in", f"{visitor.uid} can sign in from {origin} and read the class.")
    else:
        yield Finding(
            "sign-in",
            f"After signing in, the class can't be read: {listed.status}, {refusal}.",
            _admit(origin),
        )
