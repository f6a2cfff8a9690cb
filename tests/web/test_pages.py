"""The pages as HTTP: what is served, under which headers, and what is not. Needs no browser."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from homeroom.cli.site import site
from homeroom.web.pages import LOCAL_API_ORIGINS, SITE, create_site, fill_config

PAGES = (
    *("/", "/login/", "/join/", "/users/", "/account/", "/api/docs/"),
    *("/portfolio/", "/project/", "/project/edit/", "/staff/"),
)


class ReadingClient(FlaskClient):
    """Reads each answer to its end, which closes the file that it came from."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True} | kwargs)


def client_of(*, api: str | None = None, api_origins: tuple[str, ...] = ()) -> FlaskClient:
    app = create_site(api=api, api_origins=api_origins)
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


@pytest.mark.parametrize("path", [*PAGES, "/no/such/page", "/assets/js/api/config.js"])
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
    for path in ("/users/", "/assets/js/api/config.js"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert (again.status_code, again.data) == (304, b"")
        assert "Content-Security-Policy" in again.headers


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
    ],
)
def test_nothing_outside_the_site_is_served(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "There is no page here." in answer.text


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


def test_no_page_has_inline_script_or_style_or_loads_from_elsewhere() -> None:
    for page in SITE.rglob("*.html"):
        source = page.read_text(encoding="utf-8")
        assert "<script>" not in source, page
        assert "<style" not in source, page
        assert " style=" not in source, page
        assert "://" not in source, page


def frame_of(page: Path) -> dict[str, str]:
    """What a page has in common with all others: its head without what is its own, its bar and its foot."""
    source = page.read_text(encoding="utf-8")
    # Each page names files from where it stands; 404.html, which answers anywhere, from the root.
    source = re.sub(r'="(?:\.{1,2}/|/)*(?=[a-z]|")', '="', source)
    head, _, rest = source.partition("<body>")
    own = re.compile(
        r"<title>.+ · Homeroom</title>|<title>Homeroom</title>|<meta name=\"description\" content=\"[^\"]+\">"
        r"|<link rel=\"stylesheet\" href=\"assets/(?!css/(?:tokens|base|components)\.css)[^\"]+\">"
        r"|<script type=\"module\" src=\"assets/js/pages/[a-z-]+\.js\"></script>"
    )
    kept = [line for line in head.splitlines() if not own.fullmatch(line.strip())]
    bar, _, _ = rest.partition("<main")
    _, _, foot = rest.partition("</main>")
    # Dialogs' and rows' templates are a page's own.
    foot = re.sub(r"\s*<template.*?</template>", "", foot, flags=re.DOTALL)
    return {"head": "\n".join(kept), "bar": bar.strip(), "foot": foot.strip()}


def test_all_pages_have_the_same_head_bar_and_foot() -> None:
    pages = sorted(SITE.rglob("*.html"))
    assert len(pages) > len(PAGES)
    first = frame_of(pages[0])
    assert "tokens.css" in first["head"]
    assert "<site-header></site-header>" in first["bar"]
    assert "site-footer" in first["foot"]
    for page in pages[1:]:
        assert frame_of(page) == first, page


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
    assert f"Port {port} is taken by another program" in told.output


@pytest.mark.parametrize(
    ("api", "reason"),
    [
        ("class.example.org", "is no origin"),
        ("https://class.example.org/api", "has a path"),
        ("*", "'*'"),
    ],
)
def test_an_api_that_is_no_origin_is_refused(api: str, reason: str) -> None:
    told = CliRunner().invoke(site, ["serve", "--api", api])

    assert told.exit_code == 2
    assert reason in told.output


def export(folder: Path, *options: str) -> Result:
    api = ("--api", "https://class.example.org")
    return CliRunner().invoke(site, ["export", str(folder), *api, *options])


def test_the_exported_folder_is_complete_and_pointed_at_the_api(tmp_path: Path) -> None:
    told = export(tmp_path / "out", "--base", "/repo/")

    assert told.exit_code == 0, told.output
    assert (tmp_path / "out" / ".nojekyll").exists()
    exported = {
        file.relative_to(tmp_path / "out") for file in (tmp_path / "out").rglob("*") if file.is_file()
    }
    assert exported - {Path(".nojekyll")} == {
        file.relative_to(SITE) for file in SITE.rglob("*") if file.is_file()
    }
    config = (tmp_path / "out" / "assets/js/api/config.js").read_text()
    assert 'const API = "https://class.example.org";' in config
    assert 'href="/repo/assets/css/tokens.css"' in (tmp_path / "out" / "404.html").read_text()
    assert '"/assets' not in (tmp_path / "out" / "404.html").read_text()


def test_every_exported_page_brings_the_policy_along(tmp_path: Path) -> None:
    export(tmp_path / "out")

    served = directives(client_of(api="https://class.example.org").get("/"))
    # A browser takes this one from a header only, and complains of it in a page.
    del served["frame-ancestors"]
    for page in (tmp_path / "out").rglob("*.html"):
        source = page.read_text()
        (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', source)
        assert {name: values for name, *values in map(str.split, policy.split("; "))} == served, page
        assert source.index("Content-Security-Policy") < source.index("<link"), page
        assert '<meta name="referrer" content="same-origin">' in source, page


def test_a_folder_that_holds_something_is_left_alone_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "blog.html").write_text('<meta charset="utf-8"> mine')

    refused = export(tmp_path)
    assert refused.exit_code == 1
    assert "is not empty" in refused.output
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
