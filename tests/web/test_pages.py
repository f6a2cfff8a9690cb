"""The pages as HTTP: what is served, under which headers, and what is not. Needs no browser."""

import gzip
import html
import os
import re
import shutil
import socket
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from homeroom.cli.site import site
from homeroom.web.pages import LOCAL_API_ORIGINS, create_site
from homeroom.web.site_export import export_site
from homeroom.web.site_scripts import fill_config, modules_of
from homeroom.web.site_templates import SITE, SitePages

TITLES = {
    "/": "Homeroom",
    "/login/": "Sign in · Homeroom",
    "/join/": "Join · Homeroom",
    "/users/": "Users · Homeroom",
    "/account/": "Account · Homeroom",
    "/api/docs/": "API · Homeroom",
    "/portfolio/": "Portfolio · Homeroom",
    "/project/": "Project · Homeroom",
    "/project/edit/": "Edit project · Homeroom",
    "/staff/": "Staff · Homeroom",
}
PAGES = tuple(TITLES)
NO_PAGE = "/no/such/page"
# The one script element without an address: data, which no browser runs.
TEXTS = {"type": "application/json", "id": "texts"}


class ReadingClient(FlaskClient):
    """Reads each answer to its end, which closes the file that it came from."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True} | kwargs)


def client_of(
    *, api: str | None = None, api_origins: tuple[str, ...] = (), folder: Path = SITE
) -> FlaskClient:
    app = create_site(api=api, api_origins=api_origins, folder=folder)
    app.test_client_class = ReadingClient
    return app.test_client()


@pytest.fixture
def client() -> FlaskClient:
    return client_of(api_origins=LOCAL_API_ORIGINS)


def directives(answer: TestResponse) -> dict[str, list[str]]:
    """The Content-Security-Policy by its directives."""
    policy = answer.headers["Content-Security-Policy"]
    return {name: values for name, *values in (part.split() for part in policy.split("; "))}


@pytest.mark.parametrize("path", [*PAGES, *(page.rstrip("/") for page in PAGES[1:])])
def test_every_page_answers_without_a_redirect(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert "<site-header>" in answer.text
    assert answer.text.index("<noscript>") < answer.text.index("<site-header>"), "it is read first"


@pytest.mark.parametrize("path", [*PAGES, NO_PAGE, "/assets/js/api/config.js"])
def test_every_answer_carries_the_strict_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert directives(answer) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *LOCAL_API_ORIGINS],
        "connect-src": ["'self'", *LOCAL_API_ORIGINS],
        "font-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/assets/js/api/config.js", "text/javascript; charset=utf-8"),
        ("/assets/css/tokens.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_files_have_their_types(client: FlaskClient, path: str, content_type: str) -> None:
    assert client.get(path).content_type == content_type


@pytest.mark.parametrize("api", [None, "https://class.example.org"])
def test_an_unchanged_file_is_not_sent_again(api: str | None) -> None:
    client = client_of(api=api)
    for path in ("/users/", "/users/page.js", "/assets/js/api/config.js"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert (again.status_code, again.data) == (304, b"")
        assert "Content-Security-Policy" in again.headers


@pytest.mark.parametrize("path", ["/users/", "/users/page.js", "/assets/css/base.css", NO_PAGE])
@pytest.mark.parametrize("api", [None, "https://class.example.org"])
def test_texts_are_gzipped_for_browsers_that_take_it(api: str | None, path: str) -> None:
    client = client_of(api=api)
    plain = client.get(path)
    zipped = client.get(path, headers={"Accept-Encoding": "gzip, br"})

    assert gzip.decompress(zipped.data) == plain.data
    assert len(zipped.data) < len(plain.data) * 0.6
    assert zipped.headers["Content-Length"] == str(len(zipped.data))
    differs = "Accept-Encoding" if "." in path else "Accept-Language, Cookie, Accept-Encoding"
    assert (plain.headers["Vary"], zipped.headers["Vary"]) == (differs, differs)
    assert client.head(path, headers={"Accept-Encoding": "gzip"}).status_code == plain.status_code
    if path != NO_PAGE:
        assert zipped.headers["ETag"] == f"W/{plain.headers['ETag']}", "other bytes"
        tag = {"If-None-Match": zipped.headers["ETag"], "Accept-Encoding": "gzip"}
        again = client.get(path, headers=tag)
        assert (again.status_code, again.data) == (304, b"")


def test_a_trusted_proxy_gets_texts_to_compress_itself() -> None:
    app = create_site()
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    answer = app.test_client().get(
        "/users/", headers={"Accept-Encoding": "gzip", "X-Forwarded-For": "10.0.0.1"}
    )

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/../pages.py",
        "/assets/../../pages.py",
        "/..%2fpages.py",
        "/assets/%2e%2e/%2e%2e/pages.py",
        "/..\\pages.py",
        "/users/%00",
        "/assets/",
        "/%ed%a0%80",
        f"/{'x' * 5000}",
        # Templates are for no browser.
        "/shell.html",
        "/users/page.html",
        "/404/",
        "/404/index.html",
        "/texts/en.json",
        "/project//edit/",
    ],
)
def test_nothing_outside_the_site_is_served(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_below_a_path_the_404_page_names_its_files_below_it(client: FlaskClient) -> None:
    answer = client.get("/no/such/page", base_url="http://localhost/teacher_portfolio")

    assert answer.status_code == 404
    assert 'href="/teacher_portfolio/assets/css/tokens.css"' in answer.text
    assert '"/assets' not in answer.text


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/users/", "/api/docs/more"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_the_apis_addresses_are_left_to_the_api(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == 404
    assert "site-header" not in answer.text


def test_the_apis_origin_is_written_into_the_config_and_the_policy() -> None:
    client = client_of(api="https://class.example.org")

    answer = client.get("/assets/js/api/config.js")

    assert 'const API = "https://class.example.org";' in answer.text
    assert directives(answer)["connect-src"] == ["'self'", "https://class.example.org"]
    assert directives(answer)["img-src"] == ["'self'", "data:", "blob:", "https://class.example.org"]


def test_a_config_without_its_constant_is_refused() -> None:
    with pytest.raises(ValueError, match="const API = null;"):
        fill_config("export const uri = '';", "https://class.example.org")


class Delivered(HTMLParser):
    """What a page holds before any script of it has run."""

    def __init__(self, client: FlaskClient, path: str) -> None:
        super().__init__()
        self.title = ""
        self.brand = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: dict[str, dict[str, str | None]] = {}
        self._within: list[str] = []
        self.feed(client.get(path).text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in ("meta", "link", "img", "input"):
            self._within.append("brand" if found.get("class") == "brand" else tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._within.pop() in (tag, "brand")

    def handle_data(self, data: str) -> None:
        if self._within[-1:] == ["title"]:
            self.title += data
        elif self._within[-1:] == ["brand"]:
            self.brand += data
        elif "nav" in self._within and self._within[-1] == "a":
            self.links[data] = self.tags[-1][1]


NAVIGATION = {
    "Sign in": ("login/", "for-guests"),
    "Join": ("join/", "for-guests"),
    "Users": ("users/", "for-members"),
    "Portfolio": ("portfolio/", "for-members"),
    "Staff": ("staff/", "for-staff"),
    "Account": ("account/", "for-members"),
}


@pytest.mark.parametrize(("path", "title"), [*TITLES.items(), (NO_PAGE, "Page not found · Homeroom")])
def test_a_page_is_delivered_with_its_title_the_brand_and_the_navigation(
    client: FlaskClient, path: str, title: str
) -> None:
    page = Delivered(client, path)
    root = "/" if path == NO_PAGE else "../" * (path.count("/") - 1) or "./"

    assert page.title == title
    assert page.brand == "Homeroom"
    found = {name: (link["href"], link["class"]) for name, link in page.links.items()}
    assert found == {
        name: (root + folder, f"nav-item {viewer}") for name, (folder, viewer) in NAVIGATION.items()
    }
    here = [link["href"] for link in page.links.values() if "aria-current" in link]
    assert here == [root + folder for folder, _ in NAVIGATION.values() if f"/{folder}" == path]


@pytest.mark.parametrize("path", [*PAGES, NO_PAGE])
def test_no_page_has_inline_script_or_style_or_loads_from_elsewhere(client: FlaskClient, path: str) -> None:
    page = Delivered(client, path)

    assert "://" not in client.get(path).text
    assert "style" not in {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or attributes.get("src") or attributes == TEXTS


def test_every_file_that_a_page_names_is_there(client: FlaskClient) -> None:
    for path in (*PAGES, NO_PAGE):
        for tag, attributes in Delivered(client, path).tags:
            named = attributes.get("src") if tag in ("script", "img") else attributes.get("href")
            if tag in ("script", "link", "img") and attributes != TEXTS:
                assert named
                answer = client.get(urljoin(path, named))
                assert answer.status_code == 200, (path, named)


def test_no_page_repeats_the_shell() -> None:
    shell = SITE / "shell.html"
    of_the_shell = (
        "<!doctype",
        "<html",
        "<head>",
        "<title",
        "<meta",
        "<link rel",
        "<body",
        "<main",
        "<footer",
        "<nav",
    )
    sources = sorted(SITE.rglob("*.html"))
    pages = [source for source in sources if source.name == "page.html"]
    assert len(pages) == len(PAGES) + 1, "the pages, and the one for no page"
    # Fields that pages share stand beside the shell.
    assert [source for source in sources if source not in pages] == [SITE / "fields.html", shell]
    for tag in (*of_the_shell, "<site-header", "<script", "<noscript"):
        assert [source for source in sources if tag in source.read_text(encoding="utf-8")] == [shell], tag


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the site that a test may change."""
    return shutil.copytree(SITE, tmp_path / "site")


