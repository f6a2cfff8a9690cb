"""Origins: which pages may talk to the API, and which cookie reaches them back.

CORS lets a page of another origin read answers; the origin check keeps every other page from writing
(CSRF); the cookie's flags follow from where the page is. What browsers send back, and when, was
measured: see docs/decisions/cookies.md.
"""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, after_this_request, current_app, request
from flask_cors import CORS

from homeroom.auth import known_devices
from homeroom.config import Config, current_config
from homeroom.data.errors import Forbidden
from homeroom.web.addresses import is_asked_at_loopback

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
EXPOSED_HEADERS = (
    "ETag",
    "Link",
    "Retry-After",
    "Server-Timing",
    "X-Confirmation",
    "X-Ignored-Fields",
    "X-Request-ID",
    "X-Total-Count",
)
# Firefox caps it at a day, Chromium at two hours: https://developer.mozilla.org/docs/Web/HTTP/Headers/Access-Control-Max-Age
PREFLIGHT_MAX_AGE_S = 7200

log = structlog.get_logger(__name__)


def init_origins(app: Flask, config: Config) -> None:
    """Admit the configured origins, and no other, to the API."""
    app.before_request(_answer_preflight)
    app.before_request(_check_origin)
    app.after_request(_vary_by_origin)
    CORS(
        app,
        resources=r"/api/.*",
        # Strings that hold brackets, such as addresses of IPv6, would be taken for regular expressions.
        origins=[re.compile(re.escape(origin) + r"\Z") for origin in config.frontend_origins],
        methods=list(METHODS),
        # Whatever the page asks for, as in the lesson: which headers pages send is theirs to choose.
        allow_headers="*",
        expose_headers=list(EXPOSED_HEADERS),
        supports_credentials=True,
        max_age=PREFLIGHT_MAX_AGE_S,
        always_send=False,
    )


def _answer_preflight() -> Response | None:
    """Every preflight under /api/ succeeds, of unknown paths too: a page can then read the 404."""
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        _explain_foreign_origin()
        return current_app.response_class(status=204)
    return None


def _check_origin() -> None:
    """Refuse unsafe requests that a page of another origin made the browser send (CSRF).

    The rule is that of OWASP's cheat sheet and of Go's CrossOriginProtection: `Sec-Fetch-Site` and
    `Origin` are set by the browser and no page can forge them; who sends neither is no browser.
    """
    if not request.path.startswith("/api/"):
        return
    if request.method in SAFE_METHODS:
        _explain_foreign_origin()
        return
    if _is_foreign():
        _explain_foreign_origin()
        origin = request.headers.get("Origin")
        if origin is None:
            raise Forbidden("Pages of other sites can't send this request.")
        raise Forbidden("Pages from {origin} can't send this request.", origin=origin[:200])


def _is_foreign() -> bool:
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() in current_config().frontend_origins:
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        # "none" is the person at the keyboard: an address typed, a bookmark.
        return site not in ("same-origin", "none")
    return origin is not None and origin.lower() != _own_origin()


def is_own_origin() -> bool:
    """Whether a page of the API's own origin asks, or a program that is no browser.

    A page that `FRONTEND_ORIGINS` admits is not the API's own.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or origin.lower() == _own_origin()


def _own_origin() -> str:
    return request.host_url.rstrip("/").lower()


def _explain_foreign_origin() -> None:
    """Say in the log what the browser's console cannot: which origin, and what would admit it."""
    origin = request.headers.get("Origin")
    if origin is None or not _is_foreign():
        return
    origins = ",".join((*current_config().frontend_origins, origin[:200]))
    log.warning(
        "origin not admitted",
        origin=origin[:200],
        method=request.method,
        path=request.path,
        remedy=f"if this page is yours, set FRONTEND_ORIGINS={origins}",
    )


def _vary_by_origin(response: Response) -> Response:
    if request.path.startswith("/api/"):
        response.vary.add("Origin")
    return response


def set_session_cookie(response: Response, token: str) -> None:
    """Put the token into the cookie, with the flags that the situation asks for."""
    config = current_config()
    response.set_cookie(
        config.cookie_name,
        token,
        max_age=config.token_lifetime,
        **_cookie_flags(),  # type: ignore[arg-type]  # the flags of set_cookie, by name
    )


def set_device_cookie(response: Response, value: str) -> None:
    """Let the browser be known again; the cookie signs nobody in, and outlives the session."""
    response.set_cookie(
        known_devices.COOKIE,
        value,
        max_age=timedelta(days=known_devices.LIFETIME_DAYS),
        **_cookie_flags(),  # type: ignore[arg-type]  # the flags of set_cookie, by name
    )


def take_session_cookie_back() -> None:
    """Let the answer to this request delete the session's cookie.

    The flags must be those it was set with, `Partitioned` above all.
    """

    @after_this_request
    def delete(response: Response) -> Response:
        response.delete_cookie(
            current_config().cookie_name,
            **_cookie_flags(),  # type: ignore[arg-type]  # the flags of delete_cookie, by name
        )
        return response


def _cookie_flags() -> dict[str, str | bool]:
    """`HttpOnly` always; `Secure` except on plain-http localhost; `SameSite` by where the page is.

    A page of the API's own site gets a `Lax` cookie. To any other page today's browsers send a cookie
    back only if it is `None; Secure; Partitioned` (CHIPS).
    """
    if _is_cross_site():
        return {"httponly": True, "secure": True, "samesite": "None", "partitioned": True}
    secure = request.is_secure or not is_asked_at_loopback()
    if secure and not request.is_secure:
        log.warning(
            "a browser will not keep this cookie",
            reason=f"it is Secure, and {request.host_url} is plain http",
            remedy="serve over https; behind a proxy that does, set TRUSTED_PROXIES=1",
        )
    return {"httponly": True, "secure": secure, "samesite": "Lax"}


def _is_cross_site() -> bool:
    """Whether the page that asks belongs to another site than the API.

    Browsers tell (`Sec-Fetch-Site`, with their own list of public suffixes). Where an old one does not,
    another host counts as another site: such a cookie works on one's own site as well.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "cross-site"
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    return urlsplit(origin).hostname != urlsplit(request.host_url).hostname
