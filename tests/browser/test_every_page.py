"""What holds on every page: no error in the console, no barrier, no sideways scrolling."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser import opening
from tests.browser.classroom import API, SECOND_ORIGINS, Homeroom, Member
from tests.browser.projects import AWKWARD, make_project, picture_file

pytestmark = pytest.mark.browser

GUEST_PAGES = ("/", "/login/", "/join/", "/api/docs/", "/portfolio/", "/no/such/page")
MEMBER_PAGES = (
    *("/", "/login/", "/join/", "/users/", "/account/", "/api/docs/"),
    *("/portfolio/", "/portfolio/?uid=ada", "/project/edit/", "/staff/"),
)
WIDTHS = (320, 390, 820, 1440)
SCHEMES = ("light", "dark")


def settled(page: Page, path: str) -> None:
    """As `opening.settled`, with the navigation that a wide window shows."""
    opening.settled(page, path)
    expect(page.get_by_role("navigation")).to_be_visible()
    expect(page.get_by_role("contentinfo")).to_be_visible()


def widths_that_scroll(page: Page) -> list[int]:
    """Where a page is wider than its window; a phone's `innerWidth` would grow with it."""
    too_narrow = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_narrow.append(width)
    return too_narrow


# Words that stand on two lines though each would fit on one; 200 px are what a phone leaves beside a picture.
BROKEN_WORDS = """() => {
  const broken = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (!parentElement.checkVisibility({ visibilityProperty: true })) continue;
    // The first are one pixel wide, and code may break anywhere.
    if (parentElement.closest('.visually-hidden, .skip-link, code')) continue;
    for (const { 0: word, index } of data.matchAll(/[^\\s\\-–—/]+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, index);
      range.setEnd(walker.currentNode, index + word.length);
      const parts = [...range.getClientRects()].filter(({ width }) => width > 0);
      const lines = new Set(parts.map(({ top }) => Math.round(top))).size;
      const width = parts.reduce((sum, part) => sum + part.width, 0);
      if (lines > 1 && width < 200 && !/\\p{Script=Han}/u.test(word)) broken.push(word);
    }
  }
  return broken;
}"""


