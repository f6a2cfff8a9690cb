"""The first sign-in: from a one-time link to the class, from every origin that the contract names."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.classroom import API, PASSWORD, SECOND_ORIGINS, Homeroom, Member
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]


def choose_password(page: Page, password: str = PASSWORD, repeat: str = PASSWORD) -> None:
    page.get_by_label("Choose a password", exact=True).fill(password)
    page.get_by_label("Confirm password", exact=True).fill(repeat)
    page.get_by_role("button", name="Join", exact=True).click()


def join_by_link(page: Page, link: str, name: str, uid: str) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", name=f"Hello {name}")).to_be_focused()
    expect(page.get_by_text(f"Your ID for signing in is {uid}")).to_be_visible()
    choose_password(page)


def test_the_first_admin_comes_by_link_to_the_users_page(server: Homeroom, page: Page) -> None:
    link = server.invite("first", "First Admin", "Admin")

    join_by_link(page, link, "First Admin", "first")

    page.wait_for_url(f"{API}/users/")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    expect(page.locator("#result tr")).to_have_count(50)
    expect(page.get_by_role("link", name="Account")).to_be_visible()


@pytest.mark.usefixtures("second_origin")
@pytest.mark.parametrize("origin", SECOND_ORIGINS)
def test_a_second_origin_leads_by_link_to_the_users_page(server: Homeroom, page: Page, origin: str) -> None:
    uid = f"from-{re.sub(r'[^a-z0-9]', '', origin)}"
    link = server.invite(uid, "Grace Hopper").replace(API, origin)

    join_by_link(page, link, "Grace Hopper", uid)

    page.wait_for_url(f"{origin}/users/")
    expect(page.locator("#result tr")).to_have_count(50)


@pytest.mark.usefixtures("second_origin")
@pytest.mark.parametrize("origin", SECOND_ORIGINS)
def test_a_second_origin_signs_in_reloads_and_signs_out(
    page: Page, ada: Member, sign_in: Callable[..., None], origin: str
) -> None:
    sign_in(page, ada, origin)
    page.reload()
    expect(page.locator("#result tr")).to_have_count(50)

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{origin}/login/")

    page.goto(f"{origin}/users/")
    expect(page.get_by_role("alert")).to_contain_text("Sign in to continue")


@pytest.mark.usefixtures("second_origin")
def test_who_signed_in_on_another_origin_is_known_to_the_apis_own_pages(
    page: Page, ada: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, ada, SECOND_ORIGINS[0])
    for path in ("/", "/login/", "/portfolio/", "/project/edit/", "/account/"):
        page.goto(f"{API}{path}")
        expect(page.get_by_role("navigation").get_by_role("button", name="Sign out")).to_be_visible()
        expect(page.get_by_text("You aren’t signed in")).to_be_hidden()
    page.goto(f"{API}/")
    expect(page.get_by_role("heading", name="Your class’s latest projects")).to_be_visible()


def test_who_signed_out_on_another_origin_is_a_guest_here(
    page: Page, ada: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, ada)
    assert page.request.delete(f"{API}/api/authenticate").status == 200
    page.goto(f"{API}/")
    expect(page.get_by_role("navigation").get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/login/", "/account/", "/portfolio/", "/project/?id=1", "/api/docs"])
def test_a_server_that_does_not_answer_is_told_for_people(
    page: Page, ada: Member, sign_in: Callable[..., None], path: str
) -> None:
    sign_in(page, ada)
    page.route(re.compile(f"{API}/api/(?!docs)"), lambda route: route.abort())
    page.goto(f"{API}{path}")
    if path == "/login/":
        page.get_by_label("ID").fill("ada")
        page.get_by_label("Password", exact=True).fill("whatever it is")
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("We couldn’t reach the server").first).to_be_visible()
    assert "TypeError" not in page.locator("body").inner_text()
    assert "Failed to fetch" not in page.locator("body").inner_text()


def test_the_code_leaves_the_address_bar_and_the_history(server: Homeroom, page: Page) -> None:
    page.goto(server.invite("out-of-sight", "Hidden Code"))
    expect(page.get_by_role("heading", name="Hello Hidden Code")).to_be_visible()

    assert page.url == f"{API}/join/"
    assert page.evaluate("history.length") <= 2


def test_a_code_may_be_typed_in_lower_case_without_dashes(server: Homeroom, page: Page) -> None:
    code = server.invite("typed", "Typed Code").partition("code=")[2]

    page.goto(f"{API}/join/")
    page.get_by_label("Code").fill(f" {code.replace('-', '').lower()} ")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Hello Typed Code")).to_be_visible()


def test_an_unknown_code_is_told_beside_its_field(page: Page) -> None:
    page.goto(f"{API}/join/#code=AAAA-BBBB-CCCC")

    field = page.get_by_label("Code")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("may have been used already"))


def test_a_used_code_does_not_work_again(
    server: Homeroom, page: Page, new_context: Callable[..., BrowserContext]
) -> None:
    link = server.invite("once", "Only Once")
    join_by_link(page, link, "Only Once", "once")
    page.wait_for_url("**/users/")

    second = new_context().new_page()
    second.goto(link)

    expect(second.get_by_label("Code")).to_have_attribute("aria-invalid", "true")


@pytest.fixture(scope="module")
def choosing(server: Homeroom) -> str:
    """The link of somebody whose ID is a password's length, and who never comes to an end."""
    return server.invite("same-as-id", "Still Choosing")


