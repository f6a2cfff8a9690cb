"""The way of a class, walked once by everyone in it: from the same origin, and from a second one."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.classroom import API, PASSWORD, SECOND_ORIGINS, Member
from tests.browser.projects import picture, picture_file
from tests.browser.test_staff_page import roster
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]

REASON = "A friend is in the picture; ask first."


def import_class(staff: Page, origin: str, uid: str, name: str) -> str:
    """The teacher looks at the roster, imports it, and reads the student's code from the sheet."""
    staff.goto(f"{origin}/staff/")
    staff.get_by_label("Class list (CSV)").set_input_files([roster((uid, name, "2012-05-31"))])
    staff.get_by_role("button", name="Preview").click()
    if origin != API:
        confirm_password(staff)
    staff.get_by_role("button", name="Import 1 person", exact=True).click()
    expect(staff.get_by_role("heading", name="Imported: 1 new")).to_be_visible()
    staff.get_by_role("button", name="Show the codes").click()
    slip = staff.locator(".codes li").filter(has_text=name)
    return slip.locator(".code").inner_text()


def confirm_password(staff: Page) -> None:
    """On another origin than the API's the password is needed once more, for fifteen minutes."""
    dialog = staff.get_by_role("dialog", name="Confirm your password")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Confirm").click()


def join_with(student: Page, origin: str, code: str) -> None:
    """The student types the code from paper and chooses a password."""
    student.goto(f"{origin}/join/")
    student.get_by_label("Code").fill(code)
    student.get_by_role("button", name="Continue").click()
    student.get_by_label("Choose a password", exact=True).fill(PASSWORD)
    student.get_by_label("Confirm password", exact=True).fill(PASSWORD)
    student.get_by_role("button", name="Join", exact=True).click()
    student.wait_for_url(f"{origin}/users/")


def publish_project(student: Page, origin: str, title: str) -> str:
    """A project with three pictures for everyone to see; its address."""
    student.goto(f"{origin}/project/edit/")
    student.get_by_label("Title").fill(title)
    files = [picture_file(f"{color}.png", picture(color)) for color in ("teal", "navy", "maroon")]
    student.locator("picture-list input[type=file]").set_input_files(files)
    expect(student.locator(".shot[data-state=done]")).to_have_count(3)
    for number, color in enumerate(("Teal", "Navy", "Maroon")):
        student.get_by_label("Description").nth(number).fill(color)
    student.get_by_role("radio", name="Public").check()
    student.get_by_role("button", name="Save").click()
    student.wait_for_url(re.compile(r"/project/\?id=\d+"))
    return student.url


@pytest.mark.usefixtures("second_origin")
@pytest.mark.parametrize("origin", [API, SECOND_ORIGINS[0]], ids=["api", "beside"])
def test_a_class_is_set_up_shows_its_work_and_is_looked_after(
    ada: Member,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
    origin: str,
    language: str,
) -> None:
    # Each walks it in a class of its own people.
    walk = f"{language}-{origin.rpartition(':')[2]}"
    name, title = f"Joy {walk}", f"A bridge of paper {walk}"
    teacher, student, visitor = (new_context().new_page() for _ in range(3))

    sign_in(teacher, ada, origin)
    code = import_class(teacher, origin, f"journey-{walk}", name)
    join_with(student, origin, code)
    address = publish_project(student, origin, title)

    visitor.goto(f"{origin}/")
    visitor.get_by_role("link", name=title).click()
    expect(visitor.get_by_role("heading", name=title)).to_be_visible()
    pictures = visitor.locator("#cover img, #shots img")
    expect(pictures).to_have_count(3)
    for shown in pictures.all():
        shown.scroll_into_view_if_needed()
        expect(shown).not_to_have_js_property("naturalWidth", 0)

    teacher.goto(address)
    teacher.get_by_role("button", name="Hide").click()
    dialog = teacher.get_by_role("dialog", name=f"Hide “{title}”?")
    dialog.get_by_label("Reason").fill(REASON)
    dialog.get_by_role("button", name="Hide project").click()
    expect(teacher.get_by_role("button", name="Show again")).to_be_visible()

    visitor.reload()
    expect(visitor.get_by_role("alert")).to_contain_text("Project not found")
    student.reload()
    expect(student.locator("#hidden")).to_contain_text(REASON)