def words_that_break(page: Page) -> list[str]:
    """Words that the narrowest phone breaks without need."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    broken: list[str] = page.evaluate(BROKEN_WORDS)
    return broken


def complaints(page: Page) -> list[str]:
    """Everything that the console calls an error: exceptions, CSP violations, failed requests."""
    heard: list[str] = []
    page.on("console", lambda line: heard.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def assert_no_barriers(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_a_guests_console_stays_empty(page: Page) -> None:
    heard = complaints(page)
    for path in GUEST_PAGES:
        settled(page, path)

    # The 404 page answers 404, and the browser says so.
    assert [line for line in heard if "404" not in line] == []


@pytest.mark.usefixtures("second_origin")
@pytest.mark.parametrize("origin", [API, *SECOND_ORIGINS], ids=["api", "beside", "by-number"])
def test_a_members_console_stays_empty(
    page: Page, ada: Member, sign_in: Callable[..., None], origin: str
) -> None:
    heard = complaints(page)
    sign_in(page, ada, origin)
    for path in MEMBER_PAGES:
        page.goto(origin + path)
        page.wait_for_load_state("networkidle")

    assert heard == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_no_barrier_for_a_guest(
    server: Homeroom, new_context: Callable[..., BrowserContext], scheme: str
) -> None:
    page = new_context(color_scheme=scheme).new_page()
    for path in (*GUEST_PAGES, "/users/", "/account/"):
        settled(page, path)
        assert_no_barriers(page)

    page.goto(server.invite(f"axe-{scheme}", "Tester of Axe"))
    expect(page.get_by_role("heading", name="Hello Tester of Axe")).to_be_visible()
    page.get_by_role("button", name="Join", exact=True).click()
    assert_no_barriers(page)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_no_barrier_for_a_member(
    ada: Member,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
    scheme: str,
) -> None:
    page = new_context(color_scheme=scheme).new_page()
    sign_in(page, ada)
    for path in (*MEMBER_PAGES, "/users/?q=nobody"):
        settled(page, path)
        assert_no_barriers(page)

    page.goto(f"{API}/api/docs/")
    page.locator(".operation summary").first.click()
    expect(page.locator(".operation[open] pre")).to_be_visible()
    assert_no_barriers(page)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_that_are_full_hold_no_barrier_and_scroll_nowhere(
    ada: Member,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
    scheme: str,
) -> None:
    page = new_context(color_scheme=scheme).new_page()
    sign_in(page, ada)
    project = make_project(page, title="Full of everything", visibility="class", body=AWKWARD)
    page.request.put(f"{API}/api/projects/{project['id']}/hidden", data={"reason": "To see how it looks."})

    def check() -> None:
        assert_no_barriers(page)
        assert widths_that_scroll(page) == [], page.url

    settled(page, f"/project/?id={project['id']}")
    check()
    arabic = page.locator("#content").get_by_text("هذا نص عن القمر")
    assert arabic.evaluate("node => getComputedStyle(node).direction") == "rtl"
    cell = page.locator("#content td").first
    assert cell.evaluate("node => node.getClientRects().length && node.offsetHeight") < 60, "no word breaks"
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check()
    settled(page, f"/project/edit/?id={project['id']}")
    page.locator("picture-list input[type=file]").set_input_files([picture_file("no.png", b"no picture")])
    expect(page.locator(".shot[data-state=failed]")).to_be_visible()
    page.get_by_role("button", name="Add a link").click()
    check()
    page.get_by_role("tab", name="Preview").click()
    expect(page.get_by_role("tabpanel", name="Preview").locator("pre").first).to_be_visible()
    check()
    settled(page, "/staff/")
    page.get_by_role("button", name="Show the codes").click()
    expect(page.locator(".codes li").first).to_be_visible()
    page.get_by_placeholder("Search by name or ID").fill("a")
    expect(page.locator("#people li").first).to_be_visible()
    check()
    settled(page, "/portfolio/")
    page.get_by_role("button", name="Edit profile").click()
    check()


def test_nothing_scrolls_sideways_and_no_word_breaks(
    page: Page, ada: Member, sign_in: Callable[..., None]
) -> None:
    wide: list[tuple[str, int]] = []
    broken: list[tuple[str, str]] = []

    def measure(path: str) -> None:
        settled(page, path)
        wide.extend((path, width) for width in widths_that_scroll(page))
        broken.extend((path, word) for word in words_that_break(page))
        page.set_viewport_size({"width": WIDTHS[-1], "height": 800})

    for path in (*GUEST_PAGES, "/users/", "/account/"):
        measure(path)
    sign_in(page, ada)
    for path in (*MEMBER_PAGES, "/users/?q=zzz", "/users/?q=nobody", "/api/docs/#post-api-users"):
        measure(path)

    assert wide == []
    assert broken == []


# Of the API; the scripts in assets/js/api/ are none, nor is the page that describes it.
ANY_REQUEST = re.compile(r"//[^/]+/api/(?!docs)")
# What moves by itself or glides to a new look, anywhere on the page.
MOVING = """() => [...document.querySelectorAll('*')].filter((element) => {
  const { animationName, transitionDuration } = getComputedStyle(element);
  return animationName !== 'none' || transitionDuration.split(', ').some((time) => time !== '0s');
}).map((element) => element.tagName)"""


def test_nothing_moves_for_who_asked_for_less_motion(
    ada: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> None:
    held: list[Route] = []
    for motion in ("no-preference", "reduce"):
        page = new_context(reduced_motion=motion).new_page()
        sign_in(page, ada)
        moving: dict[str, list[str]] = {}
        for path in MEMBER_PAGES:
            # The answers are kept back: skeletons are what moves most.
            page.route(ANY_REQUEST, lambda route: held.append(route))
            page.goto(API + path, wait_until="load")
            expect(page.get_by_role("navigation")).to_be_visible()
            moving[path] = page.evaluate(MOVING)
            page.unroute(ANY_REQUEST)

        if motion == "reduce":
            assert {path: tags for path, tags in moving.items() if tags} == {}
        else:
            assert "SPAN" in moving["/staff/"]
            assert all("A" in tags for tags in moving.values())


WHEN_UNREACHABLE = (
    *("/", "/users/", "/account/", "/staff/", "/portfolio/"),
    *("/project/?id={id}", "/project/edit/?id={id}"),
)


@pytest.mark.parametrize("path", WHEN_UNREACHABLE)
def test_a_page_without_a_network_says_what_to_do_and_recovers(
    page: Page, ada: Member, sign_in: Callable[..., None], path: str
) -> None:
    sign_in(page, ada)
    path = path.format(id=make_project(page, title="Out of reach", pictures=[])["id"])
    page.route(ANY_REQUEST, lambda route: route.abort("internetdisconnected"))
    page.goto(API + path)
    told = page.locator("#failure, #result-failure, main [role=alert]").filter(
        has_text="couldn’t reach the server"
    )
    expect(told.first).to_be_visible()
    expect(page.locator("#loading:visible")).to_have_count(0)
    assert_no_barriers(page)

    page.unroute(ANY_REQUEST)
    page.get_by_role("button", name="Try again").first.click()

    expect(told.filter(visible=True)).to_have_count(0)
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/project/?id=999999", "Project not found"),
        ("/project/?id=x", "Project not found"),
        ("/project/", "Project not found"),
        ("/project/edit/?id=999999", "Project not found"),
        ("/portfolio/?uid=nobody-at-all", "Portfolio not found"),
    ],
)
def test_what_is_not_there_is_said_with_a_way_on(
    page: Page, ada: Member, sign_in: Callable[..., None], path: str, words: str
) -> None:
    page.goto(API + path)
    alert = page.get_by_role("alert").filter(has_text=re.compile("."))
    expect(alert.get_by_role("link", name="Sign in")).to_be_visible()
    sign_in(page, ada)
    page.goto(API + path)
    expect(alert).to_contain_text(words)
    assert_no_barriers(page)
    alert.get_by_role("link", name="Go to the start page").click()
    expect(page).to_have_url(f"{API}/")


@pytest.mark.parametrize("path", ["/users", "/users/", "/api/docs", "/api/docs/", "/login", "/"])
def test_a_page_answers_directly_with_and_without_its_slash(page: Page, path: str) -> None:
    answer = page.goto(API + path)

    assert answer is not None
    assert answer.status == 200
    assert answer.request.redirected_from is None
    expect(page.get_by_role("navigation")).to_be_visible()


def test_an_unknown_page_says_so_in_the_sites_own_look(page: Page) -> None:
    answer = page.goto(f"{API}/no/such/page")

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    page.get_by_role("link", name="Go to the start page").click()
    expect(page).to_have_url(f"{API}/")


def test_an_unknown_address_of_the_api_stays_json(page: Page) -> None:
    answer = page.request.get(f"{API}/api/no-such-thing")

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_start_page_leads_on_by_who_is_there(
    page: Page, ada: Member, sign_in: Callable[..., None]
) -> None:
    main = page.get_by_role("main")
    page.goto(f"{API}/")
    expect(main.get_by_role("link", name="Sign in")).to_be_visible()
    expect(main.get_by_role("link", name="See the class")).to_be_hidden()

    sign_in(page, ada)
    page.goto(f"{API}/")

    main.get_by_role("link", name="See the class").click()
    expect(page.locator("#result tr")).to_have_count(50)


def test_only_a_guest_is_told_how_to_get_in(page: Page, ada: Member, sign_in: Callable[..., None]) -> None:
    help_for = page.get_by_role("region", name="Help").get_by_role("heading").filter(visible=True)
    settled(page, "/")
    expect(help_for).to_have_text(["New here?", "Forgotten your password?", "Building a page?"])

    sign_in(page, ada)
    settled(page, "/")

    expect(help_for).to_have_text(["Building a page?"])


def test_the_description_of_the_api_can_be_browsed_and_copied(
    new_context: Callable[..., BrowserContext],
) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{API}/api/docs#post-api-authenticate")

    operation = page.locator("#post-api-authenticate")
    expect(operation).to_have_attribute("open", "")
    expect(operation.locator("dt", has_text="uid")).to_contain_text("required")
    operation.get_by_role("button", name="Copy").click()
    expect(operation.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")

    assert "import { uri, options } from" in copied
    assert "fetch(uri + '/api/authenticate', {" in copied
    assert "method: 'POST'" in copied


def test_every_operation_of_the_api_is_described(page: Page) -> None:
    document = page.request.get(f"{API}/api/openapi.json").json()
    operations = sum(
        method in ("get", "post", "put", "patch", "delete")
        for path in document["paths"].values()
        for method in path
    )
    page.goto(f"{API}/api/docs/")

    expect(page.locator(".operation")).to_have_count(operations)
