"""A class that comes back from a break, all at once, while one person sends whatever costs most.

A hundred people, whose sessions were last used an hour ago, reload a page; forty sign in; ten upload a
photograph; a roster of two thousand is imported. Meanwhile one account sends every text, picture, query and
body that was made to cost, in a loop, as often as Nginx lets one address ask. Everybody else is to be
answered, within two seconds, by a service that stays below 768 MB. The clients run on the same machine.
"""

import base64
import http.client
import io
import json
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from sqlalchemy import update

from harness.claims import Claim, JudgedBy, Series
from harness.consumption import Peak, memory_mb, roots_of
from harness.homeroom import homeroom, prepare, sign_in
from harness.people import PASSWORD, make_class
from harness.photographs import MEGABYTE, make_photograph
from harness.postgresql import DATABASES, database
from harness.processes import Service
from harness.results import Result
from harness.script import Options, run, tell
from homeroom.app import create_app
from homeroom.auth.models import UserSession
from homeroom.config import load_config
from homeroom.data.database import db
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now

RELOADING, SIGNING_IN, UPLOADING, ROSTER = 100, 40, 10, 2000
PEOPLE = make_class(RELOADING + SIGNING_IN + UPLOADING + 2)
ADMIN, ATTACKER = PEOPLE[0], PEOPLE[-1]
MAX_MEMORY_MB, MAX_WAIT_S = 768, 2.0
# deploy/nginx: fifty requests a second from one address.
ATTACKING, ATTACKS_PER_S = 4, 50


@dataclass
class Seen:
    """How everybody else was answered, by what they did."""

    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, waited_s: float, status: int) -> None:
        """One answer; the status is 0 where none came."""
        with self.lock:
            self.waits[what].append(waited_s)
            if status == 0 or status >= 500:
                self.failures[f"{what}: {status}"] += 1


class Browser:
    """Somebody's connection, which is kept, and costs the machine little beside the service."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self.cookie = {} if token is None else {"Cookie": f"jwt={token}"}

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> int:
        """The status of the answer; 0 where none came."""
        try:
            self.connection.request(method, path, body, self.cookie | dict(headers or {}))
            answer = self.connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0
        return answer.status

    def post(self, path: str, body: bytes, content_type: str) -> int:
        return self.ask("POST", path, body, {"Content-Type": content_type})


def many_scans() -> bytes:
    """A progressive JPEG of about 400 kB whose last scan is there four thousand times."""
    buffer = io.BytesIO()
    Image.new("L", (6300, 6300), 128).save(buffer, "JPEG", progressive=True, quality=50)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 4000 + data[-2:]


def large_cmyk() -> bytes:
    """A progressive JPEG of forty megapixels in four colours."""
    buffer = io.BytesIO()
    Image.new("CMYK", (8000, 5000), (10, 200, 30, 40)).save(buffer, "JPEG", progressive=True, quality=50)
    return buffer.getvalue()


def thin_picture() -> bytes:
    """A PNG of 1 by 16,000,000 pixels."""
    buffer = io.BytesIO()
    Image.new("L", (1, 16_000_000)).save(buffer, "PNG")
    return buffer.getvalue()


def wide_table() -> str:
    """18 kB of Markdown that unfold to 600,000 cells."""
    return "|a" * 100 + "|\n" + "|-" * 100 + "|\n" + "|\n" * 6000


@cache
def costly_bodies() -> tuple[tuple[str, bytes, str], ...]:
    """Paths, bodies and types of what was found to cost most; made once, and before anybody waits."""
    bomb, table = many_scans(), wide_table()

    def as_json(path: str, **body: object) -> tuple[str, bytes, str]:
        return path, json.dumps(body).encode(), "application/json"

    return (
        as_json("/api/projects/", title="T", body=table),
        as_json("/api/projects/preview", body=table),
        as_json("/api/projects/preview", body=("> " * 19 + "a\n" + "[\n" * 20_000)[:20_000]),
        ("/api/uploads/", bomb, "image/jpeg"),
        ("/api/uploads/", thin_picture(), "image/png"),
        ("/api/uploads/", large_cmyk(), "image/jpeg"),
        as_json("/api/id/pfp", pfp=base64.b64encode(bomb).decode()),
        as_json("/api/authenticate", uid=ADMIN.uid, password="a wrong guess"),
    )


def attacks(address: str, token: str) -> Iterator[Callable[[], object]]:
    """Those, and what is no whole request, again and again."""
    browser = Browser(address, token)

    def long_question() -> object:
        query = f"q={random.random()}" + "b" * 6000
        headers = {"If-None-Match": '"' + "a" * 6000 + '"', "Accept-Encoding": f"x{random.random()}"}
        return browser.ask("GET", f"/api/users/?{query}", headers=headers)

    def unfinished_body() -> object:
        host = urlsplit(address)
        connection = socket.create_connection((host.hostname, host.port), timeout=5)
        head = "POST /api/authenticate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
        connection.sendall(head.encode())
        return connection

    while True:
        for path, body, content_type in costly_bodies():
            yield partial(browser.post, path, body, content_type)
        yield long_question
        yield unfinished_body


@contextmanager
def one_who_attacks(address: str, token: str) -> Iterator[Counter[str]]:
    """Four connections of one account, until the block ends."""
    stopping, sent, held = threading.Event(), Counter[str](), []

    def attack() -> None:
        for send in attacks(address, token):
            if stopping.is_set():
                return
            try:
                held.append(send())
            except OSError as error:
                sent[type(error).__name__] += 1
            sent["sent"] += 1
            stopping.wait(ATTACKING / ATTACKS_PER_S)

    costly_bodies()
    threads = [threading.Thread(target=attack, daemon=True) for _ in range(ATTACKING)]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
        for each in held:
            if isinstance(each, socket.socket):
                each.close()


def let_sessions_rest(settings: dict[str, str]) -> None:
    """As after a break: each session's last use is to be noted anew."""
    app = create_app(load_config(**{name.lower(): value for name, value in settings.items()}))
    with app.app_context():
        with write_transaction() as session:
            session.execute(update(UserSession).values(last_used_at=utc_now() - timedelta(hours=1)))
        db.engine.dispose()


