"""Every page once more in Spanish, and the choice between the languages."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from homeroom.web.site_templates import SitePages
from tests.browser.classroom import API, Homeroom, Member
from tests.browser.opening import settled
from tests.browser.projects import AWKWARD, make_project
from tests.browser.test_every_page import (
    GUEST_PAGES,
    MEMBER_PAGES,
    WIDTHS,
    assert_no_barriers,
    complaints,
    widths_that_scroll,
    words_that_break,
)
from tests.browser.wording import left_in_english

pytestmark = pytest.mark.browser


@pytest.fixture
def spanish(new_context: Callable[..., BrowserContext]) -> Page:
    """A tab of somebody whose browser asks for Mexican Spanish first."""
    return new_context(locale="es-MX").new_page()


@pytest.fixture
def look(spanish: Page) -> Callable[..., None]:
    """Opens a page in Spanish, and holds it to what holds for every page."""

    def at(path: str) -> None:
        settled(spanish, path)
        check(spanish)

    return at


def check(page: Page) -> None:
    assert page.locator("html").get_attribute("lang") == "es"
    assert left_in_english(page, "es") == [], page.url
    assert widths_that_scroll(page) == [], page.url
    assert words_that_break(page) == [], page.url
    page.set_viewport_size({"width": WIDTHS[-1], "height": 800})
    assert_no_barriers(page)


def sign_in(page: Page, member: Member) -> None:
    """Signs in without the form: its labels are another test's."""
    signed_in = page.request.post(
        f"{API}/api/authenticate", data={"uid": member.uid, "password": member.password}
    )
    assert signed_in.ok, signed_in.text()


SPANISH_GUEST_PAGES = (*GUEST_PAGES, "/users/", "/account/", "/project/?id=999999")
SPANISH_MEMBER_PAGES = (
    *(*MEMBER_PAGES, "/users/?q=nobody", "/portfolio/?uid=nobody-at-all", "/project/?id=999999"),
)


def test_every_page_of_the_site_has_a_run_in_spanish() -> None:
    opened = {urlsplit(path).path.strip("/") for path in (*SPANISH_GUEST_PAGES, *SPANISH_MEMBER_PAGES)}

    assert set(SitePages().names()) - opened == set()


# Modules of tests that run in English alone, and why. Their pages are opened in Spanish here.
ONCE = {
    "test_directions_and_print.py": "looks at the other direction of writing, and at paper",
    "test_engines.py": "other engines show the same pages",
    "test_every_page.py": "opens the pages that are opened here",
    "test_exported_site.py": "an exported site has one language",
    "test_hostile_content.py": "looks at what people write",
    "test_languages.py": "is about languages",
    "test_large_photos.py": "looks at pictures",
    "test_lesson_page.py": "the lesson's page is English",
}


