"""Nginx in front of the application: every rule is compared with what the application itself answers."""

import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from homeroom.app import create_app
from homeroom.auth.origins import METHODS
from homeroom.config import load_config
from homeroom.operations.deploy.nginx import NginxSite, render_nginx
from tests.conftest import KEY
from tests.deploy.proxy import DOMAIN, PAGE_ORIGIN, Nginx, curl, make_certificate, proxying
from tests.servers import Server

pytestmark = pytest.mark.deploy

FOREIGN_ORIGIN = "https://evil.test"
ASKED_HEADERS = "Content-Type,X-Origin,If-Match,Cache-Control,Pragma,X-CSRF-Token,X-Of-The-Page-1"
# How many bytes came over the line, behind the body.
DOWNLOADED = ("-w", " %{size_download}")
BROTLI = "load_module /usr/lib/nginx/modules/ngx_http_brotli_filter_module.so;"


@pytest.fixture(scope="module")
def nginx(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), upstream=server.address.removeprefix("http://"))
    make_certificate(nginx.folder / "certificate")
    nginx.render()
    with proxying(nginx):
        yield nginx


def preflight_headers(origin: str, method: str) -> list[str]:
    return [
        *("-X", "OPTIONS", "-H", f"Origin: {origin}", "-H", f"Access-Control-Request-Method: {method}"),
        *("-H", f"Access-Control-Request-Headers: {ASKED_HEADERS.lower()}"),
    ]


def words(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(",")}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/api/users/", "/api/users", "/api/no/such/path", "/api"])
def test_a_preflight_of_an_admitted_origin_is_answered_as_the_application_answers_it(
    nginx: Nginx, server: Server, method: str, path: str
) -> None:
    answer = curl(nginx, path, *preflight_headers(PAGE_ORIGIN, method))
    asked = {
        "Origin": PAGE_ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ASKED_HEADERS,
    }
    own = requests.options(server.url("/api/users/"), headers=asked, timeout=10)
    assert answer.status == own.status_code == 204
    assert not answer.all("Server-Timing"), "the application was not asked"
    for name in ("Access-Control-Allow-Methods", "Access-Control-Allow-Headers"):
        (given,) = answer.all(name)
        assert words(given) == words(own.headers[name])
    assert words(own.headers["Access-Control-Allow-Headers"]) == words(ASKED_HEADERS)
    for name in (
        *("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Max-Age"),
        *("Access-Control-Expose-Headers", "Vary", "Cache-Control", "X-Content-Type-Options"),
    ):
        assert answer.all(name) == [own.headers[name]], name


@pytest.mark.parametrize(
    "origin",
    [
        *(FOREIGN_ORIGIN, "null", f"{PAGE_ORIGIN}.evil.test", f"{PAGE_ORIGIN}:444"),
        PAGE_ORIGIN.replace("https", "http"),
    ],
)
def test_a_preflight_of_any_other_origin_is_refused_by_the_application(
    nginx: Nginx, server: Server, origin: str
) -> None:
    answer = curl(nginx, "/api/users/", *preflight_headers(origin, "PUT"))
    assert answer.status == 204
    assert answer.all("Server-Timing"), "the application was asked, so that its log can say why"
    assert [name for name, _value in answer.headers if name.startswith("access-control-")] == []


def test_no_header_is_doubled(nginx: Nginx) -> None:
    for path in ("/", "/api/users/", "/api/health/live", "/assets/css/base.css", "/users/"):
        for _ in range(2):
            answer = curl(nginx, path, "-H", f"Origin: {PAGE_ORIGIN}", "-H", "Accept-Encoding: gzip")
            names = [name for name, _value in answer.headers if name not in ("vary", "set-cookie")]
            assert sorted(set(names)) == sorted(names), path
            assert answer.all("Strict-Transport-Security") == ["max-age=63072000"]
            assert re.fullmatch(r"[0-9a-f]{32}", answer.all("X-Request-ID")[0])