CHESS = """{% extends "shell.html" %}
{% set title = "Chess club" %}
{% set description = "When the chess club meets." %}
{% block main %}
<h1>Chess</h1> <a href="{{ root }}users/">Who plays</a>
{% endblock %}
"""


def test_a_new_folder_is_a_page(folder: Path, tmp_path: Path) -> None:
    client = client_of(folder=folder)
    assert client.get("/clubs/chess/").status_code == 404
    chess = folder / "clubs" / "chess"
    chess.mkdir(parents=True)
    (chess / "page.html").write_text(CHESS, encoding="utf-8")
    (chess / "page.css").write_text("h1 { color: red; }")
    (chess / "page.js").write_text("import { root } from '../../assets/js/api/session.js';")

    for path in ("/clubs/chess/", "/clubs/chess", "/clubs/chess/index.html"):
        page = client.get(path).text
        assert "<title>Chess club · Homeroom</title>" in page
        assert '<h1>Chess</h1> <a href="../../users/">Who plays</a>' in page
        assert '<link rel="stylesheet" href="../../clubs/chess/page.css">' in page
        assert '<script type="module" src="../../clubs/chess/page.js"></script>' in page
        assert '<link rel="modulepreload" href="../../clubs/chess/page.js">' in page
    assert client.get("/clubs/").status_code == 404
    export_site(tmp_path / "out", api="https://class.example.org", pages=SitePages(folder))
    assert "<h1>Chess</h1>" in (tmp_path / "out/clubs/chess/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("changed", ["users/page.html", "shell.html", "assets/js/dom.js", "texts/en.json"])
def test_a_page_follows_its_files_without_a_restart(folder: Path, changed: str) -> None:
    client = client_of(folder=folder)
    before = client.get("/users/")
    source = (folder / changed).read_text(encoding="utf-8")
    if changed.endswith(".js"):
        source = f"import './sizes.js';\n{source}"
    (folder / changed).write_text(
        source.replace("<h1>", "<h1>The ").replace("<footer", "<hr><footer").replace("Users", "Pupils")
    )
    os.utime(folder / changed, (1, 1))

    after = client.get("/users/", headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert after.text != before.text


def test_a_modules_own_imports_are_walked_once_each(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "page.js").write_text(
        "import './lib/a.js';\nimport {\n  b,\n  c,\n} from \"./lib/b.js\";\n"
        "const later = () => import('./lib/later.js');\nconst text = `\n  import './lib/text.js';`;\n"
    )
    (tmp_path / "lib/a.js").write_text(
        "export { b } from './b.js';\nexport * from './c.js';\nexport default 1;\n"
    )
    (tmp_path / "lib/b.js").write_text("import a from './a.js'; // a circle\nexport const b = 'from';\n")
    (tmp_path / "lib/c.js").write_text("// import './comment.js';\n")

    assert modules_of(tmp_path, ["page.js"]) == ["page.js", "lib/a.js", "lib/b.js", "lib/c.js"]
    (tmp_path / "lib/c.js").write_text("import './gone.js';\n")
    with pytest.raises(FileNotFoundError, match=r"gone\.js"):
        modules_of(tmp_path, ["page.js"])


def test_no_script_parses_text_as_html() -> None:
    for script in SITE.rglob("*.js"):
        source = script.read_text(encoding="utf-8")
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in source, script


def test_a_taken_port_is_told_with_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = CliRunner().invoke(site, ["serve", "--port", str(port)])

    assert told.exit_code == 1
    assert f"Port {port} is used by another program" in told.output


@pytest.mark.parametrize(
    ("api", "reason"),
    [
        ("class.example.org", "isn't an origin"),
        ("https://class.example.org/api", "has a path"),
        ("*", "'*'"),
    ],
)
def test_an_api_that_is_no_origin_is_refused(api: str, reason: str) -> None:
    told = CliRunner().invoke(site, ["serve", "--api", api])

    assert told.exit_code == 2
    assert reason in told.output


def export(target: Path, *options: str) -> Result:
    api = ("--api", "https://class.example.org")
    return CliRunner().invoke(site, ["export", str(target), *api, *options])


def test_the_exported_folder_is_complete_and_pointed_at_the_api(tmp_path: Path) -> None:
    told = export(tmp_path / "out", "--base", "/repo/")

    assert told.exit_code == 0, told.output
    assert (tmp_path / "out" / ".nojekyll").exists()
    exported = {
        file.relative_to(tmp_path / "out") for file in (tmp_path / "out").rglob("*") if file.is_file()
    }
    files = {file.relative_to(SITE) for file in SITE.rglob("*") if file.is_file()}
    files = {file for file in files if file.suffix != ".html" and file.parts[0] != "texts"}
    pages = {Path(path.lstrip("/")) / "index.html" for path in PAGES}
    assert exported == files | pages | {Path("404.html"), Path(".nojekyll")}
    config = (tmp_path / "out" / "assets/js/api/config.js").read_text()
    assert 'const API = "https://class.example.org";' in config
    assert 'href="/repo/assets/css/tokens.css"' in (tmp_path / "out" / "404.html").read_text()
    assert '"/assets' not in (tmp_path / "out" / "404.html").read_text()


def test_every_exported_page_brings_the_policy_along(tmp_path: Path) -> None:
    export(tmp_path / "out")

    served = directives(client_of(api="https://class.example.org").get("/"))
    # A browser takes this one from a header only, and complains of it in a page.
    del served["frame-ancestors"]
    pages = list((tmp_path / "out").rglob("*.html"))
    assert len(pages) == len(PAGES) + 1
    for page in pages:
        source = page.read_text()
        (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', source)
        policy = html.unescape(policy)
        assert {name: values for name, *values in map(str.split, policy.split("; "))} == served, page
        assert source.index("Content-Security-Policy") < source.index("<link"), page
        assert '<meta name="referrer" content="same-origin">' in source, page


def test_a_folder_that_holds_something_is_left_alone_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "blog.html").write_text('<meta charset="utf-8"> mine')

    refused = export(tmp_path)
    assert refused.exit_code == 1
    assert "isn't empty" in refused.output
    assert "--force" in refused.output
    assert sorted(file.name for file in tmp_path.iterdir()) == ["README.md", "blog.html"]

    assert export(tmp_path, "--force").exit_code == 0
    assert export(tmp_path, "--force").exit_code == 0
    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / "blog.html").read_text() == '<meta charset="utf-8"> mine'
    assert (tmp_path / "index.html").read_text().count("Content-Security-Policy") == 1


@pytest.mark.parametrize("base", ["repo", "/re po", '/"x', "//evil", "https://someone.github.io/repo"])
def test_a_base_that_is_no_path_is_refused(tmp_path: Path, base: str) -> None:
    told = export(tmp_path / "out", "--base", base)

    assert told.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_an_export_needs_to_know_the_api(tmp_path: Path) -> None:
    told = CliRunner().invoke(site, ["export", str(tmp_path / "out")])

    assert told.exit_code == 2
    assert "--api" in told.output
