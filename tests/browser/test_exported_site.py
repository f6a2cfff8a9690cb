"""The exported folder below /repo, on a server that knows files and nothing else, like GitHub Pages."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.classroom import PAGES_ORIGIN, PAGES_PORT, Homeroom, Member
from tests.browser.github_pages import published
from tests.browser.projects import make_project
from tests.browser.test_every_page import complaints

pytestmark = pytest.mark.browser

SITE = f"{PAGES_ORIGIN}/repo"


@pytest.fixture(scope="module")
def exported(server: Homeroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site as `homeroom site export` writes it, served."""
    folder = tmp_path_factory.mktemp("pages") / "repo"
    server.command("site", "export", str(folder), "--api", server.url, "--base", "/repo")
    with published(folder, PAGES_PORT):
        yield SITE


def test_a_member_signs_in_and_makes_a_project_from_there(
    exported: str, page: Page, ada: Member, sign_in: Callable[..., None]
) -> None:
    heard = complaints(page)
    sign_in(page, ada, exported)
    project = make_project(page, title="Seen from elsewhere")
    page.goto(f"{exported}/project/?id={project['id']}")

    expect(page.get_by_role("heading", name="Seen from elsewhere")).to_be_visible()
    # The picture comes from the API's origin, which the page's own policy has to allow.
    expect(page.locator("#cover img")).to_have_js_property("complete", True)
    assert page.locator("#cover img").evaluate("image => image.naturalWidth") > 0
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill("Changed from elsewhere")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/repo/project/\?id="))
    expect(page.get_by_role("heading", name="Changed from elsewhere")).to_be_visible()
    assert heard == []


def test_the_404_page_stands_at_any_depth(exported: str, page: Page) -> None:
    answer = page.goto(f"{exported}/no/such/page")

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    expect(page.get_by_role("navigation")).to_be_visible()
    page.get_by_role("link", name="Go to the start page").click()
    expect(page).to_have_url(f"{exported}/")


def test_the_policy_in_the_page_is_as_strict_as_that_of_the_server(exported: str, page: Page) -> None:
    page.goto(exported)

    refused = page.evaluate(
        """() => {
          try {
            // What no page does: the policy has to refuse it.
            document.body.innerHTML = '<b>markup</b>';
          } catch (error) {
            return error.name;
          }
          return 'allowed';
        }"""
    )

    assert refused == "TypeError"
