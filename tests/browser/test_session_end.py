"""A session that ends while a page is open: the page notices, and offers to sign in again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.classroom import API, Homeroom, Member
from tests.browser.projects import make_project
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]

# What a browser tells a tab that comes to the front again; driven tabs are never behind another.
COME_BACK = "() => document.dispatchEvent(new Event('visibilitychange'))"
PRIVATE_PAGES = ("/users/", "/users/?q=a", "/account/", "/staff/", "/project/?id={project}")


@pytest.fixture(scope="module")
def member(server: Homeroom) -> Member:
    return server.add_member("two-tabs", "Tara Tabs", "Teacher")


@pytest.fixture
def opened(page: Page, member: Member, sign_in: Callable[..., None]) -> Callable[[str], Page]:
    """Opens a page of the site as a member, in whose class there is a project that guests may not see."""
    sign_in(page, member)
    project = make_project(page, title="Of the class", visibility="class", pictures=[])

    def open_page(path: str) -> Page:
        page.goto(API + path.format(project=project["id"]))
        page.wait_for_load_state("networkidle")
        return page

    return open_page


def sign_out_in_another_tab(page: Page) -> Page:
    tab = page.context.new_page()
    tab.goto(f"{API}/users/")
    tab.get_by_role("button", name="Sign out").click()
    tab.wait_for_url(f"{API}/login/")
    return tab


def sign_in_in(tab: Page, member: Member) -> None:
    tab.get_by_label("ID").fill(member.uid)
    tab.get_by_label("Password", exact=True).fill(member.password)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("button", name="Sign out", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", PRIVATE_PAGES)
def test_signing_out_in_another_tab_is_noticed_and_so_is_coming_back(
    opened: Callable[[str], Page], member: Member, path: str
) -> None:
    page = opened(path)
    tab = sign_out_in_another_tab(page)

    link = page.get_by_role("alert").get_by_role("link", name="Sign in")
    expect(link).to_be_visible()
    shown = page.get_by_role("main").get_by_text("Tara Tabs").filter(visible=True)
    expect(shown).to_have_count(0)
    expect(page.get_by_role("navigation").get_by_role("link", name="Sign in")).to_be_visible()
    sign_in_in(tab, member)
    expect(link).to_be_hidden()


@pytest.mark.parametrize("path", PRIVATE_PAGES)
def test_a_session_that_ended_on_another_device_is_noticed_on_coming_back_to_the_tab(
    opened: Callable[[str], Page], member: Member, path: str
) -> None:
    page = opened(path)
    assert page.request.delete(f"{API}/api/sessions").status == 200
    page.evaluate(COME_BACK)

    page.get_by_role("alert").get_by_role("link", name="Sign in").click()
    page.wait_for_url(re.compile("/login/"))
    address = page.url
    sign_in_in(page, member)
    # The way back follows the sign-in, which the header shows first.
    page.wait_for_url(lambda url: url != address)
    # Back where one was, and not at the start.
    assert page.url.startswith(API + path.partition("{")[0])


def test_the_editor_keeps_what_is_written_when_the_session_ended_elsewhere(
    opened: Callable[[str], Page],
) -> None:
    page = opened("/project/edit/")
    page.get_by_label("Title").fill("Written for an hour")
    assert page.request.delete(f"{API}/api/sessions").status == 200
    page.evaluate(COME_BACK)

    expect(page.locator(".save-bar")).to_contain_text("Your text stays here")
    expect(page.get_by_role("link", name="Sign in in a new tab")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("Written for an hour")


def test_coming_back_to_a_tab_whose_session_holds_changes_nothing(opened: Callable[[str], Page]) -> None:
    page = opened("/users/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response(f"{API}/api/session") as answer:
        page.evaluate(COME_BACK)

    assert answer.value.status == 200
    expect(page.locator("#result .person").first).to_be_visible()
    assert asked == [f"{API}/api/session"]


def test_coming_back_without_a_network_leaves_the_page_as_it_is(opened: Callable[[str], Page]) -> None:
    page = opened("/users/")
    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        page.evaluate(COME_BACK)

    expect(page.locator("#result .person").first).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_sign_in_page_follows_another_tab_both_ways(
    opened: Callable[[str], Page], member: Member
) -> None:
    page = opened("/login/")
    expect(page.get_by_text("You’re signed in as Tara Tabs.")).to_be_visible()
    tab = sign_out_in_another_tab(page)
    expect(page.get_by_label("ID")).to_be_visible()
    expect(page.get_by_text("You’re signed in as")).to_be_hidden()

    sign_in_in(tab, member)

    expect(page.get_by_text("You’re signed in as Tara Tabs.")).to_be_visible()
    expect(page.get_by_label("ID")).to_be_hidden()
