"""People's longest words on every page, on the narrowest phone: nothing scrolls sideways, or is cut off."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.classroom import API, Homeroom, Member
from tests.browser.opening import settled
from tests.browser.projects import AWKWARD, landscape, make_project, send_picture
from tests.browser.test_every_page import widths_that_scroll

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaftskapitän"
NAME = (LONG * 3)[:100]
TITLE = ("W" * 60 + LONG * 2)[:120]
ADDRESS = f"https://example.org/{'a' * 200}"
# What is wider than the window and cut off, where no inner scroll bar shows the rest.
CUT_OFF = """() => [...document.querySelectorAll('main *')].filter((element) => {
  const { overflowX, textOverflow, clip } = getComputedStyle(element);
  const hidden = element.closest('.visually-hidden, [hidden], dialog:not([open])');
  if (hidden || !element.getClientRects().length || textOverflow === 'ellipsis') return false;
  const { left, right } = element.getBoundingClientRect();
  let scrolls = element;
  while (scrolls && !['auto', 'scroll'].includes(getComputedStyle(scrolls).overflowX)) {
    scrolls = scrolls.parentElement;
  }
  return (left < -1 || right > innerWidth + 1) && !scrolls;
}).map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def wordy(server: Homeroom) -> Member:
    """Somebody whose name and ID are as long as they may be, and have no space."""
    return server.add_member(f"wordy{'w' * 59}", NAME, "Admin")


@pytest.fixture
def pages(
    wordy: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> tuple[Page, list[str]]:
    """A page of a phone, and the addresses that this person's words stand on."""
    page = new_context(viewport={"width": 320, "height": 700}, has_touch=True, is_mobile=True).new_page()
    sign_in(page, wordy)
    tags = ["t" * 40, *(f"tag{number}{'x' * 30}" for number in range(11))]
    links = [{"label": "l" * 80, "url": ADDRESS} for _ in range(12)]
    project = make_project(
        page,
        title=TITLE,
        summary="S" * 300,
        body=f"{AWKWARD}\n\n{'b' * 2000}\n\n# {'h' * 300}\n\n{ADDRESS}\n\n> {'q' * 400}\n\n- {'l' * 400}",
        tags=tags,
        links=links,
        visibility="public",
        pictures=[{"id": send_picture(page, landscape(3)), "alt": "p" * 200}],
    )
    about = {"about": "A" * 2000, "links": links, "shown_name": NAME}
    assert page.request.put(f"{API}/api/portfolio", data=about).status == 200
    hidden = {"reason": "r" * 300}
    assert page.request.put(f"{API}/api/projects/{project['id']}/hidden", data=hidden).status == 200
    number = project["id"]
    return page, [
        *("/", "/users/?q=donau", "/account/", f"/portfolio/?uid={wordy.uid}", "/portfolio/"),
        *(f"/project/?id={number}", f"/project/edit/?id={number}", "/staff/", "/login/", "/join/"),
        *("/api/docs/", f"/users/?q={'z' * 200}"),
    ]


def test_no_page_scrolls_sideways_whatever_stands_on_it(
    pages: tuple[Page, list[str]], server: Homeroom
) -> None:
    page, addresses = pages
    folder = os.environ.get("HOMEROOM_SCREENSHOTS")
    wrong: dict[str, object] = {}

    def check(path: str) -> None:
        cut = page.evaluate(CUT_OFF)
        if folder:
            name = path.strip("/").partition("?")[0].replace("/", "-") or "start"
            page.screenshot(path=Path(folder) / f"hostile-{name}.png", full_page=True)
        if (wide := widths_that_scroll(page)) or cut:
            wrong[path] = (wide, cut[:5])
        page.set_viewport_size({"width": 320, "height": 700})

    for path in addresses:
        settled(page, path)
        check(path)
    settled(page, "/staff/")
    page.get_by_placeholder("Search by name or ID").fill("donau")
    expect(page.locator("#people li").first).to_be_visible()
    check("/staff/ people")
    page.goto(server.invite(f"invited{'i' * 50}", NAME))
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    check("/join/ by link")
    assert wrong == {}