def test_every_journey_runs_in_each_language_or_says_why_not() -> None:
    modules = {path.name: path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*")}
    in_each = {
        name for name, source in modules.items() if re.search(r"^pytestmark.*IN_EACH", source, re.MULTILINE)
    }

    assert modules.keys() - in_each == ONCE.keys()


@pytest.mark.parametrize("path", SPANISH_GUEST_PAGES)
def test_a_guests_page_is_spanish(spanish: Page, look: Callable[..., None], path: str) -> None:
    heard = complaints(spanish)
    look(path)

    # What isn't there, or isn't a guest's, is answered with 401 or 404, and the browser says so.
    assert [line for line in heard if not re.search("40[14]", line)] == []


@pytest.mark.parametrize("path", SPANISH_MEMBER_PAGES)
def test_a_members_page_is_spanish(spanish: Page, look: Callable[..., None], ada: Member, path: str) -> None:
    sign_in(spanish, ada)
    heard = complaints(spanish)
    look(path)

    assert [line for line in heard if "404" not in line] == []


def test_a_guests_bar_is_one_line_on_the_narrowest_phone(spanish: Page) -> None:
    spanish.set_viewport_size({"width": 320, "height": 640})
    settled(spanish, "/")
    links = spanish.get_by_role("navigation").get_by_role("link").filter(visible=True)

    expect(links).to_have_text(["Iniciar sesión", "Unirse"])
    assert len(set(links.evaluate_all("all => all.map((link) => link.offsetTop)"))) == 1


def test_english_texts_would_be_found(page: Page) -> None:
    settled(page, "/users/")
    expect(page.locator("#failure h2")).to_have_text("Sign in to continue")

    left = left_in_english(page, "es")

    # A text of the page, of an attribute, of a script, and one with a value in it.
    assert {"Sign in", "Search by name or ID", "Sign in to continue"} <= set(left)
    assert "You aren’t signed in, or your session has ended." in left


def test_what_opens_on_a_page_is_spanish(spanish: Page, look: Callable[..., None], ada: Member) -> None:
    sign_in(spanish, ada)
    heard = complaints(spanish)
    project = make_project(spanish, title="Cometa", visibility="class", body=AWKWARD, tags=["viento"])
    look(f"/project/?id={project['id']}")
    spanish.get_by_role("button", name="Eliminar").click()
    expect(spanish.get_by_role("dialog")).to_be_visible()
    check(spanish)

    look(f"/project/edit/?id={project['id']}")
    spanish.get_by_role("button", name="Añadir un enlace").click()
    spanish.get_by_role("tab", name="Vista previa").click()
    expect(spanish.get_by_role("tabpanel", name="Vista previa").locator("pre").first).to_be_visible()
    check(spanish)

    settled(spanish, "/staff/")
    spanish.get_by_role("button", name="Ver los códigos").click()
    expect(spanish.locator(".codes li").first).to_be_visible()
    spanish.get_by_placeholder("Buscar por nombre o ID").fill("a")
    expect(spanish.locator("#people li").first).to_be_visible()
    check(spanish)

    settled(spanish, "/portfolio/")
    spanish.get_by_role("button", name="Editar perfil").click()
    check(spanish)
    assert heard == []


def test_a_failure_is_told_in_spanish(spanish: Page) -> None:
    settled(spanish, "/login/")
    spanish.get_by_role("button", name="Iniciar sesión").click()
    expect(spanish.locator("#uid-error")).to_have_text("Escribe tu ID.")
    spanish.route("**/api/authenticate", lambda route: route.abort())
    spanish.get_by_label("ID", exact=True).fill("ada")
    spanish.get_by_label("Contraseña", exact=True).fill("wrong")
    spanish.get_by_role("button", name="Iniciar sesión").click()

    expect(spanish.get_by_role("alert")).to_contain_text("No hemos podido conectar con el servidor.")
    check(spanish)


def test_a_reader_chooses_a_language_by_keyboard_and_keeps_it(page: Page) -> None:
    settled(page, "/join/")
    switch = page.get_by_role("group", name="Language")
    expect(switch.get_by_role("button", name="English")).to_have_attribute("aria-current", "true")
    switch.get_by_role("button", name="Español").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Únete a tu clase")).to_be_visible()
    (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "lang"]
    assert (cookie["value"], cookie["path"], cookie["sameSite"]) == ("es", "/", "Lax")
    settled(page, "/login/")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.get_by_role("group", name="Idioma").get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_code_of_a_join_link_outlives_a_change_of_the_language(server: Homeroom, page: Page) -> None:
    page.goto(server.invite("linked", "Lina Linked"))
    expect(page.get_by_role("heading", name="Hello Lina Linked")).to_be_visible()

    page.get_by_role("button", name="Español").click()

    expect(page.get_by_role("heading", name="Hola, Lina Linked")).to_be_visible()
    assert page.url == f"{API}/join/"


def test_an_address_is_kept_whole_when_the_language_changes(page: Page) -> None:
    settled(page, "/users/?q=emma#main")
    page.get_by_role("button", name="Español").click()

    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert page.url == f"{API}/users/?q=emma#main"


def change_the_language_of_unsaved_text(page: Page, member: Member, answer: Callable[[Dialog], None]) -> None:
    """Write a project, choose Spanish, and answer the browser's question whether to leave."""
    sign_in(page, member)
    settled(page, "/project/edit/")
    page.get_by_label("Title").press_sequentially("Not saved")
    page.once("dialog", answer)
    page.get_by_role("button", name="Español").click()


def test_staying_with_unsaved_text_keeps_the_language(page: Page, ada: Member) -> None:
    change_the_language_of_unsaved_text(page, ada, lambda dialog: dialog.dismiss())

    expect(page.get_by_label("Title")).to_have_value("Not saved")
    page.wait_for_function("() => !document.cookie.includes('lang=')")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"{API}/portfolio/")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_leaving_unsaved_text_changes_the_language(page: Page, ada: Member) -> None:
    change_the_language_of_unsaved_text(page, ada, lambda dialog: dialog.accept())

    expect(page.get_by_role("heading", name="Nuevo proyecto")).to_be_visible()


def test_dates_are_those_of_the_pages_language(
    new_context: Callable[..., BrowserContext], ada: Member
) -> None:
    for locale, written in (("es-ES", r"desde el \d+ \w+ \d{4}"), ("de-DE", r"since \w+ \d+, \d{4}")):
        page = new_context(locale=locale).new_page()
        sign_in(page, ada)
        settled(page, "/account/")

        expect(page.locator("#session-list li").filter(has_text=re.compile(written)).first).to_be_visible()


def test_the_users_page_in_spanish_is_worth_a_picture(
    screenshots: Path,
    new_context: Callable[..., BrowserContext],
    ada: Member,
) -> None:
    page = new_context(locale="es-ES", viewport={"width": 1280, "height": 800}).new_page()
    sign_in(page, ada)
    settled(page, "/users/")
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=screenshots / "users-es.png")

    assert 20_000 < (screenshots / "users-es.png").stat().st_size < 120_000