def come_back(service: Service, tokens: dict[str, str], seen: Seen) -> None:
    """Everybody at the same moment."""
    address, data = service.address, make_photograph(MEGABYTE, 2000, 1332)
    names = [person.uid for person in PEOPLE]
    reloading = names[1 : 1 + RELOADING]
    signing_in = names[1 + RELOADING : 1 + RELOADING + SIGNING_IN]
    uploading = names[1 + RELOADING + SIGNING_IN : -1]
    roster = "uid,name\n" + "".join(f"new{n},New Person {n}\n" for n in range(ROSTER))

    def timed(what: str, send: Callable[[], int]) -> None:
        started = time.perf_counter()
        status = send()
        seen.note(what, time.perf_counter() - started, status)

    def reload(uid: str) -> None:
        browser = Browser(address, tokens[uid])
        for path in ("/users/", "/api/id", "/api/users/?limit=50", "/api/projects/"):
            timed("reload", lambda path=path: browser.ask("GET", path))

    def enter(uid: str) -> None:
        body = json.dumps({"uid": uid, "password": PASSWORD}).encode()
        timed("sign in", lambda: Browser(address).post("/api/authenticate", body, "application/json"))

    def upload(uid: str) -> None:
        timed("upload", lambda: Browser(address, tokens[uid]).post("/api/uploads/", data, "image/jpeg"))

    def import_roster(uid: str) -> None:
        timed(
            "roster", lambda: Browser(address, tokens[uid]).post("/api/roster", roster.encode(), "text/csv")
        )

    doing = [
        *((reload, uid) for uid in reloading),
        *((enter, uid) for uid in signing_in),
        *((upload, uid) for uid in uploading),
        (import_roster, ADMIN.uid),
    ]
    with ThreadPoolExecutor(len(doing)) as pool:
        for done in [pool.submit(do, uid) for do, uid in doing]:
            done.result()


def measure_on(kind: str, folder: Path, rounds: int) -> dict[str, list[float]]:
    """What was seen on one database, a figure a round."""
    found: dict[str, list[float]] = defaultdict(list)
    with database(kind, folder) as url:
        settings = prepare(folder, PEOPLE, database_url=url)
        for _ in range(rounds):
            with homeroom(settings) as service:
                tokens = {
                    person.uid: sign_in(service.address, person.uid)
                    for person in PEOPLE
                    if person not in PEOPLE[1 + RELOADING : 1 + RELOADING + SIGNING_IN]
                }
                let_sessions_rest(settings)
                seen, roots = Seen(), roots_of(service)
                with (
                    Peak(lambda roots=roots: memory_mb(roots), every_s=0.05) as memory,  # type: ignore[misc]
                    one_who_attacks(service.address, tokens[ATTACKER.uid]) as sent,
                ):
                    come_back(service, tokens, seen)
            tell(f"{kind}: {dict(sent)} attacks; failures {dict(seen.failures)}")
            found[f"failures, {kind}"].append(seen.failures.total())
            found[f"memory, {kind}"].append(memory.highest)
            for what, waits in seen.waits.items():
                found[f"longest {what}, {kind}"].append(max(waits))
    return found


def measure(options: Options, folder: Path) -> Result:
    series: list[Series] = []
    claims: list[Claim] = []
    for kind in DATABASES:
        below = folder / kind
        below.mkdir()
        for name, values in measure_on(kind, below, options.rounds).items():
            unit = "MB" if name.startswith("memory") else "of 551" if name.startswith("failures") else "s"
            series.append(Series(name, unit, tuple(values)))
            most = {"MB": MAX_MEMORY_MB, "s": MAX_WAIT_S}.get(unit, 0)
            claims.append(Claim(name, name, at_most=most, judged_by=JudgedBy.WORST))
    title = "A class comes back while one attacks"
    return Result("after_the_break", title, tuple(series), tuple(claims))


if __name__ == "__main__":
    run(__doc__, measure, rounds=3, seconds=1)
