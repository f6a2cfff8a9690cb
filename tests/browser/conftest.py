"""What the browser tests stand on: the running programs, the class, and Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.classroom import (
    API,
    API_PORT,
    FAR_PORT,
    HOSTILE_NAME,
    LESSON_ORIGIN,
    LESSON_PORT,
    MAPPED_PORTS,
    SILENT_PORT,
    SITE_PORT,
    Homeroom,
    Member,
    Running,
    wait_until_ready,
    write_roster,
)
from tests.browser.github_pages import published
from tests.browser.wording import ENGLISH, LOCALES, left_in_english, look_up

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

HOST_RULES = ",".join(
    f"MAP {host}:{named} 127.0.0.1:{here}"
    for host in ("localhost", "127.0.0.1")
    for named, here in MAPPED_PORTS.items()
)

# Two cores may be shared with other work: wait for what must come, never for a fixed time.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Homeroom]:
    """The API with its pages, and a class of 120 students in it."""
    read_path = pytestconfig.getoption("--read-path")
    homeroom = Homeroom(tmp_path_factory.mktemp("homeroom"), read_path=read_path)
    homeroom.command("db", "upgrade")
    roster = homeroom.folder / "class.csv"
    write_roster(roster)
    homeroom.command("roster", "import", str(roster))
    homeroom.invite("zzz", HOSTILE_NAME)
    with Running(homeroom, "serve", "--port", str(API_PORT), "--workers", "1") as alive:
        wait_until_ready(f"{API}/api/health/ready", alive)
        yield homeroom


@pytest.fixture(scope="session")
def second_origin(server: Homeroom) -> Iterator[None]:
    """The same pages on what is port 4100 to the browser, as GitHub Pages would serve them."""
    with Running(server, "site", "serve", "--port", str(SITE_PORT)) as alive:
        wait_until_ready(f"http://localhost:{SITE_PORT}/", alive)
        yield


@pytest.fixture(scope="session")
def ada(server: Homeroom) -> Member:
    """The admin. Tests that change an account make one of their own."""
    return server.add_member("ada", "Ada Lovelace", "Admin")


@pytest.fixture(scope="session")
def lesson_origin(server: Homeroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The exported site below `/teacher_portfolio/`, as the lesson has it, and the lesson's page."""
    folder = tmp_path_factory.mktemp("lesson")
    site = folder / "teacher_portfolio"
    server.command("site", "export", str(site), "--api", server.url, "--base", "/teacher_portfolio")
    shutil.copy(Path(__file__).parent / "lesson_page.html", folder / "lesson.html")
    with published(site, LESSON_PORT):
        yield LESSON_ORIGIN


@pytest.fixture(scope="session")
def unreachable_api_site(server: Homeroom) -> Iterator[str]:
    """The pages, pointed at a port where nobody listens."""
    api = f"http://localhost:{SILENT_PORT}"
    with Running(server, "site", "serve", "--port", str(FAR_PORT), "--api", api) as alive:
        wait_until_ready(f"http://localhost:{FAR_PORT}/", alive)
        yield f"http://localhost:{FAR_PORT}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright; its shell, where it is, draws no window that nobody sees."""
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is missing; install it: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=[*CHROMIUM_FLAGS, f"--host-resolver-rules={HOST_RULES}"]
        )
        yield started
        started.close()


@pytest.fixture
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The language of readers, and of what the test looks for: English, unless it runs in each language."""
    chosen = getattr(request, "param", ENGLISH)
    if chosen != ENGLISH:
        look_up(chosen, monkeypatch)
    return str(chosen)


@pytest.fixture
def new_context(server: Homeroom, browser: Browser, language: str) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browsers with cookies of their own: another person, or another device."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        made.append(browser.new_context(**{"base_url": server.url, "locale": LOCALES[language]} | options))
        return made[-1]

    yield make
    left = [text for context in made for page in context.pages for text in _left_in_english(page, language)]
    for context in made:
        # One by one: a tab that asks whether to leave its unsaved text can hold up a context's end for ever.
        for page in context.pages:
            page.close(run_before_unload=False)
        context.close()
    assert left == [], "these texts are English on a page in another language"


def _left_in_english(page: Page, language: str) -> list[str]:
    """What a page of ours says in English at the end of a test in another language."""
    if language == ENGLISH or page.locator(f"html[lang={language}]").count() == 0:
        return []
    return left_in_english(page, language)


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A tab of a browser in which nobody is signed in."""
    return new_context().new_page()


@pytest.fixture
def screenshots(tmp_path: Path, language: str) -> Path:
    """Where pictures go: English ones into HOMEROOM_SCREENSHOTS (for the docs), else nowhere lasting."""
    asked = os.environ.get("HOMEROOM_SCREENSHOTS") if language == ENGLISH else None
    folder = Path(asked or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def sign_in() -> Callable[..., None]:
    """Signs a member in by the page, and waits for the class."""

    def do(page: Page, member: Member, origin: str = API) -> None:
        page.goto(f"{origin}/login/")
        page.get_by_label("ID").fill(member.uid)
        page.get_by_label("Password", exact=True).fill(member.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{origin}/users/")
        expect(page.locator("#result .person").first).to_be_visible()

    return do
