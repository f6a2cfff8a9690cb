"""The staff's page: overview, activity, roster with its dry run, roles, codes on paper, hidden projects."""

import csv
import io
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from tests.browser.classroom import API, Homeroom, Member
from tests.browser.projects import landscape, make_project, send_picture
from tests.browser.wording import IN_EACH_LANGUAGE

pytestmark = [pytest.mark.browser, IN_EACH_LANGUAGE]


@pytest.fixture
def staff(page: Page, ada: Member, sign_in: Callable[..., None]) -> Page:
    """The page as an admin sees it."""
    sign_in(page, ada)
    page.get_by_role("link", name="Staff").click()
    expect(page.get_by_role("heading", name="Joined")).to_be_visible()
    return page


def roster(*rows: tuple[str, str, str]) -> FilePayload:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("Student ID", "Name", "Birthdate"), *rows])
    return {"name": "class.csv", "mimeType": "text/csv", "buffer": file.getvalue().encode()}


OVERVIEW, ACTIVITY = f"{API}/api/overview", f"{API}/api/activity"
# Of each drawing, whether anything but air is on its canvas.
DRAWN = """() => [...document.querySelectorAll('day-chart canvas')].map((canvas) => (
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value)
))"""
# The colours that the storage chart is drawn in.
COLOURS = """() => {
  const canvas = document.querySelector('#storage canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) seen.add(`rgb(${data[at]}, ${data[at + 1]}, ${data[at + 2]})`);
  }
  return [...seen];
}"""
VIOLATIONS = """
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
  });
"""


def test_the_overview_counts_and_draws(staff: Page) -> None:
    make_project(staff, title="Something to draw")
    staff.reload()
    expect(staff.locator(".stat .figure").first).to_have_text(re.compile(r"^\d+$"))
    expect(staff.locator("day-chart canvas")).to_have_count(3)
    assert staff.evaluate(DRAWN) == [True, True, True]
    overview = staff.request.get(OVERVIEW).json()
    projects = [day["count"] for day in overview["projects_by_day"]]
    said = f"New projects: {sum(projects)} in 60 days, at most {max(projects)} in a day."
    expect(staff.get_by_role("img", name=said)).to_be_visible()
    storage = staff.get_by_role("img", name="Storage used by pictures: ")
    expect(storage).to_have_accessible_name(re.compile(r": \d\S* [KM]?B .*\b60 \w+.*, \d\S* [KM]?B\b"))

    staff.locator("#new-accounts summary").click()
    table = staff.get_by_role("table").filter(has_text="New accounts")
    accounts = overview["users_by_day"]
    expect(table.locator("tbody tr")).to_have_count(sum(day["count"] > 0 for day in accounts))
    expect(table.locator("tbody td").first).to_have_text(str(accounts[-1]["count"]))


