"""A browser over HTTPS: a page on one registrable domain signs in at the API of another, through Nginx."""

import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.browser.conftest import CHROMIUM_FLAGS
from tests.conftest import KEY, PASSWORD
from tests.deploy.proxy import Nginx, make_certificate, proxying
from tests.servers import free_port, serving

pytestmark = pytest.mark.deploy

PAGE_HOST, FOREIGN_HOST = "someone.other-pages.test", "evil.elsewhere.test"
SIGN_IN = """async ([api, password]) => {
  const options = {mode: 'cors', credentials: 'include',
                   headers: {'Content-Type': 'application/json', 'X-Origin': 'client'}};
  const body = JSON.stringify({uid: 'admin', password});
  try {
    const answer = await fetch(`${api}/api/authenticate`, {...options, method: 'POST', body});
    const me = await fetch(`${api}/api/id`, options);
    return [answer.status, me.status, (await me.json()).uid];
  } catch (error) {
    return [error.name];
  }
}"""


@pytest.fixture
def page_port(tmp_path: Path) -> Iterator[int]:
    """Pages of two other sites, over HTTPS."""
    make_certificate(tmp_path / "pages", PAGE_HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pages/fullchain.pem", tmp_path / "pages/privkey.pem")
    blank = Response("<!doctype html><title>Elsewhere</title>", mimetype="text/html")
    pages = make_server("127.0.0.1", 0, blank, threaded=True, ssl_context=context)
    thread = threading.Thread(target=pages.serve_forever)
    thread.start()
    yield pages.server_port
    pages.shutdown()
    thread.join()
    pages.server_close()


@pytest.fixture
def browser_page() -> Iterator[Page]:
    """Chromium, for which every .test name is this machine; certificates are not what is shown here."""
    flags = [*CHROMIUM_FLAGS, "--host-resolver-rules=MAP *.test 127.0.0.1", "--ignore-certificate-errors"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield browser.new_page()
        browser.close()


def test_a_page_of_an_admitted_site_signs_in_and_one_of_another_site_is_refused(
    page_port: int, browser_page: Page, tmp_path: Path
) -> None:
    admitted = f"https://{PAGE_HOST}:{page_port}"
    settings = {
        "INSTANCE_PATH": str(tmp_path / "instance"),
        "SECRET_KEY": KEY,
        "FRONTEND_ORIGINS": admitted,
        "TRUSTED_PROXIES": "1",
        "LOG_LEVEL": "ERROR",
    }
    prepared = subprocess.run(
        [sys.executable, "-m", "homeroom", "prepare"],
        env=settings,
        capture_output=True,
        check=True,
        text=True,
    )
    (code,) = re.findall(r"/join/#code=(\S+)", prepared.stdout)
    port = free_port()
    with serving(settings, port=port) as server:
        joined = {"code": code, "password": PASSWORD}
        requests.post(server.url("/api/join"), json=joined, timeout=10).raise_for_status()
        nginx = Nginx(tmp_path, upstream=f"127.0.0.1:{port}", origins=(admitted,))
        make_certificate(nginx.folder / "certificate")
        nginx.render()
        with proxying(nginx):
            browser_page.goto(f"{admitted}/")
            assert browser_page.evaluate(SIGN_IN, [nginx.address, PASSWORD]) == [200, 200, "admin"]
            cookie = browser_page.context.cookies(nginx.address)
            browser_page.goto(f"https://{FOREIGN_HOST}:{page_port}/")
            assert browser_page.evaluate(SIGN_IN, [nginx.address, PASSWORD]) == ["TypeError"]
    (kept,) = [one for one in cookie if one["name"] == "jwt"]
    assert kept["secure"]
    assert kept["httpOnly"]
    assert kept["sameSite"] == "None"
