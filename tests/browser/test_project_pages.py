"""A project from its first word to its last: written, shown, looked at, hidden, changed, deleted."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, Route, expect

from tests.browser.classroom import API, Homeroom, Member
from tests.browser.projects import make_project, picture, picture_file
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]

UPLOADS = f"{API}/api/uploads/"
# Drops or pastes the named file, as the operating system would hand it to the page.
HAND_OVER = """([event, name, bytes]) => {
  const file = new File([new Uint8Array(bytes)], name, { type: 'image/png' });
  const transfer = new DataTransfer();
  transfer.items.add(file);
  const handed = event === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(handed);
}"""


@pytest.fixture(scope="module")
def student(server: Homeroom) -> Member:
    return server.add_member("student", "Stella Student")


@pytest.fixture(scope="module")
def teacher(server: Homeroom) -> Member:
    return server.add_member("teacher", "Tess Teacher", "Teacher")


@pytest.fixture
def editor(page: Page, student: Member, sign_in: Callable[..., None]) -> Page:
    """The page of a new project."""
    sign_in(page, student)
    page.goto(f"{API}/project/edit/")
    expect(page.get_by_label("Title")).to_be_focused()
    return page


def shots(page: Page, state: str = "done") -> object:
    return page.locator(f".shot[data-state={state}]")


def choose(page: Page, *names: str) -> None:
    page.locator("picture-list input[type=file]").set_input_files([picture_file(name) for name in names])


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_a_student_shows_a_project_and_a_visitor_sees_it(
    editor: Page, new_context: Callable[..., BrowserContext]
) -> None:
    editor.get_by_label("Title").fill("Paper cups in the wind")
    editor.get_by_label("Summary").fill("An anemometer for nothing.")
    editor.get_by_label("Text").fill("## How\n\nIt **turns**.")
    editor.get_by_label("Tags").fill("wind, paper")
    editor.get_by_role("button", name="Add a link").click()
    editor.get_by_role("textbox", name="Name").fill("Source")
    editor.get_by_label("Address").fill("example.org/source")
    choose(editor, "one.png")
    editor.evaluate(HAND_OVER, ["drop", "two.png", list(picture("navy", (60, 40)))])
    editor.evaluate(HAND_OVER, ["paste", "three.png", list(picture("maroon", (60, 40)))])
    expect(shots(editor)).to_have_count(3)
    for number, shows in enumerate(("A cup", "A blue square", "A red square")):
        editor.get_by_label("Description").nth(number).fill(shows)
    editor.get_by_role("button", name="Move up (picture 3)").press("Enter")
    expect(editor.get_by_role("button", name="Move up (picture 2)")).to_be_focused()
    editor.get_by_role("radio", name="Public").check()
    save(editor)

    editor.wait_for_url(re.compile(r"/project/\?id=\d+"))
    expect(editor.get_by_role("heading", name="Paper cups in the wind")).to_be_visible()

    visitor = new_context().new_page()
    visitor.goto(API)
    visitor.get_by_role("link", name="Paper cups in the wind").first.click()
    expect(visitor.locator("#content strong")).to_have_text("turns")
    expect(visitor.locator("#cover img, #shots img")).to_have_count(3)
    described = [image.get_attribute("alt") for image in visitor.locator("#cover img, #shots img").all()]
    assert described == ["A cup", "A red square", "A blue square"]
    visitor.locator("#shots img").last.scroll_into_view_if_needed()
    expect(visitor.locator("#shots img").last).to_have_js_property("naturalWidth", 60)
    expect(visitor.get_by_role("link", name="Source")).to_have_attribute("href", "https://example.org/source")
    expect(visitor.locator("#tags li")).to_have_text(["wind", "paper"], use_inner_text=True)
    expect(visitor.get_by_role("button", name="Hide")).to_be_hidden()


@pytest.mark.parametrize(
    ("dragged", "onto", "order"), [(2, 0, ["three", "one", "two"]), (0, 2, ["two", "three", "one"])]
)
def test_pictures_are_put_in_order_by_dragging(
    editor: Page, dragged: int, onto: int, order: list[str]
) -> None:
    editor.get_by_label("Title").fill("Dragged")
    choose(editor, "one.png", "two.png", "three.png")
    expect(shots(editor)).to_have_count(3)
    for number, shows in enumerate(("one", "two", "three")):
        editor.get_by_label("Description").nth(number).fill(shows)
    thumbs = editor.locator(".thumb")
    thumbs.nth(2).scroll_into_view_if_needed()
    box = editor.locator(".shot").nth(onto).bounding_box()
    assert box is not None
    # Its upper edge for a place before it, its lower one for a place behind it.
    height = 4 if onto < dragged else box["height"] - 4
    thumbs.nth(dragged).hover()
    editor.mouse.down()
    editor.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2, steps=5)
    editor.mouse.move(box["x"] + 60, box["y"] + height, steps=5)
    editor.mouse.up()

    def words() -> list[str]:
        return [field.input_value() for field in editor.get_by_label("Description").all()]

    assert words() == order
    expect(editor.locator(".shot.dragged")).to_have_count(0)
    expect(editor.get_by_role("button", name="Move up (picture 1)")).to_be_disabled()
    expect(editor.locator("#state")).to_have_text("Not saved yet")
    save(editor)
    editor.wait_for_url(re.compile(r"/project/\?id="))
    expect(editor.get_by_role("heading", name="Dragged")).to_be_visible()
    shown = editor.locator("#cover img, #shots img")
    assert [image.get_attribute("alt") for image in shown.all()] == order


def test_enter_ends_a_tag_and_stays(editor: Page) -> None:
    tags = editor.get_by_label("Tags")
    tags.press_sequentially("wind")
    tags.press("Enter")
    tags.press("Enter")
    tags.press_sequentially("paper")
    tags.press("Enter")

    expect(tags).to_have_value("wind, paper, ")
    expect(tags).to_be_focused()
    expect(editor.locator("#title-error")).to_be_hidden()
    assert editor.url == f"{API}/project/edit/"


def test_a_teacher_hides_a_project_and_its_owner_reads_why(
    student: Member, teacher: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> None:
    owner, staff, visitor = (new_context().new_page() for _ in range(3))
    sign_in(owner, student)
    address = f"{API}/project/?id={make_project(owner, title='A friend in the picture')['id']}"
    sign_in(staff, teacher)
    staff.goto(address)
    staff.get_by_role("button", name="Hide").click()
    dialog = staff.get_by_role("dialog", name="Hide “A friend in the picture”?")
    dialog.get_by_role("button", name="Hide project").click()
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").fill("Ask your friend first.")
    dialog.get_by_role("button", name="Hide project").click()
    expect(staff.get_by_role("button", name="Show again")).to_be_visible()

    owner.goto(address)
    expect(owner.locator("#hidden")).to_contain_text("Ask your friend first.")
    expect(owner.locator("#visibility")).to_be_hidden()
    visitor.goto(address)
    expect(visitor.get_by_role("alert")).to_contain_text("Project not found")

    staff.get_by_role("button", name="Show again").click()
    expect(staff.locator("#hidden")).to_be_hidden()
    visitor.reload()
    expect(visitor.get_by_role("heading", name="A friend in the picture")).to_be_visible()


def test_a_dialog_closes_by_escape_and_gives_the_focus_back(
    page: Page, student: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, student)
    page.goto(f"{API}/project/?id={make_project(page, pictures=[])['id']}")
    button = page.get_by_role("button", name="Delete")
    button.click()
    expect(page.get_by_role("dialog")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_a_project_is_deleted_after_a_question(
    page: Page, student: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, student)
    project = make_project(page, title="To be forgotten")
    page.goto(f"{API}/project/?id={project['id']}")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog", name="Delete “To be forgotten”?")).to_be_visible()
    page.get_by_role("button", name="Delete project").click()

    page.wait_for_url(f"{API}/portfolio/")
    expect(page.get_by_role("heading", name="Stella Student")).to_be_visible()
    expect(page.get_by_role("link", name="To be forgotten")).to_have_count(0)


def test_a_text_that_looks_like_html_stays_text(
    page: Page, student: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, student)
    hostile = "<img src=x onerror=alert(1)>\n\n[click](javascript:alert(1)) ![x](https://example.org/x.png)"
    project = make_project(page, title="<b>Title</b>", body=hostile, pictures=[])
    page.goto(f"{API}/project/?id={project['id']}")

    expect(page.get_by_role("heading", name="<b>Title</b>")).to_be_visible()
    expect(page.locator("#content")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#content img")).to_have_count(0)
    expect(page.locator("#content a[href^=javascript]")).to_have_count(0)


def test_a_picture_shows_its_progress_and_can_be_called_off(editor: Page) -> None:
    held: list[Route] = []
    editor.route(UPLOADS, lambda route: held.append(route))
    choose(editor, "slow.png")

    expect(shots(editor, "sending").get_by_role("progressbar", name="Uploading slow.png")).to_be_visible()
    save(editor)
    expect(editor.get_by_label("Title")).to_have_attribute("aria-invalid", "true")
    editor.get_by_label("Title").fill("Slow")
    save(editor)
    expect(editor.get_by_role("alert").last).to_contain_text("Pictures are still uploading")
    editor.get_by_role("button", name="Cancel (picture 1)").click()

    expect(editor.locator(".shot")).to_have_count(0)
    expect(editor.get_by_role("button", name="Choose pictures")).to_be_focused()


def test_a_picture_that_did_not_arrive_can_be_sent_again(editor: Page) -> None:
    editor.route(UPLOADS, lambda route: route.abort("connectionreset"))
    choose(editor, "lost.png")
    expect(shots(editor, "failed")).to_contain_text("We couldn’t reach the server")

    editor.unroute(UPLOADS)
    editor.get_by_role("button", name="Try again (picture 1)").click()

    expect(shots(editor)).to_have_count(1)


def test_a_picture_waits_for_a_busy_server_by_itself(editor: Page) -> None:
    busy = {"status": 503, "headers": {"Retry-After": "1"}, "body": '{"detail": "Too many pictures."}'}
    asked: list[Route] = []

    def answer(route: Route) -> None:
        asked.append(route)
        route.fulfill(**busy) if len(asked) < 3 else route.continue_()

    editor.route(UPLOADS, answer)
    choose(editor, "patient.png")
    expect(shots(editor)).to_have_count(1)
    assert len(asked) == 3


def test_a_file_that_is_no_picture_is_refused_with_the_reason(editor: Page) -> None:
    editor.locator("picture-list input[type=file]").set_input_files(
        [picture_file("page.png", b"<html>not a picture</html>"), picture_file("good.png")]
    )

    expect(shots(editor)).to_have_count(1)
    expect(shots(editor, "failed")).to_contain_text("page.png: ")
    expect(shots(editor, "failed")).not_to_contain_text("couldn’t reach the server")
    # It is not dropped without a word, and goes on saying why.
    editor.get_by_label("Title").fill("With a picture that failed")
    editor.get_by_role("button", name="Save").click()
    expect(editor.locator(".form-message")).to_contain_text("We couldn’t upload a picture")
    expect(shots(editor, "failed")).to_contain_text("page.png: ")
    editor.get_by_role("button", name="Remove (picture 1)").click()
    expect(editor.locator(".shot")).to_have_count(1)


def test_what_somebody_else_saved_meanwhile_is_not_overwritten_unseen(
    page: Page, student: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, student)
    project = make_project(page, title="Two tabs", pictures=[])
    page.goto(f"{API}/project/edit/?id={project['id']}")
    expect(page.get_by_label("Title")).to_have_value("Two tabs")
    changed = page.request.patch(
        f"{API}/api/projects/{project['id']}", data={"summary": "From the other tab"}
    )
    assert changed.status == 200
    page.get_by_label("Title").fill("Mine")
    save(page)
    expect(page.locator(".save-bar")).to_contain_text("saved this project while you were editing")
    expect(page.get_by_label("Title")).to_have_value("Mine")

    page.get_by_role("button", name="use the saved version").click()
    expect(page.get_by_label("Summary")).to_have_value("From the other tab")
    page.get_by_label("Title").fill("Both")
    save(page)

    page.wait_for_url(re.compile(r"/project/\?id="))
    expect(page.get_by_role("heading", name="Both")).to_be_visible()


def test_ones_own_version_may_win_a_conflict(
    page: Page, student: Member, sign_in: Callable[..., None]
) -> None:
    sign_in(page, student)
    project = make_project(page, title="Two tabs again", pictures=[])
    page.goto(f"{API}/project/edit/?id={project['id']}")
    expect(page.get_by_label("Title")).to_have_value("Two tabs again")
    page.request.patch(f"{API}/api/projects/{project['id']}", data={"title": "Theirs"})
    page.get_by_label("Title").fill("Mine wins")
    save(page)
    page.get_by_role("button", name="save your version").click()

    page.wait_for_url(re.compile(r"/project/\?id="))
    expect(page.get_by_role("heading", name="Mine wins")).to_be_visible()


def test_leaving_with_unsaved_words_is_asked_about(editor: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    editor.on("dialog", stay)
    editor.get_by_label("Title").press_sequentially("Half a title")
    editor.get_by_role("link", name="Users").click()

    expect(editor.locator("#state")).to_have_text("Not saved yet")
    assert asked == ["beforeunload"]


PREVIEW = f"{API}/api/projects/preview"


def test_a_text_is_previewed_as_its_readers_will_see_it(editor: Page) -> None:
    write, preview = editor.get_by_role("tab", name="Write"), editor.get_by_role("tab", name="Preview")
    panel = editor.get_by_role("tabpanel", name="Preview")
    expect(write).to_have_attribute("aria-selected", "true")
    preview.click()
    expect(panel).to_have_text("You haven’t written anything yet.")
    write.click()
    editor.get_by_label("Title").fill("Seen before")
    editor.get_by_label("Text").fill("### How\n\nIt **turns** <b>fast</b>.\n\n- one\n- two")
    write.press("ArrowRight")

    expect(preview).to_be_focused()
    expect(preview).to_have_attribute("aria-selected", "true")
    expect(editor.get_by_label("Text")).to_be_hidden()
    expect(panel.get_by_role("heading", name="How", level=2)).to_be_visible()
    expect(panel.locator("strong")).to_have_text("turns")
    expect(panel).to_contain_text("<b>fast</b>")
    seen = panel.locator(".content").inner_text()
    preview.press("Tab")
    expect(panel).to_be_focused()
    save(editor)
    editor.wait_for_url(re.compile(r"/project/\?id="))
    expect(editor.locator("#content h2")).to_have_text("How")
    assert editor.locator("#content").inner_text() == seen


def test_a_preview_that_cannot_be_had_says_why_and_can_be_asked_for_again(editor: Page) -> None:
    editor.get_by_label("Text").fill("It **turns**.")
    editor.context.set_offline(True)
    editor.get_by_role("tab", name="Preview").click()
    panel = editor.get_by_role("tabpanel", name="Preview")
    expect(panel.get_by_role("alert")).to_contain_text("You seem to be offline.")
    expect(panel.get_by_role("alert")).to_contain_text("Your text stays here.")

    editor.context.set_offline(False)
    panel.get_by_role("button", name="Try again").click()

    expect(panel.locator("strong")).to_have_text("turns")
    expect(panel).to_be_focused()
    editor.get_by_role("tab", name="Write").click()
    expect(editor.get_by_label("Text")).to_have_value("It **turns**.")


def test_a_preview_after_the_session_ended_offers_to_sign_in_beside_the_text(editor: Page) -> None:
    editor.get_by_label("Text").fill("It **turns**.")
    editor.context.clear_cookies()
    editor.get_by_role("tab", name="Preview").click()

    panel = editor.get_by_role("tabpanel", name="Preview")
    expect(panel.get_by_role("alert")).to_contain_text("your session has ended")
    expect(panel.get_by_role("link", name="Sign in in a new tab")).to_have_attribute("target", "_blank")


def test_a_text_that_is_too_long_is_told_at_the_text_from_either_tab(editor: Page) -> None:
    editor.get_by_label("Title").fill("Too long")
    editor.get_by_label("Text").fill("a" * 20_001)
    editor.get_by_role("tab", name="Preview").click()
    expect(editor.get_by_role("tabpanel", name="Preview").get_by_role("alert")).to_contain_text(
        "Use at most 20,000 characters; you sent 20,001."
    )
    save(editor)

    expect(editor.get_by_label("Text")).to_be_focused()
    expect(editor.locator("#body-error")).to_contain_text("Use at most 20,000 characters; you sent 20,001.")


def test_the_preview_shows_the_last_text_however_late_an_older_one_comes(editor: Page) -> None:
    held: list[Route] = []
    editor.route(PREVIEW, lambda route: held.append(route))
    write, preview = editor.get_by_role("tab", name="Write"), editor.get_by_role("tab", name="Preview")
    editor.get_by_label("Text").fill("older")
    preview.click()
    panel = editor.get_by_role("tabpanel", name="Preview")
    expect(panel).to_have_attribute("aria-busy", "true")
    write.click()
    editor.unroute(PREVIEW)
    editor.get_by_label("Text").fill("newer")
    preview.click()

    expect(panel).to_have_text("newer")
    expect(panel).not_to_have_attribute("aria-busy", "true")
    assert len(held) == 1


def test_a_session_that_ended_keeps_what_was_written(editor: Page, student: Member) -> None:
    editor.get_by_label("Title").fill("Written for an hour")
    editor.context.clear_cookies()
    save(editor)
    expect(editor.locator(".save-bar")).to_contain_text("Your text stays here")

    with editor.expect_popup() as opened:
        editor.get_by_role("link", name="Sign in in a new tab").click()
    tab = opened.value
    tab.get_by_label("ID").fill(student.uid)
    tab.get_by_label("Password", exact=True).fill(student.password)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.wait_for_url(f"{API}/project/edit/")
    save(editor)

    editor.wait_for_url(re.compile(r"/project/\?id="))
    expect(editor.get_by_role("heading", name="Written for an hour")).to_be_visible()


def test_what_the_api_refuses_is_told_beside_its_field(editor: Page) -> None:
    editor.get_by_label("Title").fill("Links")
    editor.get_by_role("button", name="Add a link").click()
    editor.get_by_role("textbox", name="Name").fill("Bad")
    editor.get_by_label("Address").fill("javascript:alert(1)")
    save(editor)

    expect(editor.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    expect(editor.get_by_label("Address")).to_be_focused()


def test_somebody_elses_project_cannot_be_edited(
    page: Page,
    student: Member,
    ada: Member,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    sign_in(page, ada)
    project = make_project(page, title="Of Ada", pictures=[])
    other = new_context().new_page()
    sign_in(other, student)

    other.goto(f"{API}/project/?id={project['id']}")
    expect(other.get_by_role("heading", name="Of Ada")).to_be_visible()
    expect(other.get_by_role("link", name="Edit")).to_be_hidden()
    other.goto(f"{API}/project/edit/?id={project['id']}")

    expect(other.get_by_role("alert").first).to_contain_text("Project not found")
