"""Nginx's configuration, rendered from the same constants that the application answers by."""

import ipaddress
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from homeroom.auth.origins import EXPOSED_HEADERS, METHODS, PREFLIGHT_MAX_AGE_S
from homeroom.web.problems import MEDIA_TYPE, TOO_LARGE, problem_members

# Two years, as Mozilla's profile has it; only this name, for the domain above may be somebody else's.
HSTS = "max-age=63072000"
CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?|https?://\[[0-9a-f:]+\](?::[0-9]+)?")
_PATH = re.compile(r"/[A-Za-z0-9._/-]*")


@dataclass(frozen=True)
class NginxSite:
    """One class site behind Nginx."""

    domain: str
    origins: tuple[str, ...]
    max_body_bytes: int
    upstream: str = "127.0.0.1:8286"
    # A file with the `server` line in it, which `homeroom deploy update` rewrites.
    upstream_file: Path | None = None
    webroot: Path = Path("/var/www/letsencrypt")
    certificate_dir: Path | None = None
    cache_dir: Path = Path("/var/lib/nginx/homeroom")
    log_dir: Path = Path("/var/log/nginx")
    # Empty: every address of the machine.
    address: str = ""
    http_port: int = 80
    https_port: int = 443
    requests_per_second: int = 50
    burst: int = 200
    connections: int = 400
    brotli: bool = False
    http_only: bool = False


def render_nginx(site: NginxSite) -> str:
    """The configuration of a site.

    Raises:
        ValueError: a path or an origin holds what would mean something to Nginx.
    """
    for origin in site.origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} isn't an origin that a browser sends. Write it like https://someone.github.io"
            )
    certificates = site.certificate_dir or Path("/etc/letsencrypt/live") / site.domain
    paths = {
        "webroot": site.webroot,
        "certificate_dir": certificates,
        "cache_dir": site.cache_dir,
        "log_dir": site.log_dir,
        "upstream_file": site.upstream_file,
    }
    for path in paths.values():
        if path is not None and not _PATH.fullmatch(str(path)):
            raise ValueError(f"{str(path)!r} must be an absolute path of letters, digits and ._-/")
    values = site.__dict__ | paths | _application_constants()
    values["host"] = site.domain if site.https_port == 443 else f"{site.domain}:{site.https_port}"
    values["listen"] = f"{site.address}:" if site.address else ""
    # What is rendered is no HTML; what goes in was checked before.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    template = (files("homeroom") / "operations/deploy/templates/nginx.conf").read_text(encoding="utf-8")
    return environment.from_string(template).render(values)


def _application_constants() -> dict[str, object]:
    return {
        "methods": ", ".join(METHODS),
        "exposed_headers": ", ".join(EXPOSED_HEADERS),
        "max_age_s": PREFLIGHT_MAX_AGE_S,
        "problem_type": MEDIA_TYPE,
        "too_large": TOO_LARGE,
        "problem": _quoted_problem,
        "hsts": HSTS,
        "ciphers": CIPHERS,
    }


def _quoted_problem(status: int, detail: str) -> str:
    """An error in the application's one shape, as a string of Nginx's language."""
    body = json.dumps(problem_members(status, detail))
    # In a string that is returned, $ begins a variable and cannot be escaped.
    assert "$" not in body
    return "'" + body.replace("\\", "\\\\").replace("'", "\\'") + "'"


def check_domain(domain: str) -> str:
    """A full domain name, in ASCII and lower case (RFC 1123).

    Raises:
        ValueError: it is an address, has a scheme or a port, or is no name that a certificate can be had for.
    """
    name = domain.lower().rstrip(".")
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{domain!r} isn't a domain. Write it like class.example.org, without https://")
    if labels[-1].isdigit():
        raise ValueError(f"{domain!r} is an IP address. Certificates need a name like class.example.org")
    return name


def check_upstream(upstream: str) -> str:
    """Where the application listens: host:port.

    Raises:
        ValueError: it is something else.
    """
    host, _, port = upstream.rpartition(":")
    named = all(_LABEL.fullmatch(label) for label in host.split("."))
    if not named or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{upstream!r} isn't a host and port. Write it like 127.0.0.1:8286")
    return upstream


def check_address(address: str) -> str:
    """An address of this machine to listen on.

    Raises:
        ValueError: it is none.
    """
    parsed = ipaddress.ip_address(address)
    return f"[{parsed}]" if parsed.version == 6 else str(parsed)
