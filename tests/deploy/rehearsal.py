"""The whole deployment on one machine: from a checkout to a class that signs in, and back from ruins.

A local authority, real certbot, real Nginx, the application as bare processes, and Chromium over HTTPS.
"""

import json
import re
import shutil
import sqlite3
import tarfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.classroom import PASSWORD
from tests.browser.projects import picture
from tests.browser.test_first_sign_in import join_by_link
from tests.deploy import supervisor
from tests.deploy.asking import Asker
from tests.deploy.authority import Authority, Certbot, issuing, serial
from tests.deploy.bare_machine import BareMachine, running
from tests.deploy.containers import ROOT
from tests.deploy.load import Load, under_load
from tests.deploy.other_sites import FOREIGN_HOST, PAGE_HOST, SIGN_IN, chromium, published
from tests.deploy.outside import doctor
from tests.deploy.proxy import DOMAIN, wait_for
from tests.deploy.steps import Step, expect_that
from tests.deploy.writing import being_written
from tests.servers import free_port
from tests.uploads.files import files_below

REQUESTS = 10_000
LOAD_TIMEOUT_S = 240
RELOADS = 10
ROSTER = """Student ID,First Name,Last Name,Birthdate
grace,Grace,Hopper,2011-12-09
alan,Alan,Turing,2011-06-23
katherine,Katherine,Johnson,2012-08-26
linus,Linus,Ångström,
"""
STUDENTS = ROSTER.count("\n") - 1
TITLE = "A weather station"
# What people need not find again: they sign in anew, and guesses are counted anew.
NOT_RESTORED = ("sessions", "attempt_counts", "directory", "draft_versions", "heartbeat")
MAKE_PROJECT = """async ([api, bytes, title]) => {
  const options = {method: 'POST', mode: 'cors', credentials: 'include', headers: {'X-Origin': 'client'}};
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)], {type: 'image/png'}), 'cover.png');
  const sent = await fetch(`${api}/api/uploads/`, {...options, body: form});
  const pictures = [{id: (await sent.json()).id, alt: 'A green roof'}];
  const made = await fetch(`${api}/api/projects/`, {...options,
    headers: {'Content-Type': 'application/json', 'X-Origin': 'client'},
    body: JSON.stringify({title, body: 'Wind and **temperature**.', visibility: 'class', pictures})});
  return [sent.status, made.status, (await made.json()).id];
}"""


