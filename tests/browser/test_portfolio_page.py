"""Portfolios: a person's page as its owner, the class and a guest see it; and the home page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.classroom import API, Homeroom, Member
from tests.browser.projects import landscape, make_project, send_picture
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]


@pytest.fixture
def grace(server: Homeroom) -> Member:
    return server.add_member("grace", "Grace Hopper")


def test_an_owner_says_something_about_themselves_and_guests_see_the_chosen_name(
    page: Page, grace: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> None:
    sign_in(page, grace)
    make_project(page, title="A compiler")
    make_project(page, title="Not for guests", visibility="class", pictures=[])
    page.get_by_role("link", name="Portfolio").click()
    expect(page.locator("#count")).to_have_text("2")
    page.get_by_role("button", name="Edit profile").click()
    dialog = page.get_by_role("dialog", name="About you")
    dialog.get_by_label("Name shown to guests").fill("Grace H.")
    dialog.get_by_label("About").fill("Bugs are <i>insects</i>.\n\nI like ships.")
    dialog.get_by_role("button", name="Add a link").click()
    dialog.get_by_label("Name", exact=True).fill("Home")
    dialog.get_by_label("Address").fill("https://example.org/grace")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#about p")).to_have_text(["Bugs are <i>insects</i>.", "I like ships."])
    expect(page.get_by_role("button", name="Edit profile")).to_be_focused()

    guest = new_context().new_page()
    guest.goto(f"{API}/portfolio/?uid={grace.uid}")

    expect(guest.get_by_role("heading", name="Grace H.")).to_be_visible()
    expect(guest.get_by_role("link", name="Home", exact=True)).to_have_attribute(
        "href", "https://example.org/grace"
    )
    expect(guest.get_by_role("button", name="Edit profile")).to_be_hidden()
    expect(guest.locator("body")).not_to_contain_text("Hopper")
    guest.goto(API)
    card = guest.locator(".project-card", has_text="A compiler").first
    expect(card).to_contain_text("Grace H.")
    expect(guest.get_by_role("link", name="Not for guests")).to_have_count(0)
    expect(guest.locator("body")).not_to_contain_text("Hopper")


def test_a_card_shows_its_authors_picture_to_the_class_and_initials_to_a_guest(
    server: Homeroom, page: Page, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> None:
    guest = new_context().new_page()
    sign_in(page, server.add_member("pia", "Pia Portrait"))
    page.request.put(f"{API}/api/id/picture", data={"picture_id": send_picture(page, landscape(2))})
    page.request.put(f"{API}/api/portfolio", data={"shown_name": "Pia P."})
    make_project(page, title="A portrait", pictures=[])

    bylines = []
    for viewer in (page, guest):
        viewer.goto(API)
        bylines.append(viewer.locator(".project-card", has_text="A portrait").first.locator(".byline"))
    ours, theirs = bylines

    expect(ours).to_have_text("Pia Portrait")
    expect(ours.locator("img")).to_have_js_property("naturalWidth", 128)
    expect(ours.locator("img")).to_have_attribute("alt", "")
    expect(theirs).to_have_text("Pia P.")
    expect(theirs).to_have_attribute("data-initials", "PP")
    expect(theirs.locator("img")).to_have_count(0)


def test_the_users_table_leads_to_a_portfolio(
    page: Page, ada: Member, grace: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, ada)
    page.get_by_role("searchbox").fill("grace hopper")
    # Others of that name may have joined before.
    page.locator(f'a[href$="uid={grace.uid}"]').filter(has_text="Grace Hopper").last.click()

    expect(page).to_have_url(f"{API}/portfolio/?uid={grace.uid}")
    expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()


@pytest.mark.parametrize("uid", ["nobody-at-all", "%2e%2e", "a/b", "<b>"])
def test_a_portfolio_that_is_not_there_is_told_with_the_way_on(page: Page, uid: str) -> None:
    page.goto(f"{API}/portfolio/?uid={uid}")

    expect(page.get_by_role("alert")).to_contain_text("Portfolio not found")
    expect(page.get_by_role("alert").get_by_role("link", name="Go to the start page")).to_be_visible()


def test_a_guest_without_an_address_is_led_to_sign_in(page: Page) -> None:
    page.goto(f"{API}/portfolio/")

    expect(page.get_by_role("alert")).to_contain_text("Sign in to continue")


def test_an_empty_portfolio_invites_its_owner(
    server: Homeroom, page: Page, sign_in: Callable[..., None]
) -> None:
    sign_in(page, server.add_member("empty", "Empty So Far"))
    page.goto(f"{API}/portfolio/")

    expect(page.get_by_role("heading", name="No projects yet")).to_be_visible()
    page.locator("#empty").get_by_role("link", name="New project").click()
    expect(page).to_have_url(f"{API}/project/edit/")


def test_a_server_that_fails_can_be_asked_again(page: Page) -> None:
    def fail(route: Route) -> None:
        route.fulfill(status=503, body="<h1>", headers={"X-Request-ID": "r-43"})

    page.route("**/api/projects/?*", fail)
    page.goto(API)
    expect(page.get_by_role("alert")).to_contain_text("r-43")

    page.unroute("**/api/projects/?*")
    page.get_by_role("button", name="Try again").click()

    expect(page.locator("#failure")).to_be_empty()


def test_offline_is_told_and_mended(page: Page) -> None:
    page.goto(f"{API}/portfolio/?uid=nobody")
    page.route("**/api/portfolio/**", lambda route: route.abort("internetdisconnected"))
    page.context.add_init_script("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    page.reload()

    expect(page.get_by_role("alert")).to_contain_text("You seem to be offline")


def test_signing_out_in_another_tab_takes_the_class_only_projects_off(
    page: Page, ada: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, ada)
    project = make_project(page, title="Between us", visibility="class", pictures=[])
    page.goto(f"{API}/project/?id={project['id']}")
    expect(page.get_by_role("heading", name="Between us")).to_be_visible()
    other = page.context.new_page()
    other.goto(f"{API}/users/")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url(f"{API}/login/")

    expect(page.get_by_role("alert")).to_contain_text("Project not found")
    expect(page.get_by_role("heading", name="Between us")).to_be_hidden()


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(
    grace: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context(viewport={"width": 390, "height": 844}).new_page()
    sign_in(page, grace)
    menu = page.get_by_role("button", name="Menu")
    menu.press("Enter")
    expect(page.get_by_role("link", name="Portfolio")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_role("link", name="Portfolio")).to_be_hidden()
    expect(menu).to_be_focused()


def test_portfolio_project_and_editor_are_worth_a_picture(
    server: Homeroom,
    screenshots: Path,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    page = new_context(device_scale_factor=1.5, viewport={"width": 1200, "height": 900}).new_page()
    sign_in(page, server.add_member("mina", "Mina Okafor"))
    page.request.put(f"{API}/api/id/picture", data={"picture_id": send_picture(page, landscape(8))})
    about = "I like machines that weave patterns, and long walks."
    site = [{"label": "My site", "url": "https://example.org/mina"}]
    page.request.put(f"{API}/api/portfolio", data={"about": about, "links": site})
    for number, title in enumerate(("Pixel fonts", "The river beside our school", "A weather station")):
        pictures = [{"id": send_picture(page, landscape(number + 3 * i)), "alt": title} for i in range(3)]
        project = make_project(page, title=title, pictures=pictures)
    addresses = {
        "portfolio.png": "/portfolio/",
        "project.png": f"/project/?id={project['id']}",
        "project-edit.png": f"/project/edit/?id={project['id']}",
    }
    for file, address in addresses.items():
        page.goto(API + address)
        page.wait_for_load_state("networkidle")
        if address.startswith("/project/edit"):
            page.get_by_role("heading", name="Pictures").scroll_into_view_if_needed()
        page.screenshot(path=screenshots / file)

        assert (screenshots / file).stat().st_size > 20_000
