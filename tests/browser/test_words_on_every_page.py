"""People's words that run from right to left, on every page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.classroom import API, Homeroom, Member
from tests.browser.projects import AWKWARD, make_project

pytestmark = pytest.mark.browser

NAME = "حداد سمير"
TEXT = "محطة الطقس، الإصدار 2."
# Whose words they are is not ours to know: they need a direction of their own.
WITHOUT_DIRECTION = """() => {
  const arabic = /[\\u0600-\\u06ff]/;
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const wrong = [];
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (arabic.test(data) && !data.startsWith('\\u2068') && !/[“ ]\\u2068/.test(data)
      && !parentElement.closest('bdi, [dir=auto]')) wrong.push(parentElement.outerHTML.slice(0, 200));
  }
  for (const field of document.querySelectorAll('main input, main textarea')) {
    if (arabic.test(field.value) && field.dir !== 'auto') wrong.push(field.outerHTML);
  }
  return wrong;
}"""


@pytest.fixture(scope="module")
def samir(server: Homeroom) -> Member:
    return server.add_member("samir", NAME, "Admin")


@pytest.fixture
def addresses(page: Page, samir: Member, sign_in: Callable[..., None]) -> list[str]:
    """Pages that hold this person's words, who is signed in."""
    sign_in(page, samir)
    links = [{"label": TEXT, "url": "https://example.org/a"}]
    project = make_project(
        page, title=TEXT, summary=TEXT, body=f"{TEXT}\n\n{AWKWARD}", tags=["طقس"], links=links
    )
    about = {"about": TEXT, "links": links, "shown_name": NAME}
    assert page.request.put(f"{API}/api/portfolio", data=about).status == 200
    hidden = make_project(page, title=TEXT, pictures=[])["id"]
    reason = {"reason": TEXT}
    assert page.request.put(f"{API}/api/projects/{hidden}/hidden", data=reason).status == 200
    number = project["id"]
    return [
        *("/", "/users/?q=samir", f"/users/?q={NAME}x", "/account/", "/portfolio/", "/staff/", "/login/"),
        *(f"/project/?id={number}", f"/project/?id={hidden}", f"/project/edit/?id={number}"),
    ]


def settled(page: Page, path: str) -> None:
    page.goto(API + path)
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true], #loading:visible")).to_have_count(0)


def test_words_run_their_own_way_on_every_page(page: Page, addresses: list[str], server: Homeroom) -> None:
    wrong: dict[str, list[str]] = {}
    for path in addresses:
        settled(page, path)
        if found := page.evaluate(WITHOUT_DIRECTION):
            wrong[path] = found
    settled(page, "/staff/")
    page.get_by_placeholder("Search by name or ID").fill(NAME)
    expect(page.locator("#people li").first).to_be_visible()
    page.get_by_role("button", name="New code").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    wrong["/staff/ people"] = page.evaluate(WITHOUT_DIRECTION)
    page.goto(server.invite("invited-samir", NAME))
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    wrong["/join/"] = page.evaluate(WITHOUT_DIRECTION)
    assert {path: found for path, found in wrong.items() if found} == {}


def test_the_full_stop_of_a_card_stands_where_the_sentence_ends(page: Page, addresses: list[str]) -> None:
    settled(page, addresses[0])
    summary = page.locator(".project-card .summary").filter(has_text=TEXT).first
    assert summary.evaluate("node => getComputedStyle(node).direction") == "rtl"
