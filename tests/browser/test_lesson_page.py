"""The lesson's own page, unchanged, below the base path that it was written for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.classroom import STUDENTS, Homeroom, Member

pytestmark = pytest.mark.browser


def test_the_fixture_is_the_lessons_page() -> None:
    page = (Path(__file__).parent / "lesson_page.html").read_text(encoding="utf-8")

    assert "import { uri, options } from '/teacher_portfolio/assets/js/api/config.js';" in page
    assert "const url = uri + '/api/users/';" in page


def test_the_lessons_page_tells_a_guest_the_status(page: Page, lesson_origin: str) -> None:
    page.goto(f"{lesson_origin}/lesson.html")

    expect(page.locator("#result td")).to_have_text("Database response error: 401")


def test_the_lessons_page_shows_the_class_after_signing_in(
    page: Page, ada: Member, lesson_origin: str, sign_in: Callable[..., None]
) -> None:
    sign_in(page, ada, f"{lesson_origin}/teacher_portfolio")

    page.goto(f"{lesson_origin}/lesson.html")

    rows = page.locator("#result tr")
    expect(rows.first).to_be_visible()
    assert rows.count() > STUDENTS
    row = rows.filter(has_text="Ada Lovelace")
    assert row.locator("td").all_text_contents() == ["Ada Lovelace", "ada", ""]


def test_the_site_works_below_a_base_path(
    page: Page, ada: Member, lesson_origin: str, sign_in: Callable[..., None]
) -> None:
    base = f"{lesson_origin}/teacher_portfolio"
    sign_in(page, ada, base)

    page.get_by_role("link", name="Account").click()
    expect(page.locator("#fact-uid")).to_have_text("ada")
    page.get_by_role("link", name="API for developers").click()
    expect(page.locator(".operation").first).to_be_visible()
    page.goto(f"{base}/no/such/page")
    page.get_by_role("link", name="Go to the start page").click()
    expect(page).to_have_url(f"{base}/")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{base}/login/")


def test_both_pairs_of_names_are_the_same_two_things(
    page: Page, server: Homeroom, lesson_origin: str
) -> None:
    page.goto(f"{lesson_origin}/lesson.html")

    exported = page.evaluate(
        """async () => {
          const config = await import('/teacher_portfolio/assets/js/api/config.js');
          return [config.uri === config.pythonURI, config.options === config.fetchOptions,
                  config.uri, config.options.method, config.options.credentials];
        }"""
    )

    assert exported == [True, True, server.url, "GET", "include"]
