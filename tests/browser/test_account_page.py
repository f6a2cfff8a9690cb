"""The account page: who one is, one's name, password and sessions."""

import re
import zipfile
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.classroom import API, PASSWORD, Homeroom, Member
from tests.browser.projects import make_project, picture_file
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]

NEW_PASSWORD = "a quite different phrase"


def open_account(page: Page) -> None:
    page.goto(f"{API}/account/")
    expect(page.get_by_role("heading", name="About you")).to_be_visible()


def change_password(page: Page, current: str, new: str, repeat: str) -> None:
    page.get_by_label("Current password", exact=True).fill(current)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("Confirm password", exact=True).fill(repeat)
    page.get_by_role("button", name="Change password").click()


def test_a_guest_is_led_to_sign_in_and_back(page: Page, ada: Member) -> None:
    page.goto(f"{API}/account/")
    expect(page.get_by_role("alert")).to_contain_text("Sign in to continue")

    page.get_by_role("alert").get_by_role("link", name="Sign in").click()
    page.get_by_label("ID").fill(ada.uid)
    page.get_by_label("Password", exact=True).fill(ada.password)
    page.get_by_role("button", name="Sign in", exact=True).click()

    page.wait_for_url(f"{API}/account/")
    facts = page.locator("dl.facts dd")
    expect(facts).to_have_text(["Ada Lovelace", "ada", "Admin", "Not given", "Not given"])


def test_name_and_email_can_be_changed_and_the_email_taken_back(
    server: Homeroom, page: Page, sign_in: Callable[..., None]
) -> None:
    sign_in(page, server.add_member("renamed", "Old Name"))
    open_account(page)

    page.get_by_role("textbox", name="Name").fill("New <b>Name</b>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A name can't contain < or >.")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill('  New &amp; "Name" ')
    page.get_by_role("textbox", name="Email").fill("new@example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    expect(page.locator("#fact-name")).to_have_text('New &amp; "Name"')
    expect(page.locator("#fact-email")).to_have_text("new@example.com")

    page.get_by_role("textbox", name="Email").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#fact-email")).to_have_text("Not given")


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [
        ("Name", "", "Enter your name."),
        ("Name", "x" * 101, "at most 100 characters"),
        ("Email", "no address", "Enter an email address like ada@example.org."),
        ("Email", "a@b", "isn't an email address"),
    ],
)
def test_what_cannot_be_saved_is_told_beside_its_field(
    page: Page, ada: Member, sign_in: Callable[..., None], label: str, value: str, message: str
) -> None:
    sign_in(page, ada)
    open_account(page)

    field = page.get_by_role("textbox", name=label)
    field.fill(value)
    page.get_by_role("button", name="Save").click()

    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile(message))
    expect(page.locator("#fact-name")).to_have_text("Ada Lovelace")