def test_the_charts_need_nothing_that_the_policy_forbids(
    ada: Member, sign_in: Callable[..., None], new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    page.add_init_script(VIOLATIONS)
    sign_in(page, ada)
    answer = page.goto(f"{API}/staff/")

    expect(page.locator("day-chart canvas").first).to_be_visible()
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "trusted-types 'none'" in policy
    assert page.evaluate("window.violations") == []


def test_a_chart_follows_the_window_and_the_colour_scheme(staff: Page) -> None:
    make_project(staff, title="A picture to be counted")
    staff.reload()
    accent = "getComputedStyle(document.querySelector('#roster [type=submit]')).backgroundColor"
    expect(staff.locator("#storage canvas")).to_be_visible()
    for scheme in ("light", "dark"):
        staff.emulate_media(color_scheme=scheme)
        staff.wait_for_function(f"() => ({COLOURS})().includes({accent})")

    drawings = []
    for width in (1440, 390, 1440):
        staff.set_viewport_size({"width": width, "height": 800})
        staff.wait_for_function(
            "() => [...document.querySelectorAll('day-chart')].every((chart) => {"
            " const place = chart.querySelector('.chart-place');"
            " return chart.querySelector('canvas').clientWidth === place.clientWidth; })"
        )
        # What has changed is drawn before the next frame but one.
        staff.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        drawings.append(staff.locator("#storage canvas").evaluate("canvas => canvas.toDataURL()"))
    assert drawings[0] == drawings[2], "the days are the same"


def test_a_class_without_anything_yet_is_told_so_in_place_of_a_chart(staff: Page) -> None:
    empty = staff.request.get(OVERVIEW).json() | {"storage_bytes": 0}
    empty["users"] = {"active": 1, "invited": 0, "pending": 0}
    empty["projects"] = dict.fromkeys(("draft", "class", "public", "hidden"), 0)
    for name in ("projects_by_day", "users_by_day", "storage_by_day"):
        empty[name] = [day | {"count": 0} for day in empty[name]]
    staff.route(OVERVIEW, lambda route: route.fulfill(json=empty))
    staff.reload()

    expect(staff.locator(".chart-empty")).to_have_count(3)
    expect(staff.locator(".stat .hint")).to_have_text(
        ["Everyone has joined", "None yet", "of 10 GB on the server’s disk"]
    )
    expect(staff.locator("#new-projects")).to_contain_text("No new projects in the last 60 days.")
    expect(staff.locator("day-chart canvas")).to_have_count(0)


def test_the_figures_of_projects_add_up_when_one_is_hidden(staff: Page) -> None:
    overview = staff.request.get(OVERVIEW).json()
    overview["projects"] = {"draft": 0, "class": 1, "public": 1, "hidden": 1}
    staff.route(OVERVIEW, lambda route: route.fulfill(json=overview))
    staff.reload()

    projects = staff.locator(".stat", has_text="Projects")
    expect(projects.locator(".figure")).to_have_text("2")
    expect(projects).to_contain_text("1 of them hidden")


def test_what_happened_lately_leads_to_who_and_what_it_is_about(
    server: Homeroom,
    staff: Page,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    student = new_context().new_page()
    sign_in(student, server.add_member("active", "Alma Active"))
    pictures = [{"id": send_picture(student), "alt": "A kite"} for _ in range(3)]
    kite = make_project(student, title="A kite", pictures=pictures)
    make_project(student, title="Nobody's business", visibility="draft")
    staff.request.put(f"{API}/api/projects/{kite['id']}/hidden", data={"reason": "A name plate."})
    staff.reload()

    events = staff.get_by_role("region", name="Activity").get_by_role("listitem")
    expect(events.nth(0)).to_contain_text("A kite by Alma Active was hidden: A name plate.")
    expect(events.nth(1)).to_contain_text("Alma Active shared A kite.")
    expect(events.nth(2)).to_contain_text("Alma Active added 3 pictures to A kite.")
    expect(events.filter(has_text="Nobody's business")).to_have_count(0)
    expect(events.nth(0).locator("time")).to_have_attribute("datetime", re.compile(r"^\d{4}-.*\+00:00$"))
    events.nth(1).get_by_role("link", name="Alma Active").click()
    expect(staff.get_by_role("heading", name="Alma Active")).to_be_visible()


def test_older_activity_comes_page_by_page_and_the_reader_goes_on_there(staff: Page) -> None:
    for number in range(12):
        make_project(staff, title=f"Kite {number}", pictures=[])
    asked: list[str] = []
    staff.on("request", lambda request: asked.append(request.url) if ACTIVITY in request.url else None)
    staff.reload()
    events = staff.locator("#activity li")
    expect(events).to_have_count(10)

    staff.get_by_role("button", name="Show older").click()

    expect(events.nth(11)).to_contain_text("Ada Lovelace shared Kite 0.")
    expect(events.nth(10).get_by_role("link").first).to_be_focused()
    assert all("limit=100" in url for url in asked)


def test_activity_that_cannot_be_loaded_says_so_and_leaves_the_rest(staff: Page) -> None:
    staff.route(f"{ACTIVITY}*", lambda route: route.abort("connectionreset"))
    staff.reload()
    failure = staff.locator("#activity-failure")
    expect(failure).to_contain_text("The server isn’t responding")
    expect(staff.locator("day-chart canvas").first).to_be_visible()

    staff.unroute(f"{ACTIVITY}*")
    failure.get_by_role("button", name="Try again").click()

    expect(staff.locator("#activity li").first).to_be_visible()
    expect(failure).to_be_empty()


def test_a_class_in_which_nothing_happened_is_told_what_comes_next(staff: Page) -> None:
    staff.route(f"{ACTIVITY}*", lambda route: route.fulfill(json=[], headers={"X-Total-Count": "0"}))
    staff.reload()

    expect(staff.locator("#activity-empty")).to_contain_text("Nothing has happened yet")
    expect(staff.get_by_role("button", name="Show older")).to_be_hidden()


def test_a_roster_is_looked_at_row_by_row_before_it_is_written(staff: Page, language: str) -> None:
    uid = f"imported-{language}"
    file = roster((uid, "Ines Imported", "2012-05-31"), ("broken", "Bo Broken", "no date"))
    staff.get_by_label("Class list (CSV)").set_input_files([file])
    staff.get_by_role("button", name="Preview").click()

    expect(staff.locator("#file-name")).to_have_text("class.csv")
    expect(staff.get_by_role("heading", name="Preview, nothing saved yet: 1 new")).to_be_focused()
    rows = staff.locator("#report-rows tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("new")
    expect(rows.last).to_contain_text("rejected")
    expect(rows.last).to_contain_text("We couldn't read “no date” as a date")
    assert "format" not in staff.locator("#report").inner_text(), "no option of the command line"
    expect(staff.locator("#report-advice")).to_be_visible()
    expect(staff.get_by_role("button", name="Import 1 person", exact=True)).to_be_hidden()

    staff.get_by_label("Class list (CSV)").set_input_files([roster((uid, "Ines Imported", "2012-05-31"))])
    expect(staff.locator("#report")).to_be_hidden()
    staff.get_by_role("button", name="Preview").click()
    expect(staff.locator("#report-rows tr")).to_have_count(1)
    assert staff.request.get(f"{API}/api/users/?q={uid}").json() == []
    staff.get_by_label("Class list (CSV)").set_input_files([roster((uid, "Ines Imported", "31.5.2012"))])
    dates = staff.get_by_label("Dates in the file")
    expect(dates.locator("[value=day-first]")).to_have_text("Day first: 31/05/2012")
    dates.select_option("day-first")
    staff.get_by_role("button", name="Preview").click()
    expect(staff.get_by_role("heading", name="Preview, nothing saved yet: 1 new")).to_be_focused()
    staff.get_by_role("button", name="Import 1 person", exact=True).click()

    expect(staff.get_by_role("heading", name="Imported: 1 new")).to_be_visible()
    expect(staff.locator("#file-name")).to_have_text("No file chosen")
    assert [user["name"] for user in staff.request.get(f"{API}/api/users/?q={uid}").json()] == [
        "Ines Imported"
    ]


def test_on_a_phone_what_happens_to_a_person_is_read_without_scrolling(staff: Page) -> None:
    staff.set_viewport_size({"width": 320, "height": 640})
    file = roster(("a" * 60, "Ines Imported", "3/14/2010"), ("ben", "Siobhán O’Connor-Featherstonehaugh", ""))
    staff.get_by_label("Class list (CSV)").set_input_files([file])
    staff.get_by_role("button", name="Preview").click()

    reason = staff.get_by_text("Choose whether the day or the month comes first.")
    expect(reason).to_be_visible()
    assert staff.locator("#report .scroller").evaluate("box => box.scrollWidth <= box.clientWidth")


def test_a_file_that_cannot_be_read_is_told(staff: Page) -> None:
    staff.get_by_role("button", name="Preview").click()
    expect(staff.locator("#file-error")).to_have_text("Choose a file.")

    nonsense: FilePayload = {"name": "x.csv", "mimeType": "text/csv", "buffer": b"\x00\x01\x02"}
    staff.get_by_label("Class list (CSV)").set_input_files([nonsense])
    staff.get_by_role("button", name="Preview").click()

    expect(
        staff.locator("#roster .form-message, #file-error").filter(has_text=re.compile("."))
    ).to_be_visible()
    expect(staff.locator("#report")).to_be_hidden()


def test_a_role_is_given_after_a_question_and_a_code_is_made(
    server: Homeroom, staff: Page, language: str
) -> None:
    server.invite(f"promoted-{language}", "Pia Promoted")
    staff.get_by_placeholder("Search by name or ID").fill(f"promoted-{language}")
    role = staff.get_by_label("Role of Pia Promoted")
    role.select_option("Teacher")
    staff.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(role).to_have_value("User")
    role.select_option("Teacher")
    staff.get_by_role("button", name="Change role").click()
    named = f"Pia Promoted (promoted-{language})"
    expect(staff.locator("#people-told")).to_have_text(f"{named} is now a teacher.")

    staff.get_by_role("button", name="New code: Pia Promoted").click()
    staff.get_by_role("button", name="Create code").click()

    code = staff.get_by_label("Code", exact=True)
    expect(code).to_have_value(re.compile(r"^[0-9A-Z]{4}(-[0-9A-Z]{4})+$"))


def test_two_people_of_one_name_are_told_apart(server: Homeroom, staff: Page, language: str) -> None:
    for number in (1, 2):
        server.invite(f"sam-{language}-{number}", "Sam Same")
    staff.get_by_placeholder("Search by name or ID").fill(f"sam-{language}")
    expect(staff.locator("#people li")).to_have_count(2)
    for number in (1, 2):
        uid = f"sam-{language}-{number}"
        row = staff.locator("#people li", has_text=uid)
        expect(row).to_have_count(1)
        row.get_by_role("combobox").select_option("Teacher")
        expect(staff.get_by_role("dialog")).to_contain_text(f"Sam Same ({uid})")
        staff.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        row.get_by_role("button").click()
        expect(staff.get_by_role("dialog")).to_contain_text(f"Sam Same ({uid})")
        staff.get_by_role("dialog").get_by_role("button", name="Cancel").click()


def test_the_codes_alone_come_out_of_the_printer(staff: Page) -> None:
    staff.get_by_role("button", name="Show the codes").click()
    expect(staff.locator(".codes li .code").first).to_have_text(re.compile(r"[0-9A-Z]{4}-"))

    staff.emulate_media(media="print")

    expect(staff.locator(".codes li").first).to_be_visible()
    expect(staff.get_by_role("heading", name="Staff")).to_be_hidden()
    expect(staff.locator("#stats")).to_be_hidden()
    expect(staff.locator("#print")).to_be_hidden()


def test_a_hidden_project_waits_here_with_its_reason(staff: Page) -> None:
    project = make_project(staff, title="Hidden for a while", pictures=[])
    staff.request.put(f"{API}/api/projects/{project['id']}/hidden", data={"reason": "A name is in it."})
    staff.reload()
    row = staff.locator("#hidden li", has_text="Hidden for a while")
    expect(row).to_contain_text("A name is in it.")

    row.get_by_role("button", name="Show again").click()

    expect(row).to_have_count(0)


def test_a_teacher_sees_what_is_theirs_and_a_student_is_refused(
    server: Homeroom,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    teacher, student = (new_context().new_page() for _ in range(2))
    sign_in(teacher, server.add_member("staff-teacher", "Timo Teacher", "Teacher"))
    teacher.get_by_role("link", name="Staff").click()
    expect(teacher.get_by_role("heading", name="Hidden projects")).to_be_visible()
    expect(teacher.get_by_role("heading", name="Import the roster")).to_be_hidden()

    sign_in(student, server.add_member("no-staff", "Nora Student"))
    expect(student.get_by_role("link", name="Staff")).to_have_count(0)
    student.goto(f"{API}/staff/")
    expect(student.get_by_role("alert").first).to_contain_text("You can’t open this page")


def spread_over_weeks(server: Homeroom) -> None:
    """Lets everything that tests made within a minute have come one after the other."""
    database = sqlite3.connect(server.folder / "instance" / "homeroom.db", timeout=30)
    days = {"projects": "id * 37 % 50", "pictures": "id * 37 % 50", "users": "52"}
    # The form in which SQLAlchemy keeps a moment: with microseconds.
    earlier = "strftime('%Y-%m-%d %H:%M:%f000', {}, '-' || ({}) || ' days')"
    with closing(database), database:
        moments = [
            *((name, "created_at") for name in days),
            ("projects", "updated_at"),
            ("projects", "shared_at"),
        ]
        for table, column in moments:
            who = "WHERE password_hash IS NULL" if table == "users" else ""
            database.execute(f"UPDATE {table} SET {column} = {earlier.format(column, days[table])} {who}")


def test_the_staffs_page_is_worth_a_picture(
    server: Homeroom,
    screenshots: Path,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    page = new_context().new_page()
    sign_in(page, server.add_member("mei", "Mei Raman"))
    for title in ("Tide clock", "A zine about bridges", "Map of our school garden", "Sound of the corridor"):
        pictures = [{"id": send_picture(page, landscape(number)), "alt": title} for number in range(3)]
        make_project(page, title=title, pictures=pictures)
    spread_over_weeks(server)
    staff = new_context(device_scale_factor=1.5, viewport={"width": 1200, "height": 900}).new_page()
    sign_in(staff, server.add_member("head", "Hanna Head", "Teacher"))
    staff.get_by_role("link", name="Staff").click()
    expect(staff.locator("day-chart canvas").last).to_be_visible()
    expect(staff.locator("#activity li").first).to_be_visible()
    staff.screenshot(path=screenshots / "staff.png")

    assert (screenshots / "staff.png").stat().st_size > 20_000
