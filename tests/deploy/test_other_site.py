"""A browser over HTTPS: a page on one registrable domain signs in at the API of another, through Nginx."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.conftest import PASSWORD
from tests.deploy.application import application
from tests.deploy.authority import Authority, Certbot, issuing
from tests.deploy.other_sites import FOREIGN_HOST, PAGE_HOST, SIGN_IN, chromium, published
from tests.deploy.outside import doctor
from tests.deploy.proxy import DOMAIN, Nginx, proxying
from tests.servers import free_port

pytestmark = pytest.mark.deploy


class Internet:
    """The class site, two sites of other people, and the authority that all certificates are from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port = free_port()
        self.page_port = port
        self.admitted, self.foreign = f"https://{PAGE_HOST}:{port}", f"https://{FOREIGN_HOST}:{port}"
        self.nginx = Nginx(
            folder,
            origins=(self.admitted,),
            neighbours=(PAGE_HOST, FOREIGN_HOST),
            certificate_dir=folder / "letsencrypt/live" / DOMAIN,
            http_only=True,
        )
        self.authority = Authority(folder / "authority", self.nginx.http_port)


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    internet = Internet(tmp_path_factory.mktemp("internet"))
    nginx = internet.nginx
    with ExitStack() as stack:
        instance = internet.folder / "instance"
        server, code = stack.enter_context(application(instance, FRONTEND_ORIGINS=internet.admitted))
        joined = {"code": code, "password": PASSWORD}
        requests.post(server.url("/api/join"), json=joined, timeout=10).raise_for_status()
        nginx.render(upstream=server.address.removeprefix("http://"))
        stack.enter_context(proxying(nginx))
        stack.enter_context(issuing(internet.authority))
        certbot = Certbot(nginx, internet.authority, internet.folder / "letsencrypt")
        certbot.issue()
        nginx.render(http_only=False)
        nginx.reload()
        nginx.trusted = internet.authority.root()
        pages = internet.folder / "pages"
        pages.mkdir()
        (pages / "index.html").write_text("<!doctype html><title>Elsewhere</title>")
        certificate = certbot.issue_for(PAGE_HOST, FOREIGN_HOST)
        stack.enter_context(published(pages, certificate, internet.page_port))
        yield internet


def test_a_page_of_an_admitted_site_signs_in_and_one_of_another_site_is_refused(
    internet: Internet, tmp_path: Path
) -> None:
    api = internet.nginx.address
    with chromium(tmp_path / "home", internet.nginx.trusted) as browser:
        page = browser.new_page()
        page.goto(f"{internet.admitted}/")
        assert page.evaluate(SIGN_IN, [api, PASSWORD]) == [200, 200, "admin"]
        cookies = page.context.cookies(api)
        page.goto(f"{internet.foreign}/")
        assert page.evaluate(SIGN_IN, [api, PASSWORD]) == ["TypeError"]
    (kept,) = [one for one in cookies if one["name"] == "jwt"]
    assert kept["secure"]
    assert kept["httpOnly"]
    assert kept["sameSite"] == "None"


def test_doctor_finds_no_fault_and_names_why_another_site_is_refused(internet: Internet) -> None:
    healthy = doctor(internet.nginx, internet.authority, "--origin", internet.admitted)
    assert (healthy.returncode, healthy.stdout.splitlines()[-1]) == (0, "Nothing wrong."), healthy.stdout
    refused = doctor(internet.nginx, internet.authority, "--origin", internet.foreign)
    assert refused.returncode == 1
    (told,) = [line for line in refused.stdout.splitlines() if line.startswith("✗")]
    assert f"A page of {internet.foreign} can't use the API" in told
    assert "the origin isn't allowed" in told
    assert f"Add {internet.foreign} to FRONTEND_ORIGINS" in refused.stdout
