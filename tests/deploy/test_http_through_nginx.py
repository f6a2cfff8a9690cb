"""What HTTP is used for, through the rendered Nginx: conditional requests, errors, cookies, uploads."""

import io
import re
from collections.abc import Iterator, Mapping

import pytest
from PIL import Image

from tests.deploy.application import application
from tests.deploy.asking import Answer, Asker
from tests.deploy.proxy import PAGE_ORIGIN, Nginx, make_certificate, proxying

pytestmark = pytest.mark.deploy

PASSWORD = "correct horse battery"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


class Member:
    """Somebody who is signed in, and asks through Nginx as a browser does."""

    def __init__(self, asker: Asker, code: str) -> None:
        self.asker = asker
        joined = asker.ask("POST", "/api/join", body={"code": code, "password": PASSWORD})
        assert joined.status == 200, joined.body
        self.set_cookies = joined.headers.get_all("Set-Cookie")
        self.cookie = "; ".join(line.partition(";")[0] for line in self.set_cookies)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None
    ) -> Answer:
        return self.asker.ask(method, path, GZIP | {"Cookie": self.cookie} | dict(headers or {}), body)


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    with application(tmp_path_factory.mktemp("instance")) as (server, code):
        nginx = Nginx(tmp_path_factory.mktemp("nginx"), upstream=server.address.removeprefix("http://"))
        make_certificate(nginx.folder / "certificate")
        nginx.render()
        with proxying(nginx):
            yield Member(Asker(nginx.https_port, nginx.trusted), code)


@pytest.fixture
def project(member: Member) -> str:
    """The path of a project whose answer is long enough to be compressed, which makes its tag weak."""
    # Uncompressed, so that the test's own reader can read it.
    plain = {"Accept-Encoding": "identity"}
    made = member.ask("POST", "/api/projects/", plain, {"title": "T", "body": "word " * 400})
    assert made.status == 201, made.body
    return f"/api/projects/{made.json['id']}"


def save(member: Member, path: str, body: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return member.ask("PUT", path, named, {"body": body}).status


def test_nobody_saves_over_what_somebody_else_saved(member: Member, project: str) -> None:
    opened = member.ask("GET", project)
    assert opened.headers["Content-Encoding"] in ("gzip", "br")
    tag = opened.headers["ETag"]
    assert tag.startswith("W/"), "Nginx made it weak; that is the case to be shown"
    assert save(member, project, "from another tab " * 100) == 200
    assert save(member, project, "from this tab", If_Match=tag) == 412
    assert "from another tab" in member.ask("GET", project, {"Accept-Encoding": "identity"}).json["body"]
    now = member.ask("GET", project).headers["ETag"]
    assert save(member, project, "after looking " * 100, If_Match=now) == 200


@pytest.mark.parametrize("tag", ['"a', "garbage", 'W/"x"', '"x", "y"', "W/", '"0"'])
def test_a_tag_that_cannot_be_read_or_is_not_known_matches_nothing(
    member: Member, project: str, tag: str
) -> None:
    assert save(member, project, "x", If_Match=tag) == 412


def test_any_state_will_do_for_a_star_or_no_tag_at_all(member: Member, project: str) -> None:
    assert save(member, project, "x", If_Match="*") == 200
    assert save(member, project, "y") == 200


@pytest.mark.parametrize("path", ["/api/id", "/api/users/"])
def test_what_the_browser_has_is_not_sent_again(member: Member, path: str) -> None:
    tag = member.ask("GET", path).headers["ETag"]
    again = member.ask("GET", path, {"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")


def test_errors_arrive_in_the_one_shape_with_their_headers(member: Member) -> None:
    refused = [
        (member.ask("GET", "/api/nothing"), 404),
        (member.ask("PUT", "/api/id"), 405),
        (member.ask("PUT", "/api/user", body={"name": "<b>"}), 422),
        (member.asker.ask("GET", "/api/id"), 401),
        (member.ask("PUT", "/api/user", {"Origin": "https://evil.test"}, {}), 403),
    ]
    for answer, status in refused:
        assert answer.status == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Request-ID"]


def test_what_a_page_elsewhere_may_not_do_it_may_not_through_nginx_either(member: Member) -> None:
    page = {"Origin": PAGE_ORIGIN, "Sec-Fetch-Site": "cross-site"}
    refused = member.ask("GET", "/api/roster/codes", page)
    assert (refused.status, refused.headers["X-Confirmation"]) == (403, "required")
    exposed = refused.headers["Access-Control-Expose-Headers"]
    assert "X-Confirmation" in exposed
    confirmed = member.ask("POST", "/api/confirmation", page, {"current_password": PASSWORD})
    assert confirmed.status == 200
    assert member.ask("GET", "/api/roster/codes", page).status == 200
    assert member.ask("GET", "/api/roster/codes").status == 200


def test_both_cookies_arrive_whole_and_with_their_flags(member: Member) -> None:
    names = {line.partition("=")[0] for line in member.set_cookies}
    assert names == {"jwt", "homeroom_device"}
    for line in member.set_cookies:
        flags = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax"} <= flags
    stale = {"Cookie": f"jwt=stale; {member.cookie}"}
    assert member.ask("GET", "/api/id", stale).status == 200


def test_a_picture_arrives_and_one_that_is_too_large_is_refused_in_the_one_shape(member: Member) -> None:
    picture = io.BytesIO()
    Image.effect_noise((700, 700), 90).convert("RGB").save(picture, "PNG")
    sent = member.asker.ask(
        "POST", "/api/uploads/", {"Cookie": member.cookie}, picture.getvalue(), content_type="image/png"
    )
    assert sent.status == 201, sent.body
    address = sent.json["urls"]["page"]["webp"]
    shown = member.ask("GET", address)
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/webp")
    assert re.search("immutable", shown.headers["Cache-Control"])
    part = member.ask("GET", address, {"Range": "bytes=0-9", "Accept-Encoding": "identity"})
    assert (part.status, len(part.body)) == (206, 10)
    assert member.asker.ask("GET", address).status == 401
    large = member.asker.ask(
        "POST", "/api/uploads/", {"Cookie": member.cookie}, bytes(8_000_000), content_type="image/png"
    )
    assert (large.status, large.headers["Content-Type"]) == (413, "application/problem+json")
