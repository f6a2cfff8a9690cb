"""What a class does most, in three engines: sign in from three origins, read, write, be signed out."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.browser.classroom import API, API_PORT, PAGES_ORIGIN, PAGES_PORT, Homeroom, Member
from tests.browser.engines import ENGINES, PROGRAMS, Tab
from tests.browser.github_pages import published
from tests.browser.projects import picture

pytestmark = [
    pytest.mark.browser,
    # Selenium's own way to WebKit.
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),
]
# To a browser the two names of this machine are two sites.
ASKED_TO_SIGN_IN = "[role=alert] a[href*='login/']"
OTHER_SITE_API = f"http://127.0.0.1:{API_PORT}"


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """An engine's name. A developer may lack one, and is told; in CI a missing one fails."""
    missing = [program for program in PROGRAMS[request.param] if shutil.which(program) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{', '.join(missing)} is missing")
    return request.param


@pytest.fixture
def tab(engine: str, server: Homeroom) -> Iterator[Tab]:
    """A tab of a browser in which nobody is signed in."""
    with ENGINES[engine]() as driver:
        yield Tab(driver)


@pytest.fixture(scope="module")
def student(server: Homeroom, engine: str) -> Member:
    return server.add_member(f"student-{engine}", "Stella Student")


def sign_in(tab: Tab, member: Member, site: str = API) -> None:
    tab.open(f"{site}/login/")
    tab.fill("#uid", member.uid)
    tab.fill("#password", member.password)
    tab.click("#sign-in button[type=submit]")
    tab.wait_for_address("/users/")


def test_a_student_signs_in_reads_the_class_and_signs_out(tab: Tab, student: Member) -> None:
    sign_in(tab, student)
    tab.wait_for_count("#result tr", 50)
    tab.fill("#q", "stella")
    tab.wait_for_text("#result", "Stella Student")
    tab.click("#sign-out")
    tab.wait_for_address("/login/")
    tab.open(f"{API}/users/")
    tab.find(ASKED_TO_SIGN_IN)


def test_a_page_of_another_origin_signs_in_and_reads_the_class(
    tab: Tab, student: Member, lesson_origin: str
) -> None:
    sign_in(tab, student, f"{lesson_origin}/teacher_portfolio")
    tab.find("#result tr")
    tab.open(f"{lesson_origin}/lesson.html")
    tab.find("#result tr:nth-child(100)")


def test_a_student_writes_a_project_with_a_picture(tab: Tab, student: Member, tmp_path: Path) -> None:
    file = tmp_path / "cup.png"
    file.write_bytes(picture("tomato", (60, 40)))
    sign_in(tab, student)
    tab.open(f"{API}/project/edit/")
    tab.fill("#title", "Paper cups")
    tab.fill("#body", "It **turns**.")
    tab.choose_file("picture-list input[type=file]", str(file))
    tab.find(".shot[data-state=done]")
    tab.fill(".shot .field input", "A cup")
    tab.click("#project button[type=submit]")
    tab.wait_for_address("/project/?id=")
    tab.wait_for_text("h1", "Paper cups")
    tab.find("img[alt='A cup']")


def test_a_session_that_ends_elsewhere_ends_here(tab: Tab, student: Member) -> None:
    sign_in(tab, student)
    tab.find("#result tr")
    _end_all_sessions(student)
    tab.open(f"{API}/account/")
    tab.find(ASKED_TO_SIGN_IN)


@pytest.fixture(scope="module")
def page_of_another_site(server: Homeroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The exported site whose API is, to a browser, on another site, as it is for GitHub Pages."""
    folder = tmp_path_factory.mktemp("pages") / "repo"
    server.command("site", "export", str(folder), "--api", OTHER_SITE_API, "--base", "/repo")
    with published(folder, PAGES_PORT):
        yield f"{PAGES_ORIGIN}/repo"


def test_a_page_of_another_site_signs_in_where_the_engine_keeps_its_cookie(
    tab: Tab, engine: str, student: Member, page_of_another_site: str
) -> None:
    """WebKit keeps no cookie for another site, whatever its attributes: the docs and the doctor say so."""
    sign_in(tab, student, page_of_another_site)
    tab.find(ASKED_TO_SIGN_IN if engine == "webkit" else "#result tr")


def _end_all_sessions(member: Member) -> None:
    """As the member would on another device."""
    with requests.Session() as elsewhere:
        who = {"uid": member.uid, "password": member.password}
        assert elsewhere.post(f"{API}/api/authenticate", json=who, timeout=30).ok
        assert elsewhere.delete(f"{API}/api/sessions", timeout=30).ok
