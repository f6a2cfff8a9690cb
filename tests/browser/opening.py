"""Opening a page of the site, and waiting until it shows what it was asked for."""

from playwright.sync_api import Page, expect

from tests.browser.classroom import API


def settled(page: Page, path: str) -> None:
    """Opens a page and waits until nothing on it is still to come."""
    page.goto(API + path)
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true], #loading:visible")).to_have_count(0)