class Rehearsal:
    """The machine, what is around it, and what has been shown so far."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.page_port = free_port()
        self.site = f"https://{PAGE_HOST}:{self.page_port}"
        self.foreign = f"https://{FOREIGN_HOST}:{self.page_port}"
        self.machine = BareMachine(
            folder,
            origins=(self.site,),
            neighbours=(PAGE_HOST, FOREIGN_HOST),
            certificate_dir=folder / "letsencrypt/live" / DOMAIN,
            http_only=True,
        )
        self.machine.configure(FRONTEND_ORIGINS=self.site)
        self.nginx = self.machine.nginx
        self.authority = Authority(folder / "authority", self.nginx.http_port)
        self.certbot = Certbot(self.nginx, self.authority, folder / "letsencrypt")
        self.requests = self.failures = 0
        self.project = 0
        self.acknowledged: list[str] = []

    def steps(self) -> tuple[Step, ...]:
        return (
            Step("authority", "a local ACME authority and Nginx, over plain http for it alone", self.begin),
            Step("install", "the checkout as a release, by homeroom deploy update", self.install),
            Step("certificate", "issued by deploy/certbot/issue.sh", self.issue),
            Step("https", "the site by its name, trusted by the authority's root alone", self.serve_https),
            Step("join", "the first admin by the one-time link, in a browser", self.join),
            Step("roster", "students of a school's file", self.import_roster),
            Step(
                "other site", "a page of another domain signs in and reads the users", self.visit_other_site
            ),
            Step("foreign site", "a page that is not admitted is refused, and doctor says why", self.refuse),
            Step("doctor", "homeroom doctor finds no fault", self.examine),
            Step("project", "a project with a picture, made and seen on the other domain", self.make_project),
            Step("renewal", "the certificate is renewed under load", self.renew),
            Step("reload", "Nginx is reloaded under load", self.reload),
            Step("update", "a new version takes over under load", self.update),
            Step("no failure", "of all requests meanwhile", self.count),
            Step("backup", "made while people write, and drilled", self.back_up),
            Step(
                "power failure", "kill -9 of everything while people write, and a new start", self.cut_power
            ),
            Step("restore", "instance/ is deleted, and everything is there again", self.restore),
            Step("sign in again", "the same page of the other domain, after the restore", self.visit_again),
        )

    def begin(self) -> str:
        self.nginx.render()
        self.machine.start_nginx()
        self.stack.enter_context(issuing(self.authority))
        self.nginx.trusted = self.authority.root()
        return f"ports {self.nginx.http_port} and {self.nginx.https_port}"

    def install(self) -> str:
        self._update(ROOT)
        return f"port {self.machine.live_port()}"

    def issue(self) -> str:
        self.certbot.issue()
        certificate = self.folder / "letsencrypt/live" / DOMAIN / "fullchain.pem"
        expect_that(certificate.exists(), f"certbot left no {certificate}")
        return f"for {DOMAIN}"

    def serve_https(self) -> str:
        self.nginx.render(http_only=False)
        self.nginx.reload()
        self.machine.wait_until_ready()
        number = self._serial()
        expect_that(number is not None, "what is served does not lead to the authority")
        return f"certificate {number}"

    def join(self) -> str:
        self.browser: Browser = self.stack.enter_context(
            chromium(self.folder / "home", self.authority.root())
        )
        page = self.browser.new_page()
        link = self.machine.first_link()
        join_by_link(page, link, "Class Admin", "admin")
        page.wait_for_url(f"{self.nginx.address}/users/")
        page.context.close()
        return link.partition("#")[0]

    def import_roster(self) -> str:
        roster = self.folder / "class.csv"
        roster.write_text(ROSTER, encoding="utf-8")
        self.machine.homeroom("roster", "import", str(roster))
        return f"{STUDENTS} students"

    def visit_other_site(self) -> str:
        pages = self.folder / "pages"
        self.machine.homeroom("site", "export", str(pages), "--api", self.nginx.address)
        certificate = self.certbot.issue_for(PAGE_HOST, FOREIGN_HOST)
        self.stack.enter_context(published(pages, certificate, self.page_port))
        self.visitor, shown = self._visit()
        expect_that(shown == STUDENTS + 1, f"the page shows {shown} users")
        return f"{shown} users on {self.site}"

    def refuse(self) -> str:
        with self._tab() as page:
            page.goto(f"{self.foreign}/")
            told = page.evaluate(SIGN_IN, [self.nginx.address, PASSWORD])
        expect_that(told == ["TypeError"], f"the browser let it pass: {told}")
        examined = doctor(self.nginx, self.authority, "--origin", self.foreign)
        reason = re.findall(r"✗ .*(the origin isn't allowed)", examined.stdout)
        expect_that(examined.returncode == 1 and len(reason) == 1, f"doctor says:\n{examined.stdout}")
        return f"status 1: {reason[0]}"

    def examine(self) -> str:
        examined = doctor(self.nginx, self.authority, "--origin", self.site)
        expect_that(examined.returncode == 0, examined.stdout + examined.stderr)
        return f"{examined.stdout.count('✓')} checks, {examined.stdout.count('✗')} faults"

    def make_project(self) -> str:
        page = self.visitor.pages[0]
        content = picture()
        made = page.evaluate(MAKE_PROJECT, [self.nginx.address, list(content), TITLE])
        expect_that(made[:2] == [201, 201], f"it is answered {made}")
        self.project = made[2]
        self._see_project(page)
        return f"{len(content)} bytes"

    def renew(self) -> str:
        before = self._serial()
        with self._load(2000) as load:
            self.certbot.renew()
            wait_for(
                lambda: self._serial() not in (before, None),
                "the old certificate is still served",
                self.nginx.error_log,
            )
        return f"certificate {self._serial()}; {self._told(load)}"

    def reload(self) -> str:
        with self._load(2000) as load:
            for _ in range(RELOADS):
                done = self.nginx.error_log().count("reconfiguring")
                self.nginx.reload()
                wait_for(
                    lambda done=done: self.nginx.error_log().count("reconfiguring") > done,
                    "Nginx was not reloaded",
                    self.nginx.error_log,
                )
        return f"{RELOADS} times; {self._told(load)}"

    def update(self) -> str:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] + ".post1"
        checkout = self.machine.checkout(version)
        with self._load(REQUESTS - self.requests) as load:
            self._update(checkout)
        served = self.machine.version()
        expect_that(served == version, f"version {served} serves, not {version}")
        return f"{version} on port {self.machine.live_port()}; {self._told(load)}"

    def count(self) -> str:
        expect_that(self.requests >= REQUESTS, f"only {self.requests} requests were made")
        expect_that(self.failures == 0, f"{self.failures} of {self.requests} failed")
        return f"{self.requests} requests, {self.failures} failed"

    def back_up(self) -> str:
        with being_written(self.asker, self._admin(), "backed-up-") as writing:
            writing.wait_for_more(20)
            before = set(writing.acknowledged)
            self.machine.homeroom("backup")
            writing.wait_for_more(1)
        archive = max((self.folder / "backups").glob("homeroom-*.tar"))
        missing = before - _users_of(archive)
        expect_that(not missing, f"acknowledged before the backup and not in it: {sorted(missing)[:5]}")
        self.machine.homeroom("drill")
        return f"{archive.stat().st_size} bytes, {len(before)} acknowledged writes before it, 0 missing"

    def cut_power(self) -> str:
        signed_in = self._admin()
        with being_written(self.asker, signed_in, "in-the-dark-") as writing:
            writing.wait_for_more(50)
            self.machine.cut_power()
            self.machine.boot()
            self.machine.wait_until_ready()
            writing.wait_for_more(20)
        lost, damage = writing.lost(), self.machine.damage()
        expect_that(not lost, f"acknowledged and lost: {sorted(lost)[:5]}")
        expect_that(damage == "ok", f"the database is damaged: {damage}")
        return f"{len(writing.acknowledged)} acknowledged writes, 0 lost; integrity ok"

    def restore(self) -> str:
        instance = self.folder / "instance"
        supervisor.stop(self.machine.installed, self.machine.live_port())
        before = _rows(instance), files_below(instance / "uploads")
        self.machine.homeroom("backup")
        shutil.rmtree(instance)
        self.machine.homeroom("restore", "latest", "--yes")
        after = _rows(instance), files_below(instance / "uploads")
        for name, rows in before[0].items():
            expect_that(rows == after[0].get(name), f"the rows of {name} differ")
        expect_that(len(before[1]) > 0 and before[1] == after[1], "the files differ")
        self.machine.boot()
        self.machine.wait_until_ready()
        return f"{sum(map(len, before[0].values()))} rows and {len(before[1])} files, all equal"

    def visit_again(self) -> str:
        context, shown = self._visit()
        self._see_project(context.pages[0])
        return f"{shown} users on the first page, and the project with its picture"

    @property
    def asker(self) -> Asker:
        return Asker(self.nginx.https_port, self.nginx.trusted)

    def _admin(self) -> dict[str, str]:
        return self.asker.sign_in("admin", PASSWORD)

    def _serial(self) -> str | None:
        return serial(self.nginx.https_port, self.nginx.trusted)

    def _update(self, checkout: Path) -> None:
        done = self.machine.update(checkout)
        expect_that(done.returncode == 0, done.stdout + done.stderr)

    def _visit(self) -> tuple[BrowserContext, int]:
        """Sign in on the other domain's page as a person does; how many users it shows then."""
        context = self.browser.new_context(locale="en-GB")
        page = context.new_page()
        page.goto(f"{self.site}/login/")
        page.get_by_label("ID").fill("admin")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.site}/users/")
        expect(page.locator("#result .person").first).to_be_visible()
        return context, page.locator("#result .person").count()

    @contextmanager
    def _tab(self) -> Iterator[Page]:
        context = self.browser.new_context()
        try:
            yield context.new_page()
        finally:
            context.close()

    def _see_project(self, page: Page) -> None:
        page.goto(f"{self.site}/project/?id={self.project}")
        expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
        shown = page.get_by_role("img", name="A green roof")
        expect(shown).to_be_visible()
        expect(shown).to_have_js_property("complete", True)
        expect_that(shown.evaluate("image => image.naturalWidth") > 0, "the picture is not shown")

    @contextmanager
    def _load(self, at_least: int) -> Iterator[Load]:
        with under_load(
            self.nginx.https_port, self.nginx.trusted, at_least=at_least, seconds=LOAD_TIMEOUT_S
        ) as load:
            yield load
        self.requests += load.done
        self.failures += load.failures.total()

    def _told(self, load: Load) -> str:
        expect_that(not load.failures, f"of {load.done} requests failed: {dict(load.failures)}")
        return f"{load.done} requests, 0 failed"


@contextmanager
def rehearsing(folder: Path) -> Iterator[Rehearsal]:
    """A rehearsal in a folder; whatever it started is stopped at the end."""
    folder.chmod(0o755)
    with ExitStack() as stack:
        rehearsal = Rehearsal(folder, stack)
        stack.enter_context(running(rehearsal.machine))
        yield rehearsal


def _rows(instance: Path) -> dict[str, list[str]]:
    """All rows of the database that a class would miss."""
    with closing(sqlite3.connect(instance / "homeroom.db")) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))
            for name in names
            if name not in NOT_RESTORED
        }


def _users_of(archive: Path) -> set[str]:
    """The IDs that an archive holds, read by common tools."""
    with tarfile.open(archive) as opened:
        member = opened.extractfile("tables/users.jsonl")
        expect_that(member is not None, f"{archive.name} holds no users")
        return {json.loads(line)["uid"] for line in member} if member else set()