def test_a_body_that_is_too_large_is_refused_in_the_applications_words(
    nginx: Nginx, server: Server, tmp_path: Path
) -> None:
    app = create_app(load_config(instance_path=tmp_path, secret_key=KEY, log_level="WARNING"))
    assert app.config["MAX_CONTENT_LENGTH"] == nginx.settings["max_body_bytes"]
    body = tmp_path / "body"
    body.write_bytes(b"x" * (app.config["MAX_CONTENT_LENGTH"] + 1))
    sent = (
        "-H",
        f"Origin: {PAGE_ORIGIN}",
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        f"@{body}",
    )
    answer = curl(nginx, "/api/authenticate", *sent)
    own = requests.post(
        server.url("/api/authenticate"),
        data=body.read_bytes(),
        headers={"Origin": PAGE_ORIGIN, "Content-Type": "application/json"},
        timeout=20,
    )
    assert answer.status == own.status_code == 413
    assert json.loads(answer.body) == own.json()
    assert answer.all("Content-Type") == ["application/problem+json"]
    assert answer.all("Access-Control-Allow-Origin") == [PAGE_ORIGIN]
    body.write_bytes(b"x" * app.config["MAX_CONTENT_LENGTH"])
    assert curl(nginx, "/api/uploads/", *sent).status == 401, "one byte less reaches the application"


def test_what_a_client_claims_about_itself_does_not_reach_the_application(
    nginx: Nginx, server: Server
) -> None:
    """Claimed, a scheme or host would be taken for its own origin, and a foreign page could write."""
    claims = (
        *("-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Forwarded-Proto: http"),
        *(
            "-H",
            "X-Forwarded-Host: evil.test",
            "-H",
            "X-Forwarded-Port: 443",
            "-H",
            "Forwarded: host=evil.test",
        ),
        *("-H", "X-Request-ID: chosen-by-the-client", "-H", "Content-Type: application/json"),
    )
    body = ("-d", '{"uid": "nobody", "password": "wrong"}')
    refused = curl(nginx, "/api/authenticate", *claims, *body, "-H", f"Origin: {FOREIGN_ORIGIN}")
    assert refused.status == 403
    own = curl(nginx, "/api/authenticate", *claims, *body, "-H", f"Origin: {nginx.address}")
    assert own.status == 401, "its own origin is the domain over https, whatever was claimed"
    assert own.all("X-Request-ID") != ["chosen-by-the-client"]
    # The same claims, where nothing stands in front, are believed: this is what Nginx keeps out.
    believed = requests.post(
        server.url("/api/authenticate"),
        json={"uid": "nobody", "password": "wrong"},
        headers={
            "Origin": FOREIGN_ORIGIN,
            "X-Forwarded-Host": "evil.test",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Port": "443",
        },
        timeout=10,
    )
    assert believed.status_code == 401


