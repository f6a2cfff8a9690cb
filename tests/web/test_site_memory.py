"""The site from memory: byte for byte as Flask sends it, and new as soon as a file of it is."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import Client, TestResponse

from homeroom.config import load_config
from homeroom.web import site_memory
from homeroom.web.pages import create_site
from homeroom.web.site_memory import SiteMemory
from homeroom.web.site_templates import SITE, SitePages, is_for_browsers
from tests.conftest import KEY, MakeApp
from tests.web.test_read_path import whole

BROWSERS: tuple[dict[str, str], ...] = (
    {},
    {"Accept-Encoding": "gzip, deflate, br", "Accept-Language": "es-MX,es;q=0.9"},
    {"Cookie": "lang=es; other=1", "Accept-Language": "en"},
)
FILES = sorted(
    f"/{path.relative_to(SITE).as_posix()}"
    for path in SITE.rglob("*")
    if path.is_file() and is_for_browsers(path.relative_to(SITE))
)
PAGES = [f"/{name}/".replace("//", "/") for name in SitePages().names() if not name.startswith("api")]


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, app: APIFlask) -> Iterator[Callable[[], int]]:
    """How often what is below the memory was asked since the last time."""
    memory: Any = app.wsgi_app
    below, count = memory._flask, itertools.count()

    def asking(environ: Any, start_response: Any) -> Any:
        next(count)
        return below(environ, start_response)

    monkeypatch.setattr(memory, "_flask", asking)
    last = 0

    def since() -> int:
        nonlocal last
        now = next(count)
        last, before = now + 1, last
        return now - before

    return since


@pytest.fixture
def app(make_app: MakeApp) -> APIFlask:
    return make_app(read_path=True)


@ON_SQLITE
@pytest.mark.parametrize("headers", BROWSERS)
def test_what_is_sent_from_memory_is_flasks_own(
    app: APIFlask, make_app: MakeApp, asked: Callable[[], int], headers: dict[str, str]
) -> None:
    client, alone = (one.test_client(use_cookies=False) for one in (app, make_app(read_path=False)))
    assert len(PAGES) > 5
    assert len(FILES) > 30
    for path, method in itertools.product([*PAGES, *FILES], ["GET", "HEAD"]):
        plain = alone.open(path, method=method, headers=headers, buffered=True)
        assert plain.status_code == 200, path
        first, again = (client.open(path, method=method, headers=headers, buffered=True) for _ in range(2))
        assert whole(first) == whole(again) == whole(plain), path
        known = headers | {"If-None-Match": plain.headers["ETag"]}
        plain = alone.open(path, method=method, headers=known, buffered=True)
        assert plain.status_code == 304, path
        first, again = (client.open(path, method=method, headers=known, buffered=True) for _ in range(2))
        assert whole(first) == whole(again) == whole(plain), path
    # Each of the four once, and not again.
    assert asked() == 4 * len([*PAGES, *FILES])


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/users/page.js", {"Range": "bytes=0-9"}, 206),
        ("/users/page.js", {"Origin": "http://localhost:4100"}, 200),
        ("/users/page.js", {"If-Modified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}, 200),
        ("/users/page.js", {"If-None-Match": '"older"'}, 200),
        ("/nowhere/", {}, 404),
        ("/users/page.html", {}, 404),
        ("/texts/es.json", {}, 404),
        ("/api", {}, 404),
        ("/api/health/live", {}, 200),
    ],
)
def test_what_is_unusual_or_not_there_is_flasks_each_time(
    app: APIFlask, asked: Callable[[], int], path: str, headers: dict[str, str], status: int
) -> None:
    client = app.test_client()
    client.get("/users/page.js", buffered=True)
    asked()
    answers = [client.get(path, headers=headers, buffered=True).status_code for _ in range(3)]
    assert (answers, asked()) == ([status] * 3, 3)


@ON_SQLITE
def test_switched_off_everything_is_flasks(make_app: MakeApp) -> None:
    assert isinstance(make_app(read_path=True).wsgi_app, SiteMemory)
    assert not isinstance(make_app(read_path=False).wsgi_app, SiteMemory)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SITE, tmp_path / "site"))


@pytest.fixture
def edited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A site in a folder of its own, whose files somebody edits."""
    monkeypatch.setattr(site_memory, "_LOOK_EVERY_S", 0)
    site = create_site(folder=folder)
    return Client(SiteMemory(site.wsgi_app, load_config(secret_key=KEY), folder=folder), TestResponse)


def test_what_somebody_edits_is_seen_at_the_next_look(edited: Client, folder: Path) -> None:
    style, page = folder / "users/page.css", folder / "users/page.html"
    assert [edited.get("/users/page.css", buffered=True).status_code for _ in range(2)] == [200, 200]
    style.write_text("body { color: teal }", encoding="utf-8")
    assert "teal" in edited.get("/users/page.css", buffered=True).text
    assert "Everybody" not in edited.get("/users/").text
    written = page.read_text(encoding="utf-8")
    page.write_text(written.replace("<template", "<p>Everybody</p><template", 1), encoding="utf-8")
    assert "Everybody" in edited.get("/users/").text


def test_a_page_comes_and_goes_with_its_folder(edited: Client, folder: Path) -> None:
    assert edited.get("/mine/").status_code == 404
    shutil.copytree(folder / "users", folder / "mine")
    assert [edited.get("/mine/page.css", buffered=True).status_code for _ in range(2)] == [200, 200]
    shutil.rmtree(folder / "mine")
    assert edited.get("/mine/page.css", buffered=True).status_code == 404


@ON_SQLITE
def test_who_claims_to_have_ever_other_versions_fills_nothing(app: APIFlask) -> None:
    client: FlaskClient = app.test_client()
    memory: Any = app.wsgi_app
    tag = client.get("/users/page.js", buffered=True).headers["ETag"]
    for number in range(300):
        client.get("/users/page.js", headers={"If-None-Match": f'"{number}"'}, buffered=True)
    assert len(memory._answers._answers) == 1
    for number in range(300):
        assert (
            client.get("/users/page.js", headers={"If-None-Match": f'{tag}, "{number}"'}).status_code == 304
        )
    assert memory._answers._bytes < site_memory.MAX_KEPT_SITE_BYTES
