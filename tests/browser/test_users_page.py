"""The users page: the lesson's table with search, order, pages, and what it says when it cannot."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.classroom import API, HOSTILE_NAME, SILENT_PORT, STUDENTS, Homeroom, Member
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]

DASH = "\N{EN DASH}"
USERS_REQUEST = re.compile(r"/api/users/\?")


@pytest.fixture
def users(page: Page, ada: Member, sign_in: Callable[..., None]) -> Page:
    """The users page as the admin sees it."""
    sign_in(page, ada)
    return page


def names(page: Page) -> list[str]:
    return page.locator("#result .person").all_text_contents()


def ids(page: Page) -> list[str]:
    return page.locator("#result .uid").all_text_contents()


def total(page: Page) -> int:
    match = re.search(r"(\d+)$", page.locator("#status").inner_text())
    assert match
    return int(match.group(1))


def test_the_table_shows_name_id_and_age(users: Page) -> None:
    expect(users.locator("thead th")).to_have_text(["Name", "ID", "Age"])
    row = users.get_by_role("row", name="Ada Lovelace")
    assert row.locator("td").all_text_contents() == ["Ada Lovelace", "ada", DASH]
    ages = set(users.locator("#result td.number").all_text_contents()) - {DASH}
    assert ages
    assert all(10 < int(age) < 120 for age in ages)


def test_on_a_phone_the_id_stands_below_the_name_and_the_table_is_still_one(users: Page) -> None:
    users.set_viewport_size({"width": 390, "height": 844})

    row = users.locator("#result tr").filter(has=users.get_by_role("cell", name="ada", exact=True))
    name, uid, age = (row.locator("td").nth(column).bounding_box() for column in range(3))
    assert name is not None
    assert uid is not None
    assert age is not None
    assert name["y"] < uid["y"] == name["y"] + name["height"]
    assert name["x"] + name["width"] <= age["x"] + 1
    # What the browser itself tells a screen reader: the layout must not take the table away.
    tree = users.context.new_cdp_session(users).send("Accessibility.getFullAXTree")
    roles = Counter(node["role"]["value"] for node in tree["nodes"])
    rows = users.locator("#result tr").count()
    assert (roles["table"], roles["row"], roles["cell"]) == (1, rows + 1, rows * 3)
    assert roles["columnheader"] == 3


def test_initials_are_of_the_first_and_last_word_without_what_stands_in_brackets(users: Page) -> None:
    expected = {
        "Ada Lovelace": "AL",
        "Kim van Dam (they/them)": "KD",
        "Åsa (Class 2) Öberg": "ÅÖ",
        "Plato": "P",
        "(Nobody)": "N",
        "Zed (unclosed": "ZU",
        "💥 Boom": "B",
    }

    shown = users.evaluate(
        """async names => {
          const { dressPerson } = await import('/assets/js/components/person.js');
          const place = document.createElement('span');
          return names.map(name => (dressPerson(place, { name }), place.dataset.initials));
        }""",
        list(expected),
    )

    assert dict(zip(expected, shown, strict=True)) == expected


def test_a_name_that_looks_like_html_is_shown_as_text(users: Page) -> None:
    users.get_by_role("searchbox").fill("zzz")

    expect(users.locator("#result tr")).to_have_count(1)
    expect(users.locator("#result .person")).to_have_text(HOSTILE_NAME)
    expect(users.locator("#result img")).to_have_count(0)
    expect(users).to_have_title(re.compile(r"^\w+ · Homeroom$"))


def test_pages_lead_through_the_whole_class_and_back(users: Page) -> None:
    everyone = total(users)
    previous, following = (users.get_by_role("button", name=name) for name in ("Previous", "Next"))
    expect(users.locator("#status")).to_have_text(f"1{DASH}50 of {everyone}")
    expect(previous).to_be_disabled()
    pages = [ids(users)]
    for first in range(51, everyone + 1, 50):
        following.click()
        last = min(first + 49, everyone)
        expect(users.locator("#status")).to_have_text(f"{first}{DASH}{last} of {everyone}")
        pages.append(ids(users))

    assert everyone > STUDENTS
    assert len({uid for page in pages for uid in page}) == sum(map(len, pages)) == everyone
    expect(following).to_be_disabled()
    expect(previous).to_be_focused()
    previous.click()
    expect(users.locator("#status")).to_contain_text(f"{len(pages) * 50 - 99}{DASH}")
    assert ids(users) == pages[-2]


def test_a_reload_stays_on_the_page(users: Page) -> None:
    users.get_by_role("button", name="Next").click()
    expect(users.locator("#status")).to_contain_text(f"51{DASH}100")

    users.reload()

    expect(users.locator("#status")).to_contain_text(f"51{DASH}100")


@pytest.mark.parametrize(("heading", "values"), [("Name", names), ("ID", ids)])
def test_a_heading_sorts_both_ways(users: Page, heading: str, values: Callable[[Page], list[str]]) -> None:
    column = users.get_by_role("columnheader", name=heading)
    # Nobody has it as a later word: such people follow behind the others, whichever way these are sorted.
    users.get_by_role("searchbox").fill("zoe")
    expect(users).to_have_url(re.compile(r"\?q=zoe$"))
    expect(users.locator("#listing")).not_to_have_attribute("aria-busy", "true")
    # Name is the order at first: its first click turns it round.
    first = "descending" if heading == "Name" else "ascending"
    column.get_by_role("button").click()
    expect(column).to_have_attribute("aria-sort", first)
    expect(users.locator("#listing")).not_to_have_attribute("aria-busy", "true")
    one_way = values(users)
    column.get_by_role("button").click()
    expect(column).not_to_have_attribute("aria-sort", first)
    expect(users.locator("#listing")).not_to_have_attribute("aria-busy", "true")

    assert len(one_way) == 5
    assert values(users) == one_way[::-1]
    expect(users.locator("th[aria-sort]")).to_have_count(1)


def test_age_cannot_be_sorted_for_its_order_would_tell_birthdays(users: Page) -> None:
    expect(users.get_by_role("columnheader", name="Age").get_by_role("button")).to_have_count(0)


def test_the_search_ignores_case_and_accents_and_stays_in_the_address(users: Page) -> None:
    users.get_by_role("searchbox").fill("ZOE")

    expect(users.locator("#result tr")).to_have_count(5)
    assert all(name.startswith("Zoë ") for name in names(users))
    assert users.url == f"{API}/users/?q=ZOE"
    users.reload()
    expect(users.get_by_role("searchbox")).to_have_value("ZOE")
    expect(users.locator("#result tr")).to_have_count(5)
    expect(users.locator("#status")).to_have_text(f"1{DASH}5 of 5")


def test_typing_asks_once_it_pauses(users: Page) -> None:
    asked: list[str] = []
    users.on("request", lambda request: asked.append(request.url) if "q=" in request.url else None)

    users.get_by_role("searchbox").press_sequentially("priya")

    expect(users.locator("#result tr")).to_have_count(5)
    assert asked[-1].endswith("q=priya")
    assert len(asked) < len("priya")


def test_an_older_answer_never_overwrites_a_newer_one(users: Page) -> None:
    held: list[Route] = []
    cancelled: list[str] = []
    users.on("requestfailed", lambda request: cancelled.append(request.url))
    users.route(re.compile(r"q=emma"), lambda route: held.append(route))
    users.get_by_role("searchbox").fill("emma")
    expect(users.locator("#listing")).to_have_attribute("aria-busy", "true")

    users.get_by_role("searchbox").fill("noah")
    expect(users.locator("#result .person").first).to_have_text(re.compile("^Noah"))
    for route in held:
        route.continue_()

    assert [url.rpartition("q=")[2] for url in cancelled] == ["emma"]
    assert all(name.startswith("Noah") for name in names(users))


def test_nobody_matches_and_the_search_can_be_cleared(users: Page) -> None:
    users.get_by_role("searchbox").fill("nobody at all")
    expect(users.get_by_role("heading", name="No matches for “nobody at all”")).to_be_visible()

    users.get_by_role("button", name="Clear search").click()

    expect(users.locator("#result tr")).to_have_count(50)
    expect(users.get_by_role("searchbox")).to_be_focused()
    assert users.url == f"{API}/users/"


def test_a_class_without_users_is_told_from_a_search_without_matches(users: Page) -> None:
    # Who looks is a user too: only an answer that is made up can be empty without a search.
    users.route(USERS_REQUEST, lambda route: route.fulfill(json=[], headers={"X-Total-Count": "0"}))
    users.reload()

    expect(users.get_by_role("heading", name="No users yet")).to_be_visible()
    expect(users.get_by_role("button", name="Clear search")).to_be_hidden()


def test_a_guest_is_told_to_sign_in_and_finds_the_way_in(page: Page, ada: Member) -> None:
    page.goto(f"{API}/users/?q=emma")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Sign in to continue")
    expect(page.locator("#table")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_be_hidden()

    alert.get_by_role("link", name="Sign in").click()
    page.get_by_label("ID").fill(ada.uid)
    page.get_by_label("Password", exact=True).fill(ada.password)
    page.get_by_role("button", name="Sign in", exact=True).click()

    page.wait_for_url(f"{API}/users/?q=emma")
    expect(page.get_by_role("searchbox")).to_have_value("emma")
    expect(page.locator("#result tr")).to_have_count(5)


def test_a_failing_server_is_told_with_its_status_and_number(users: Page) -> None:
    users.route(
        USERS_REQUEST,
        lambda route: route.fulfill(status=503, body="<h1>", headers={"X-Request-ID": "r-42"}),
    )
    users.reload()

    expect(users.get_by_role("alert")).to_contain_text("Database response error: 503")
    expect(users.get_by_role("alert")).to_contain_text("r-42")


def test_a_lost_network_is_told_in_the_lessons_words_and_can_be_retried(users: Page) -> None:
    users.route(USERS_REQUEST, lambda route: route.abort("connectionrefused"))
    users.reload()
    expect(users.get_by_role("alert")).to_contain_text(f"TypeError: Failed to fetch: {API}/api/users/")

    users.unroute(USERS_REQUEST)
    users.get_by_role("button", name="Try again").click()

    expect(users.locator("#result tr")).to_have_count(50)
    expect(users.locator("#failure")).to_be_hidden()


def test_a_server_that_is_not_there_is_told_with_the_setting_that_may_be_missing(
    page: Page, unreachable_api_site: str
) -> None:
    page.goto(f"{unreachable_api_site}/users/")

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"TypeError: Failed to fetch: http://localhost:{SILENT_PORT}/api/users/")
    expect(alert).to_contain_text(
        f"If the server is running, add {unreachable_api_site} to its setting FRONTEND_ORIGINS."
    )


def test_signing_out_in_another_tab_takes_the_names_off_this_one(
    users: Page, sign_in: Callable[..., None], ada: Member
) -> None:
    other = users.context.new_page()
    other.goto(f"{API}/account/")
    other.get_by_role("button", name="Sign out", exact=True).click()
    other.wait_for_url(f"{API}/login/")

    expect(users.get_by_role("alert")).to_contain_text("Sign in to continue")
    expect(users.locator("#result tr")).to_have_count(0)
    expect(users.get_by_role("link", name="Join")).to_be_visible()

    sign_in(other, ada)
    expect(users.locator("#result tr")).to_have_count(50)


def test_a_session_that_ended_elsewhere_is_noticed_at_the_next_click(
    server: Homeroom,
    page: Page,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    member = server.add_member("two-devices", "Two Devices")
    sign_in(page, member)
    phone = new_context().new_page()
    sign_in(phone, member)
    phone.goto(f"{API}/account/")
    phone.get_by_role("button", name="Sign out everywhere").click()
    expect(phone.get_by_text("Signed out everywhere: 3 sessions ended.")).to_be_focused()

    page.get_by_role("button", name="ID").click()

    expect(page.get_by_role("alert")).to_contain_text("Sign in to continue")
    page.get_by_role("alert").get_by_role("link", name="Sign in").click()
    assert page.url == f"{API}/login/?next=%2Fusers%2F%3Fsort%3Duid"


def test_the_back_button_shows_no_names_after_signing_out(users: Page) -> None:
    users.get_by_role("button", name="Sign out").click()
    users.wait_for_url(f"{API}/login/")

    users.go_back()

    expect(users.get_by_role("alert")).to_contain_text("Sign in to continue")
    expect(users.locator("#result .person")).to_have_count(0)


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("users.png", {"viewport": {"width": 1280, "height": 800}}),
        (
            "users-phone-dark.png",
            {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
        ),
    ],
)
def test_the_users_page_is_worth_a_picture(
    screenshots: Path,
    ada: Member,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
    file: str,
    options: dict[str, object],
) -> None:
    page = new_context(device_scale_factor=2, **options).new_page()
    sign_in(page, ada)
    page.evaluate("document.activeElement.blur()")

    picture = screenshots / file
    page.screenshot(path=picture)

    assert picture.stat().st_size > 20_000