def test_guesses_from_one_address_are_counted_whatever_it_claims(nginx: Nginx) -> None:
    statuses = [
        curl(
            nginx,
            "/api/authenticate",
            *("-H", f"X-Forwarded-For: 198.51.100.{number}", "-H", "Content-Type: application/json"),
            *("-d", '{"uid": "guessed", "password": "wrong"}'),
        ).status
        for number in range(40)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def handshake(nginx: Nginx, version: ssl.TLSVersion, name: str = DOMAIN) -> str | None:
    context = ssl.create_default_context(cafile=str(nginx.folder / "certificate/fullchain.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", nginx.https_port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        assert secured.selected_alpn_protocol() == "h2"
        return secured.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_modern_tls_and_only_for_its_own_name(nginx: Nginx) -> None:
    assert handshake(nginx, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert handshake(nginx, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(nginx, version)
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        handshake(nginx, ssl.TLSVersion.TLSv1_3, name="other.test")


def test_a_scanner_finds_what_mozilla_recommends(nginx: Nginx) -> None:
    scanner = Path(sys.executable).parent / "sslyze"
    target = f"{DOMAIN}:{nginx.https_port}{{127.0.0.1}}"
    scanned = subprocess.run(
        [scanner, "--mozilla_config", "intermediate", target], capture_output=True, text=True, check=False
    )
    _, checked, found = scanned.stdout.partition('against Mozilla\'s "intermediate" configuration')
    assert checked, scanned.stdout + scanned.stderr
    # The certificate is the tests' own; nothing else differs.
    assert re.findall(r"^ +\* (\w+): ", found, re.M) == ["certificate_path_validation"], found


def plain(nginx: Nginx, path: str, host: str = DOMAIN) -> requests.Response:
    return requests.get(
        f"http://127.0.0.1:{nginx.http_port}{path}", headers={"Host": host}, allow_redirects=False, timeout=10
    )


def test_plain_http_leads_to_https_and_answers_the_authority(nginx: Nginx) -> None:
    redirect = plain(nginx, "/users/?q=ada")
    assert redirect.status_code == 301
    assert redirect.headers["Location"] == f"{nginx.address}/users/?q=ada"
    challenge = nginx.webroot / ".well-known/acme-challenge"
    challenge.mkdir(parents=True)
    (challenge / "token").write_text("proof")
    assert plain(nginx, "/.well-known/acme-challenge/token").text == "proof"
    assert plain(nginx, "/.well-known/acme-challenge/other").status_code == 404
    with pytest.raises(requests.ConnectionError):
        plain(nginx, "/", host="evil.test")


def test_the_log_holds_the_requests_id_and_nothing_personal(nginx: Nginx) -> None:
    answer = curl(nginx, "/api/users/?q=Lovelace", "-H", "Referer: https://x.test/?code=SECRET")
    log = (nginx.folder / "homeroom.access.log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    (line,) = [line for line in lines if line["request_id"] == answer.all("X-Request-ID")[0]]
    assert (line["path"], line["status"], line["protocol"]) == ("/api/users/", 401, "HTTP/2.0")
    assert "Lovelace" not in log
    assert "SECRET" not in log


def test_pages_are_compressed_and_the_sites_files_are_kept_for_a_moment(nginx: Nginx) -> None:
    page = curl(nginx, "/assets/css/base.css", "-H", "Accept-Encoding: identity")
    assert page.all("Content-Type")[0].startswith("text/css")
    head = curl(nginx, "/assets/css/base.css", "-I", "-H", "Accept-Encoding: gzip")
    assert head.all("Content-Encoding") == ["gzip"]
    etag = curl(nginx, "/assets/css/base.css", "-I").all("ETag")[0]
    assert curl(nginx, "/assets/css/base.css", "-H", f"If-None-Match: {etag}").status == 304


def test_browsers_that_know_brotli_get_it_and_others_gzip(server: Server, tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, upstream=server.address.removeprefix("http://"), brotli=True)
    make_certificate(nginx.folder / "certificate")
    nginx.render(modules=BROTLI)
    path = "/assets/css/base.css"
    with proxying(nginx):
        plain_text = curl(nginx, path, "-H", "Accept-Encoding: identity")
        given = {
            accepted: curl(nginx, path, "--compressed", "-H", f"Accept-Encoding: {accepted}")
            for accepted in ("br", "gzip, deflate, br", "gzip")
        }
        sizes = {
            coding: int(curl(nginx, path, "-H", f"Accept-Encoding: {coding}", *DOWNLOADED).body.split()[-1])
            for coding in ("br", "gzip", "identity")
        }
    encodings = {accepted: answer.all("Content-Encoding") for accepted, answer in given.items()}
    assert encodings == {"br": ["br"], "gzip, deflate, br": ["br"], "gzip": ["gzip"]}
    assert plain_text.all("Content-Encoding") == []
    # Decoded by curl, each is what was there.
    assert {answer.body for answer in given.values()} == {plain_text.body}
    assert all("Accept-Encoding" in answer.all("Vary") for answer in given.values())
    assert sizes["br"] < sizes["gzip"] < sizes["identity"]


def test_too_many_requests_are_refused_as_a_problem_that_pages_can_read(
    server: Server, tmp_path: Path
) -> None:
    upstream = server.address.removeprefix("http://")
    nginx = Nginx(tmp_path, upstream=upstream, requests_per_second=5, burst=10)
    make_certificate(nginx.folder / "certificate")
    nginx.render()
    with proxying(nginx), ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(
                lambda _number: curl(nginx, "/api/health/live", "-H", f"Origin: {PAGE_ORIGIN}"), range(100)
            )
        )
        page = [curl(nginx, "/") for _ in range(30)][-1]
    refused = [answer for answer in answers if answer.status != 200]
    assert 0 < len(refused) < 100
    for answer in refused:
        assert answer.status == 429
        assert answer.all("Retry-After") == ["1"]
        assert answer.all("Access-Control-Allow-Origin") == [PAGE_ORIGIN]
        assert set(json.loads(answer.body)) == {"title", "status", "detail", "message", "data", "error"}
    assert page.status in (200, 429)


def test_while_the_application_is_away_pages_and_the_api_say_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nginx = Nginx(tmp_path, upstream=f"127.0.0.1:{taken.getsockname()[1]}")
    make_certificate(nginx.folder / "certificate")
    nginx.render()
    with proxying(nginx):
        api = curl(nginx, "/api/users/", "-H", f"Origin: {PAGE_ORIGIN}")
        foreign = curl(nginx, "/api/users/", "-H", f"Origin: {FOREIGN_ORIGIN}")
        page = curl(nginx, "/users/?q=Lovelace", "-H", "Referer: https://x.test/?code=SECRET")
        assert curl(nginx, "/api/users/", *preflight_headers(PAGE_ORIGIN, "GET")).status == 204
        log = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert '"path":"/users/","status":503' in log
    assert '"upstream_status":"502"' in log
    assert "Lovelace" not in log
    assert "SECRET" not in log
    assert api.status == page.status == 503
    assert api.all("Content-Type") == ["application/problem+json"]
    assert json.loads(api.body)["status"] == 503
    assert api.all("Access-Control-Allow-Origin") == [PAGE_ORIGIN]
    assert foreign.all("Access-Control-Allow-Origin") == []
    assert api.all("Retry-After") == page.all("Retry-After") == ["10"]
    assert "<h1>Back shortly</h1>" in page.body


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        (414, {"query": "?" + "a" * 9000}),
        (400, {"header": "X-Large: " + "a" * 9000}),
        (400, {"header": "Content-Length: many"}),
    ],
)
def test_what_nginx_cannot_read_is_a_problem_for_scripts_and_a_page_for_people(
    nginx: Nginx, status: int, refused: dict[str, str]
) -> None:
    header = refused.get("header", "X-Small: a")
    arguments = ("--http1.1", "-H", f"Origin: {PAGE_ORIGIN}", "-H", header)
    api, page = (curl(nginx, path + refused.get("query", ""), *arguments) for path in ("/api/id", "/login/"))
    assert api.status == page.status == status
    assert api.all("Content-Type") == ["application/problem+json"]
    assert json.loads(api.body)["status"] == status
    assert page.all("Content-Type") == ["text/html; charset=utf-8"]
    assert "<h1>" in page.body


def test_before_the_first_certificate_it_answers_the_authority_alone(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, http_only=True)
    nginx.render()
    challenge = nginx.webroot / ".well-known/acme-challenge"
    challenge.mkdir(parents=True)
    (challenge / "token").write_text("proof")
    with proxying(nginx):
        assert plain(nginx, "/.well-known/acme-challenge/token").text == "proof"
        assert plain(nginx, "/login/").status_code == 503


def test_the_linter_finds_nothing(nginx: Nginx) -> None:
    gixy = Path(sys.executable).parent / "gixy"
    done = subprocess.run(
        [gixy, "--format", "json", nginx.folder / "nginx.conf"], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)
    assert [(issue["plugin"], issue["summary"], issue.get("config", "")[:200]) for issue in found] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"origins": ('https://a.test";return 200;"',)},
        {"webroot": Path("/srv/a b")},
        {"cache_dir": Path("relative")},
        {"log_dir": Path("/var/log;x")},
    ],
)
def test_nothing_that_means_something_to_nginx_gets_in(wrong: dict[str, object]) -> None:
    right = {"domain": DOMAIN, "origins": (PAGE_ORIGIN,), "max_body_bytes": 1}
    assert f"server_name {DOMAIN};" in render_nginx(NginxSite(**right))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"isn't an origin|must be an absolute path"):
        render_nginx(NginxSite(**(right | wrong)))  # type: ignore[arg-type]
