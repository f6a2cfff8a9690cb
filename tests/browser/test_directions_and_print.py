"""On every page: what people write runs in its own direction, and paper gets that without the controls."""

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from tests.browser.classroom import API, Homeroom, Member
from tests.browser.opening import settled
from tests.browser.projects import make_project, picture_file, send_picture

pytestmark = pytest.mark.browser

NAME = "ليلى حداد"
TEXT = "هذا مشروع عن القمر (Moon)."
TAG = "علوم"
# Visible texts and fields with Arabic in them that run from left to right. Within isolates, in a sentence of
# ours, they need no element of their own.
MISLED = r"""() => {
  const arabic = /\p{Script=Arabic}/u;
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (parentElement.closest('option, template') || !shown(parentElement)) continue;
    texts.push([data.replace(/\u2068[^\u2069]*\u2069/g, ''), parentElement, arabic.test(data)]);
  }
  for (const field of document.querySelectorAll('input, textarea')) {
    if (shown(field)) texts.push([field.value, field, arabic.test(field.value)]);
  }
  return {
    found: texts.filter(([, , found]) => found).length,
    misled: texts
      .filter(([text, element]) => arabic.test(text) && getComputedStyle(element).direction !== 'rtl')
      .map(([text, element]) => `${element.outerHTML.slice(0, 80)} ${text}`),
  };
}"""
# What a screen alone can do. The headings of a table that can be sorted are buttons, and print as words.
CONTROLS = """() => [...document.querySelectorAll(
  'nav, site-header, .site-footer, form, dialog, input, select, textarea, progress, .button, '
  + 'button:not(th > button)',
)].filter((element) => element.checkVisibility()).map((element) => element.outerHTML.slice(0, 80))"""


@dataclass(frozen=True)
class World:
    """Somebody with an Arabic name who is an admin, and what they have made."""

    member: Member
    project: int
    hidden: int

    @property
    def paths(self) -> tuple[str, ...]:
        return (
            *(
                "/",
                f"/users/?q={urllib.parse.quote('حداد')}",
                f"/users/?q={urllib.parse.quote('حدادx')}",
                "/portfolio/?uid=layla",
                "/portfolio/",
                "/account/",
                "/staff/",
            ),
            *(f"/project/?id={self.project}", f"/project/?id={self.hidden}"),
            *(f"/project/edit/?id={self.project}", "/login/"),
        )


@pytest.fixture(scope="module")
def layla(server: Homeroom) -> Member:
    server.invite("samir", "سمير خوري")
    return server.add_member("layla", NAME, "Admin")


@pytest.fixture
def world(page: Page, layla: Member, sign_in: Callable[..., None]) -> World:
    sign_in(page, layla)
    links = [{"label": "المزيد", "url": "https://example.org/more"}]
    page.request.put(f"{API}/api/portfolio", data={"about": TEXT, "shown_name": "ليلى", "links": links})
    made = [
        make_project(
            page,
            title="القمر (Moon).",
            summary=TEXT,
            body=f"{TEXT}\n\n- {TEXT}",
            tags=[TAG, "moon"],
            links=links,
            pictures=[{"id": send_picture(page), "alt": TEXT}],
        )["id"]
        for _ in range(2)
    ]
    page.request.put(f"{API}/api/projects/{made[1]}/hidden", data={"reason": TEXT})
    return World(layla, *made)


def assert_arabic_runs_to_the_left(page: Page, *, at_least: int) -> None:
    seen = page.evaluate(MISLED)
    assert seen["misled"] == [], page.url
    assert seen["found"] >= at_least, page.url


def test_arabic_runs_from_right_to_left_on_every_page(page: Page, world: World) -> None:
    for path in world.paths:
        settled(page, path)
        assert_arabic_runs_to_the_left(page, at_least=1)


def test_latin_beside_arabic_stays_from_left_to_right(page: Page, world: World) -> None:
    settled(page, f"/project/?id={world.project}")
    directions = page.locator("#tags .tag").evaluate_all(
        "tags => tags.map((tag) => [tag.textContent, getComputedStyle(tag).direction])"
    )
    assert directions == [[TAG, "rtl"], ["moon", "ltr"]]
    settled(page, "/users/")
    names = page.locator("#result bdi").evaluate_all(
        "all => [...new Set(all.map((name) => getComputedStyle(name).direction))]"
    )
    assert names == ["ltr"], "the first fifty have Latin names"
    settled(page, "/portfolio/?uid=layla")
    portrait, name = (page.locator(place).bounding_box() for place in ("#portrait", "#name"))
    assert portrait["x"] < name["x"] < portrait["x"] + portrait["width"] + 100, "the layout is not mirrored"