@pytest.mark.parametrize(
    ("password", "repeat", "label", "message"),
    [
        ("short", "short", "Choose a password", "at least 8 characters"),
        ("same-as-id", "same-as-id", "Choose a password", "can’t be your ID"),
        (PASSWORD, f"{PASSWORD}!", "Confirm password", "passwords don’t match"),
        ("", "", "Choose a password", "Choose a password."),
    ],
)
def test_a_password_that_will_not_do_is_told_beside_its_field(
    choosing: str, page: Page, password: str, repeat: str, label: str, message: str
) -> None:
    page.goto(choosing)
    expect(page.get_by_role("heading", name="Hello Still Choosing")).to_be_visible()

    choose_password(page, password, repeat)

    field = page.get_by_label(label, exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile(message))


def test_a_form_waits_for_its_script_and_is_never_sent_by_the_browser_itself(page: Page, ada: Member) -> None:
    held: list[Route] = []
    page.route("**/login/page.js", lambda route: held.append(route))
    page.goto(f"{API}/login/", wait_until="commit")
    page.get_by_label("ID").fill(ada.uid)
    page.get_by_label("Password", exact=True).fill(ada.password)
    page.keyboard.press("Enter")
    button = page.locator("main").get_by_role("button", name="Sign in", exact=True)
    expect(button).to_be_disabled()
    assert page.url == f"{API}/login/"
    held[0].continue_()
    button.click()
    page.wait_for_url(f"{API}/users/")


def test_a_wrong_password_is_told_in_place(page: Page, ada: Member) -> None:
    page.goto(f"{API}/login/")
    page.get_by_label("ID").fill(ada.uid)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Wrong ID or password")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    assert page.url == f"{API}/login/"


def test_too_many_wrong_passwords_tell_how_long_to_wait(server: Homeroom, page: Page) -> None:
    guessed = server.add_member("guessed", "Often Guessed")
    page.goto(f"{API}/login/")
    page.get_by_label("ID").fill(guessed.uid)
    button = page.get_by_role("button", name="Sign in")
    for _ in range(10):
        page.get_by_label("Password", exact=True).fill("a guess")
        with page.expect_response("**/api/authenticate") as refused:
            button.click()
        assert refused.value.status == 401
        expect(page.locator("#sign-in")).not_to_have_attribute("aria-busy", "true")

    button.click()

    expect(page.get_by_role("alert")).to_contain_text("Too many attempts. Try again in ")
    expect(page.get_by_role("alert")).to_have_text(re.compile(r" \d+ min"))
    expect(button).to_be_disabled()
    # The next one at a shared computer has an ID of their own.
    page.get_by_label("ID").fill("somebody-else")
    expect(button).to_be_enabled()
    expect(page.get_by_role("alert")).to_have_text("")


def test_the_wait_counts_down_to_a_new_try(page: Page) -> None:
    # The real wait is minutes; its length alone is made up here.
    page.route(
        "**/api/authenticate",
        lambda route: route.fulfill(
            status=429,
            headers={"Retry-After": "2", "Content-Type": "application/problem+json"},
            body='{"detail": "Too many wrong passwords for this ID."}',
        ),
    )
    page.goto(f"{API}/login/")
    page.get_by_label("ID").fill("somebody")
    page.get_by_label("Password", exact=True).fill("a guess")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text(re.compile(" 1 s"))
    expect(page.get_by_role("status")).to_have_text("You can try again now.")
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()


def test_who_is_signed_in_already_is_told_so(page: Page, ada: Member, sign_in: Callable[..., None]) -> None:
    sign_in(page, ada)

    page.goto(f"{API}/login/")

    expect(page.get_by_text("You’re signed in as Ada Lovelace.")).to_be_visible()
    expect(page.get_by_role("link", name="Continue")).to_have_attribute("href", f"{API}/users/")
    expect(page.get_by_label("ID")).to_be_hidden()


@pytest.mark.parametrize(
    ("next_path", "landing"),
    [
        ("/account/", "/account/"),
        ("/users/?sort=-uid", "/users/?sort=-uid"),
        ("https://evil.example/", "/users/"),
        ("//evil.example/", "/users/"),
        (r"/\evil.example/", "/users/"),
        ("/\t/evil.example/", "/users/"),
        ("javascript:alert(1)", "/users/"),
    ],
)
def test_signing_in_leads_back_within_this_site_only(
    page: Page, ada: Member, next_path: str, landing: str
) -> None:
    page.goto("/login/")
    page.evaluate("next => history.replaceState(null, '', '?' + new URLSearchParams({ next }))", next_path)
    page.get_by_label("ID").fill(ada.uid)
    page.get_by_label("Password", exact=True).fill(ada.password)
    page.keyboard.press("Enter")

    page.wait_for_url(f"{API}{landing}")


def test_the_password_can_be_shown_and_hidden(page: Page) -> None:
    page.goto(f"{API}/login/")
    field = page.get_by_label("Password", exact=True)

    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")

    page.get_by_role("button", name="Hide password").click()
    expect(field).to_have_attribute("type", "password")


def test_the_keyboard_alone_is_enough(page: Page, ada: Member) -> None:
    page.goto(f"{API}/login/")
    expect(page.get_by_role("navigation")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("ID")).to_be_focused()
    page.keyboard.type(ada.uid)
    page.keyboard.press("Tab")
    page.keyboard.type(ada.password)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show password")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{API}/users/")
    expect(page.locator("#result .person").first).to_be_visible()

    page.get_by_role("searchbox").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Name")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "descending")