@pytest.mark.parametrize(
    ("current", "new", "repeat", "label", "message"),
    [
        ("not mine", NEW_PASSWORD, NEW_PASSWORD, "Current password", "isn’t your current password"),
        (PASSWORD, "short", "short", "New password", "at least 8 characters"),
        (PASSWORD, NEW_PASSWORD, "another one", "Confirm password", "passwords don’t match"),
    ],
)
def test_a_password_change_that_will_not_do_is_told_beside_its_field(
    page: Page,
    ada: Member,
    sign_in: Callable[..., None],
    current: str,
    new: str,
    repeat: str,
    label: str,
    message: str,
) -> None:
    sign_in(page, ada)
    open_account(page)

    change_password(page, current, new, repeat)

    field = page.get_by_label(label, exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile(message))


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(
    server: Homeroom,
    page: Page,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    member = server.add_member("changing", "Changing Password")
    sign_in(page, member)
    other = new_context().new_page()
    sign_in(other, member)
    open_account(page)

    change_password(page, member.password, NEW_PASSWORD, NEW_PASSWORD)

    expect(page.get_by_text("Password changed.")).to_be_visible()
    expect(page.get_by_label("New password", exact=True)).to_have_value("")
    page.reload()
    expect(page.locator("#fact-uid")).to_have_text(member.uid)
    other.reload()
    expect(other.get_by_role("alert")).to_contain_text("Sign in to continue")
    sign_in(other, Member(member.uid, member.name, NEW_PASSWORD))


def test_signing_out_here_leaves_the_other_device_signed_in(
    server: Homeroom,
    page: Page,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    member = server.add_member("here-only", "Here Only")
    sign_in(page, member)
    other = new_context().new_page()
    sign_in(other, member)

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{API}/login/")

    expect(page.get_by_label("ID")).to_be_visible()
    page.goto(f"{API}/account/")
    expect(page.get_by_role("alert")).to_contain_text("Sign in to continue")
    other.reload()
    expect(other.locator("#result tr")).to_have_count(50)


def test_signing_out_everywhere_ends_every_session(
    server: Homeroom,
    page: Page,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    member = server.add_member("everywhere", "Signed In Everywhere")
    other = new_context().new_page()
    for tab in (page, other):
        sign_in(tab, member)
    open_account(page)

    page.get_by_role("button", name="Sign out everywhere").click()

    # Joining opened a session as well.
    expect(page.get_by_text("Signed out everywhere: 3 sessions ended.")).to_be_focused()
    expect(page.get_by_role("navigation").get_by_role("link", name="Sign in")).to_be_visible()
    other.reload()
    expect(other.get_by_role("alert")).to_contain_text("Sign in to continue")


def test_a_session_that_ended_meanwhile_offers_to_sign_in_again(
    server: Homeroom, page: Page, sign_in: Callable[..., None]
) -> None:
    sign_in(page, server.add_member("ended-meanwhile", "Ended Meanwhile"))
    open_account(page)
    page.context.clear_cookies()

    page.get_by_role("button", name="Save").click()

    expect(page.locator("#profile").get_by_role("alert")).to_have_text(
        "Your session has ended. Sign in again"
    )
    expect(page.get_by_role("link", name="Sign in again")).to_have_attribute(
        "href", f"{API}/login/?next=%2Faccount%2F"
    )


def test_a_picture_is_chosen_seen_in_the_class_and_removed(
    server: Homeroom, page: Page, sign_in: Callable[..., None]
) -> None:
    member = server.add_member("pictured", "Petra Pictured")
    sign_in(page, member)
    open_account(page)
    expect(page.locator("#room")).to_be_visible()
    before = page.locator("#room").inner_text()
    page.locator("#picture-file").set_input_files([picture_file("me.png")])
    expect(page.get_by_text("Picture saved.")).to_be_visible()
    expect(page.locator("#room")).not_to_have_text(before)

    page.goto(f"{API}/users/?q=petra")
    expect(page.locator("#result img")).to_have_js_property("naturalWidth", 128)
    open_account(page)
    page.get_by_role("button", name="Remove picture").click()
    expect(page.get_by_text("Picture removed.")).to_be_visible()
    expect(page.get_by_role("button", name="Choose a picture")).to_be_focused()

    page.locator("#picture-file").set_input_files([picture_file("me.png", b"no picture")])
    expect(page.locator("#picture-error")).not_to_be_empty()


def test_one_session_can_be_ended_from_another_device(
    server: Homeroom,
    page: Page,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    member = server.add_member("school-computer", "School Computer")
    other = new_context(
        user_agent="Mozilla/5.0 (Windows NT 10.0; rv:150.0) Gecko/20100101 Firefox/150.0"
    ).new_page()
    sign_in(other, member)
    sign_in(page, member)
    open_account(page)
    sessions = page.get_by_role("list", name="Your sessions").get_by_role("listitem")
    expect(sessions.filter(has_text="This device")).to_have_count(1)

    page.get_by_role("button", name="End the session on Firefox on Windows").click()

    expect(page.get_by_role("button", name="End the session on Firefox on Windows")).to_have_count(0)
    other.reload()
    expect(other.get_by_role("alert")).to_contain_text("Sign in to continue")
    page.reload()
    expect(page.locator("#fact-uid")).to_have_text(member.uid)


def test_ones_data_comes_as_a_zip(server: Homeroom, page: Page, sign_in: Callable[..., None]) -> None:
    member = server.add_member("exporting", "Export Ing")
    sign_in(page, member)
    make_project(page, title="Taken along")
    open_account(page)
    expect(page.locator("#room")).to_contain_text(re.compile(r" [\d.,]+ KB \w+ 250 MB\. \w.* 1 \w+ 200 "))

    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()

    assert download.value.suggested_filename == f"homeroom-{member.uid}.zip"
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert any(name.endswith(".md") for name in names)
    assert any(name.startswith("pictures/") for name in names)


def test_an_account_is_deleted_with_its_password_only(
    server: Homeroom, page: Page, sign_in: Callable[..., None]
) -> None:
    member = server.add_member("leaving", "Leo Leaving")
    sign_in(page, member)
    project = make_project(page, title="Gone with me")
    open_account(page)
    page.get_by_role("button", name="Delete my account").click()
    dialog = page.get_by_role("dialog", name="Delete your account?")
    dialog.get_by_label("Your password", exact=True).fill("not my password")
    dialog.get_by_role("button", name="Delete my account").click()
    expect(dialog.locator(".form-message, .field-error").filter(has_text=re.compile("."))).to_be_visible()

    dialog.get_by_label("Your password", exact=True).fill(member.password)
    dialog.get_by_role("button", name="Delete my account").click()

    expect(page.get_by_text("Your account is deleted.")).to_be_focused()
    assert page.request.get(f"{API}/api/projects/{project['id']}").status == 404
    assert page.request.get(f"{API}/api/id").status == 401