def test_arabic_runs_from_right_to_left_in_what_the_staff_opens(page: Page, world: World) -> None:
    settled(page, "/staff/")
    page.get_by_role("button", name="Show the codes").click()
    page.get_by_placeholder("Search by name or ID").fill("حداد")
    expect(page.locator("#people li")).to_have_count(1)
    expect(page.locator("#codes li").first).to_be_visible()
    roster: FilePayload = {
        "name": "class.csv",
        "mimeType": "text/csv",
        "buffer": f"uid,name\nlayla,{NAME} الثانية\nرقم1,{NAME}\n".encode(),
    }
    page.get_by_label("Class list (CSV)").set_input_files([roster])
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#report-rows tr")).to_have_count(2)
    assert_arabic_runs_to_the_left(page, at_least=10)
    page.locator("#people").get_by_role("button", name="New code").click()
    expect(page.get_by_role("dialog")).to_contain_text("Create a new code for")
    assert_arabic_runs_to_the_left(page, at_least=10)


def test_arabic_runs_from_right_to_left_in_what_is_being_written(page: Page, world: World) -> None:
    settled(page, "/portfolio/?uid=layla")
    page.get_by_role("button", name="Edit profile").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_arabic_runs_to_the_left(page, at_least=8)
    settled(page, f"/project/edit/?id={world.project}")
    page.locator("picture-list input[type=file]").set_input_files([picture_file("صورة.png", b"none")])
    expect(page.locator(".shot[data-state=failed]")).to_be_visible()
    page.get_by_role("tab", name="Preview").click()
    expect(page.get_by_role("tabpanel", name="Preview")).to_contain_text(TEXT)
    assert_arabic_runs_to_the_left(page, at_least=6)


def test_arabic_runs_from_right_to_left_for_a_guest(
    server: Homeroom, world: World, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    settled(page, "/")
    assert_arabic_runs_to_the_left(page, at_least=3)
    page.goto(server.invite("nour", "نور شاهين"))
    expect(page.get_by_role("heading", name="Hello")).to_contain_text("نور شاهين")
    assert_arabic_runs_to_the_left(page, at_least=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_gets_no_navigation_no_buttons_and_no_forms(
    world: World, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext], scheme: str
) -> None:
    page = new_context(color_scheme=scheme).new_page()
    for path in ("/", "/join/", "/login/", "/api/docs/", "/no/such/page"):
        settled(page, path)
        page.emulate_media(media="print")
        assert page.evaluate(CONTROLS) == [], path
        page.emulate_media(media="screen")
    sign_in(page, world.member)
    for path in (*world.paths, "/project/edit/"):
        settled(page, path)
        page.emulate_media(media="print")
        assert page.evaluate(CONTROLS) == [], path
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"], path
        expect(page.locator("main h1:visible")).to_have_count(1)
        page.emulate_media(media="screen")


def test_paper_gets_the_whole_of_what_was_made(page: Page, world: World) -> None:
    settled(page, f"/project/?id={world.project}")
    page.emulate_media(media="print")
    for place in ("#title", "#summary", "#author", "#content", "#links", "#tags", "#cover img"):
        expect(page.locator(place)).to_be_visible()
    # In a grid, a row of pictures is cut where the paper ends.
    display = page.locator("#shots").evaluate(
        "list => { list.hidden = false; return getComputedStyle(list).display; }"
    )
    assert display == "block"
    address = page.locator("#links a").evaluate("link => getComputedStyle(link, '::after').content")
    assert "https://example.org/more" in address
    bare = page.locator("#links a").evaluate(
        "link => { link.classList.add('bare'); return getComputedStyle(link, '::after').content; }"
    )
    assert bare == "none", "an address that is the link's own words"
    settled(page, "/")
    image = page.locator(".cover img").first
    size = image.evaluate("image => [image.width / image.height, image.naturalWidth / image.naturalHeight]")
    assert size[0] == pytest.approx(size[1], abs=0.02), "no picture is cut"
    settled(page, "/users/")
    expect(page.locator("#result tr")).to_have_count(50)
    expect(page.get_by_role("columnheader", name="Name")).to_be_visible()


def test_paper_gets_the_codes_alone_once_they_are_shown(page: Page, world: World) -> None:
    settled(page, "/staff/")
    page.emulate_media(media="print")
    expect(page.locator("#stats")).to_be_visible()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Show the codes").click()
    expect(page.locator(".codes li").first).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".codes li").first).to_be_visible()
    for place in ("#stats", "#hidden", "h1", "h2"):
        expect(page.locator(place).filter(visible=True)).to_have_count(0)
    assert page.evaluate(CONTROLS) == []
