"""The headers of the site's pages, and as much of them as a page can say for itself."""

from collections.abc import Sequence

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "browsing-topics=(), camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    # A join code must reach no other site, nor its log: not even the page's path leaves ours.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# A browser takes these from a header only, and complains of them in a page.
_HEADER_ONLY = ("frame-ancestors",)


def content_security_policy(api_origins: Sequence[str]) -> str:
    """Scripts and styles from our files alone, requests and pictures from us and the API alone (W3C CSP 3).

    Trusted Types make the browser itself refuse `innerHTML`: a name can never become markup.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self' data: blob:", *api_origins)),
            " ".join(("connect-src 'self'", *api_origins)),
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def policy_in_page(api_origins: Sequence[str]) -> str:
    """The policy for a page's `<meta>`, where no server sends headers of ours."""
    directives = content_security_policy(api_origins).split("; ")
    return "; ".join(directive for directive in directives if not directive.startswith(_HEADER_ONLY))
