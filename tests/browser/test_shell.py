"""What every page shares, as a browser meets it: the bar without script, its links by viewer, its modules."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.classroom import API, Member
from tests.browser.opening import settled
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]

PATHS = (
    *("/", "/login/", "/join/", "/users/", "/account/", "/api/docs/", "/portfolio/", "/project/"),
    *("/project/edit/", "/staff/", "/no/such/page"),
)
GUEST_LINKS = ["Sign in", "Join"]
MEMBER_LINKS = ["Users", "Portfolio", "Account"]
STAFF_LINKS = ["Users", "Portfolio", "Staff", "Account"]
# How far things that were drawn already have moved (https://web.dev/articles/cls).
SHIFTS = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(
    list.getEntries().flatMap((entry) => entry.sources.map(({ node }) => node))
      .filter((node) => node?.closest?.('site-header')).map((node) => node.outerHTML.slice(0, 80)),
  )).observe({ type: 'layout-shift', buffered: true });
  setTimeout(resolve, 300, []);
})"""

DRAWN = """() => new Promise((resolve) => {
  new PerformanceObserver(resolve).observe({ type: 'paint', buffered: true });
}).then(() => true)"""


def expect_links(page: Page, links: list[str]) -> None:
    shown = page.get_by_role("navigation").get_by_role("link").filter(visible=True)
    expect(shown).to_have_text(links)


@pytest.mark.parametrize("path", PATHS)
def test_without_script_a_page_has_its_brand_and_a_guests_links(
    new_context: Callable[..., BrowserContext], path: str
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(API + path)

    expect(page.locator("site-header").get_by_role("link", name="Homeroom")).to_be_visible()
    expect_links(page, GUEST_LINKS)
    page.get_by_role("link", name="Homeroom").click()
    expect(page).to_have_url(f"{API}/")


@pytest.mark.parametrize("width", [320, 390])
def test_the_bar_reaches_from_edge_to_edge(new_context: Callable[..., BrowserContext], width: int) -> None:
    page = new_context(viewport={"width": width, "height": 700}).new_page()
    for path in ("/", "/login/", "/api/docs/", "/no/such/page"):
        settled(page, path)
        bar = page.locator("header.site-header").bounding_box()
        assert bar is not None
        assert (bar["x"], bar["width"]) == (0, page.evaluate("document.documentElement.clientWidth")), path


def test_the_links_are_those_of_the_viewer(
    page: Page, ada: Member, grace: Member, sign_in: Callable[..., None]
) -> None:
    settled(page, "/")
    expect_links(page, GUEST_LINKS)
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    for member, links in ((grace, MEMBER_LINKS), (ada, STAFF_LINKS)):
        sign_in(page, member)
        expect_links(page, links)
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{API}/login/")
        expect_links(page, GUEST_LINKS)


@pytest.fixture(scope="module")
def grace(server: object) -> Member:
    """A student."""
    return server.add_member("grace.shell", "Grace of the shell")  # type: ignore[attr-defined]


def test_a_members_own_links_are_there_at_the_first_drawing(
    page: Page, ada: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, ada)
    held: list[Route] = []
    # Neither the bar's own script nor the page's is needed for it.
    page.route(re.compile(r"(site-header|page)\.js$"), lambda route: held.append(route))
    page.goto(f"{API}/account/", wait_until="commit")

    # Before it draws anything, a browser has no style, and would call every link visible.
    page.evaluate(DRAWN)
    expect_links(page, STAFF_LINKS)
    for route in held:
        route.continue_()


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_in_the_bar_moves_while_a_page_loads(
    ada: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext], width: int
) -> None:
    page = new_context(viewport={"width": width, "height": 800}).new_page()
    settled(page, "/users/")
    assert page.evaluate(SHIFTS) == []
    sign_in(page, ada)
    for path in ("/", "/users/", "/staff/"):
        settled(page, path)
        assert page.evaluate(SHIFTS) == [], path


@pytest.mark.parametrize("path", PATHS)
def test_a_page_announces_exactly_the_modules_that_it_loads(
    path: str, ada: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> None:
    guest, member = new_context().new_page(), new_context().new_page()
    sign_in(member, ada)
    for page in (guest, member):
        asked: list[str] = []
        page.on("request", lambda one, asked=asked: asked.append(one.url) if is_script(one) else None)
        # What is announced is fetched in any case: only what ran was needed.
        profiler = page.context.new_cdp_session(page)
        profiler.send("Profiler.enable")
        profiler.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": False})
        settled(page, path)
        ran = {
            script["url"]
            for script in profiler.send("Profiler.takePreciseCoverage")["result"]
            if script["url"].endswith(".js") and script["functions"][0]["ranges"][0]["count"]
        }
        preloads = page.locator("link[rel=modulepreload]")
        announced = preloads.evaluate_all("all => all.map((link) => link.href)")

        assert len(announced) > 3
        assert sorted(asked) == sorted(announced), "each once, and nothing else"
        assert ran == set(announced)


def is_script(request: Request) -> bool:
    return request.resource_type == "script"
