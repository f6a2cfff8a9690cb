"""`homeroom doctor` names each fault that is really there, with its remedy, and none on a healthy site."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dns.message
import dns.rrset
import pytest
import requests
import trustme

from homeroom.auth.models import Role
from tests.conftest import PASSWORD, MakePerson
from tests.disks import MEGABYTE, needs_root, small_disk
from tests.servers import Server, free_port, serving

ORIGIN = "http://localhost:4100"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A file; what is looked at from outside is the same over PostgreSQL."""
    path = tmp_path / "homeroom.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


def doctor(
    *arguments: str, settings: dict[str, str] | None = None, typed: str | None = None
) -> tuple[int, dict[str, list[str]]]:
    """The exit status, and what was told of each check that found something wrong, or else may soon be."""
    done = subprocess.run(
        [sys.executable, "-m", "homeroom", "doctor", "--json", *arguments],
        env=os.environ | (settings or {}),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.lstrip().startswith("["), done.stderr
    faults: dict[str, list[str]] = {}
    for finding in json.loads(done.stdout):
        assert finding["ok"] == (finding["remedy"] is None) == (finding["state"] == "fine")
        if finding["state"] == {1: "wrong", 3: "warning"}.get(done.returncode):
            faults.setdefault(finding["check"], []).append(finding["told"])
    return done.returncode, faults


@pytest.fixture
def server(server_settings: dict[str, str]) -> Iterator[Server]:
    with serving(server_settings) as running:
        yield running


def at_localhost(server: Server) -> str:
    return server.address.replace("127.0.0.1", "localhost")


# --- From inside


NO_BACKUP_YET = {"backup": ["There has been no backup yet."], "drill": ["There has been no drill yet."]}


def test_a_misspelt_setting_is_a_warning(server_settings: dict[str, str]) -> None:
    status, found = doctor(settings=server_settings | {"HOMEROOM_REGISTRATION": "open"})
    assert status == 3
    assert found["settings"] == ["HOMEROOM_REGISTRATION isn't a setting and has no effect."]


def test_a_healthy_machine_without_a_backup_is_warned(server_settings: dict[str, str]) -> None:
    assert doctor(settings=server_settings) == (3, NO_BACKUP_YET)
    told = printed(server_settings)
    assert re.search(
        r"^! backup +There has been no backup yet\.\n +→ Run `homeroom backup`", told, re.MULTILINE
    )
    assert told.endswith("\nNothing wrong, 2 warnings.\n")
    assert homeroom(server_settings, "backup") == 0
    assert list(doctor(settings=server_settings)[1]) == ["drill"]
    assert printed(server_settings).endswith("\nNothing wrong, 1 warning.\n")
    assert homeroom(server_settings, "drill") == 0
    assert doctor(settings=server_settings) == (0, {})
    assert printed(server_settings).endswith("\nNothing wrong.\n")


def test_what_is_wrong_counts_more_than_warnings(server_settings: dict[str, str], tmp_path: Path) -> None:
    unmounted = server_settings | {"VOLUME_PATH": str(tmp_path)}
    told = printed(unmounted)
    assert told.endswith("\n1 thing is wrong, 2 warnings.\n")
    assert [line[0] for line in told.splitlines() if line[:1] in ("✗", "!")] == ["✗", "!", "!"]
    assert homeroom(unmounted, "doctor") == 1


@pytest.mark.parametrize("key", ["short", "a" * 40])
def test_a_weak_key_is_named(server_settings: dict[str, str], key: str) -> None:
    status, faults = doctor(settings=server_settings | {"SECRET_KEY": key})
    assert (status, list(faults)) == (1, ["settings"])
    assert "SECRET_KEY" in faults["settings"][0]
    assert "weak" in faults["settings"][0]


def test_a_key_file_that_others_may_read_is_named(server_settings: dict[str, str], tmp_path: Path) -> None:
    settings = {name: value for name, value in server_settings.items() if name != "SECRET_KEY"}
    assert doctor(settings=settings) == (3, NO_BACKUP_YET)
    (tmp_path / "instance" / "secret_key").chmod(0o644)
    status, faults = doctor(settings=settings)
    assert (status, list(faults)) == (1, ["key"])


@pytest.mark.migrates
def test_a_pending_migration_is_named(server_settings: dict[str, str]) -> None:
    downgrade = [sys.executable, "-m", "homeroom", "db", "downgrade"]
    subprocess.run(downgrade, env=os.environ | server_settings, check=True, capture_output=True)
    status, faults = doctor(settings=server_settings)
    assert (status, list(faults)) == (1, ["migrations"])


def test_a_database_that_does_not_answer_is_named(server_settings: dict[str, str]) -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/homeroom"
    status, faults = doctor(settings=server_settings | {"DATABASE_URL": url})
    assert (status, list(faults)) == (1, ["database"])
    assert "secret" not in faults["database"][0]


def test_a_damaged_database_is_named(server_settings: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "homeroom.db"
    data = bytearray(path.read_bytes())
    # The roots of some tables; the header, by which a file is told to be a database, stays.
    data[3 * 4096 : 9 * 4096] = os.urandom(6 * 4096)
    path.write_bytes(data)
    status, faults = doctor(settings=server_settings)
    assert status == 1
    assert "database" in faults


def test_data_that_is_not_on_its_volume_is_named(server_settings: dict[str, str], tmp_path: Path) -> None:
    unmounted = server_settings | {"VOLUME_PATH": str(tmp_path)}
    status, faults = doctor(settings=unmounted)
    assert (status, list(faults)) == (1, ["volume"])
    assert "Nothing is mounted" in faults["volume"][0]
    status, faults = doctor(settings=server_settings | {"VOLUME_PATH": "/proc"})
    assert (status, list(faults)) == (1, ["volume"])
    assert doctor(settings=server_settings | {"VOLUME_PATH": "/"}) == (3, NO_BACKUP_YET)


@needs_root
def test_a_full_disk_is_named(server_settings: dict[str, str], tmp_path: Path) -> None:
    with small_disk(tmp_path / "volume", 8) as volume:
        settings = server_settings | {"VOLUME_PATH": str(volume), "INSTANCE_PATH": str(volume)}
        (volume / "filled").write_bytes(bytes(7 * MEGABYTE))
        status, faults = doctor(settings=settings)
        assert (status, list(faults)) == (1, ["disk"])
        (volume / "filled").unlink()
        status, faults = doctor(settings=settings | {"DISK_RESERVE_MB": "0"})
        assert (status, list(faults)) == (1, ["disk"]), "fewer than 50 MB are nearly none"


@needs_root
def test_a_disk_that_gets_full_is_a_warning(server_settings: dict[str, str], tmp_path: Path) -> None:
    with small_disk(tmp_path / "volume", 100) as volume:
        settings = server_settings | {"VOLUME_PATH": str(volume), "INSTANCE_PATH": str(volume)}
        status, faults = doctor(settings=settings)
    assert (status, list(faults)) == (3, ["disk", *NO_BACKUP_YET])


def homeroom(settings: dict[str, str], *arguments: str) -> int:
    command = [sys.executable, "-m", "homeroom", *arguments]
    environment = os.environ | settings
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode


def printed(settings: dict[str, str]) -> str:
    command = [sys.executable, "-m", "homeroom", "doctor"]
    environment = os.environ | settings
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def test_backups_that_are_missing_old_or_damaged_are_named(
    server_settings: dict[str, str], tmp_path: Path
) -> None:
    production = server_settings | {"HOMEROOM_ENV": "production"}
    status, faults = doctor(settings=production)
    assert (status, set(faults)) == (1, {"backup", "drill"})

    assert homeroom(production, "backup") == 0
    assert homeroom(production, "drill") == 0
    assert doctor(settings=production) == (0, {})

    state = tmp_path / "instance" / "backup-state.json"
    fresh = state.read_text()
    state.write_text(re.sub(r'"at": "20[0-9]{2}', '"at": "2020', fresh))
    status, faults = doctor(settings=production)
    assert (status, set(faults)) == (1, {"backup", "drill"})
    assert "days old" in faults["backup"][0]
    status, faults = doctor(settings=server_settings)
    assert (status, set(faults)) == (3, {"backup", "drill"}), "outside production it is a warning"
    state.write_text(fresh)

    (archive,) = (tmp_path / "instance" / "backups").glob("homeroom-*.tar")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    assert homeroom(production, "drill") != 0
    status, faults = doctor(settings=production)
    assert (status, list(faults)) == (1, ["drill"])


# --- From outside


def test_a_healthy_site_has_no_fault_nor_has_a_page_that_asks_it(
    server: Server, make_person: MakePerson
) -> None:
    make_person("ada", role=Role.TEACHER, signed_in=False)
    arguments = (at_localhost(server), "--origin", ORIGIN, "--uid", "ada")
    assert doctor(*arguments, typed=f"{PASSWORD}\n") == (0, {})


def test_a_wrong_password_on_the_walk_is_named(server: Server, make_person: MakePerson) -> None:
    make_person("ada", signed_in=False)
    status, faults = doctor(
        at_localhost(server), "--origin", ORIGIN, "--uid", "ada", typed="wrong password\n"
    )
    assert (status, list(faults)) == (1, ["sign-in"])


@pytest.mark.parametrize(
    ("origin", "check", "words"),
    [
        ("https://someone.github.io", "preflight", "isn't allowed"),
        ("http://localhost:4100/", "origin", "has a path"),
        ("http://127.0.0.1:4111", "preflight", "different origins"),
        ("someone.github.io", "origin", "isn't an origin"),
    ],
)
def test_an_origin_that_is_not_admitted_is_named(server: Server, origin: str, check: str, words: str) -> None:
    status, faults = doctor(at_localhost(server), "--origin", origin)
    assert (status, list(faults)) == (1, [check])
    assert words in faults[check][0]


def test_the_other_name_of_this_machine_needs_a_partitioned_cookie_and_gets_one(server: Server) -> None:
    assert doctor(server.address, "--origin", ORIGIN) == (0, {})


def test_a_blocked_port_is_named() -> None:
    status, faults = doctor(f"http://localhost:{free_port()}")
    assert (status, list(faults)) == (1, ["port"])


def test_a_site_that_no_name_leads_to_is_named() -> None:
    status, faults = doctor("https://no-such-class.invalid")
    assert (status, list(faults)) == (1, ["dns"])


def test_a_name_that_leads_elsewhere_is_named(server: Server) -> None:
    status, faults = doctor(server.address, "--address", "192.0.2.1")
    assert (status, list(faults)) == (1, ["dns"])
    assert "192.0.2.1" in faults["dns"][0]


def test_what_is_no_address_is_refused_as_wrongly_written() -> None:
    command = [sys.executable, "-m", "homeroom", "doctor", "class.example.org"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Write it like https://class.example.org" in done.stderr


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on as a wrongly set up proxy would; subclasses say what is wrong."""

    upstream: str | None
    sent: Mapping[str, str] = MappingProxyType({})
    drop: frozenset[str] = frozenset()
    more: tuple[tuple[str, str], ...] = ()

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.upstream is None:
            self.send_response(502)
            self.end_headers()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in self.drop}
        answer = requests.request(
            self.command, self.upstream + self.path, data=body, headers={**headers, **self.sent},
            allow_redirects=False, timeout=30,
        )  # fmt: skip
        self.send_response_only(answer.status_code)
        for name, value in (*answer.headers.items(), *self.more):
            if name.lower() not in ("transfer-encoding", "connection", "content-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    do_GET = do_POST = do_DELETE = do_OPTIONS = pass_on  # noqa: N815  http.server's names

    def log_message(self, *_: Any) -> None:
        """Nothing: the answers are what counts."""


@contextmanager
def proxying(
    upstream: str | None,
    *,
    context: ssl.SSLContext | None = None,
    handler: type[Proxy] = Proxy,
    **wrong: Any,
) -> Iterator[int]:
    handler = type("Wrong", (handler,), {"upstream": upstream, **wrong})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield httpd.server_address[1]
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def test_a_proxy_whose_upstream_has_stopped_is_named() -> None:
    with proxying(None) as port:
        status, faults = doctor(f"http://localhost:{port}")
    assert (status, list(faults)) == (1, ["homeroom"])
    assert "502" in faults["homeroom"][0]


def test_a_server_that_is_no_homeroom_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        status, faults = doctor(f"http://127.0.0.1:{port}")
    assert (status, list(faults)) == (1, ["homeroom"])


@pytest.mark.parametrize(
    ("wrong", "check", "words"),
    [
        ({"more": (("Access-Control-Allow-Origin", ORIGIN),)}, "preflight", "twice"),
        ({"drop": frozenset({"origin"})}, "preflight", "isn't allowed"),
    ],
)
def test_a_proxy_that_meddles_with_cors_is_named(
    server: Server, wrong: dict[str, Any], check: str, words: str
) -> None:
    with proxying(server.address, **wrong) as port:
        status, faults = doctor(f"http://localhost:{port}", "--origin", ORIGIN)
    assert (status, list(faults)) == (1, [check])
    assert words in faults[check][0]


def test_a_clock_that_is_off_is_named(server: Server) -> None:
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    class Late(Proxy):
        upstream = server.address

        def send_header(self, keyword: str, value: str) -> None:
            super().send_header(keyword, an_hour_ago if keyword.lower() == "date" else value)

    with proxying(server.address, handler=Late) as port:
        status, faults = doctor(f"http://localhost:{port}")
    assert (status, list(faults)) == (1, ["clock"])
    assert re.search(r"differs from this machine's by 3[56][0-9]{2} s", faults["clock"][0])


# --- With certificates of an authority of our own


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """The environment of who trusts that authority, as browsers trust Let's Encrypt."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return {"SSL_CERT_FILE": str(path)}


def tls(authority: trustme.CA, *, name: str = "localhost", days: float = 60) -> ssl.SSLContext:
    """A server's side: a certificate for a name that ends in so many days."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ends_at = datetime.now(UTC) + timedelta(days=days)
    authority.issue_cert(name, not_after=ends_at).configure_cert(context)
    return context


class ToHttps(BaseHTTPRequestHandler):
    """What Nginx does on port 80."""

    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", "https://localhost" + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the answers are what counts."""


@pytest.fixture
def port_80() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), ToHttps)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield str(httpd.server_address[1])
    httpd.shutdown()
    httpd.server_close()
    thread.join()


HTTPS = {
    "sent": {"X-Forwarded-Proto": "https"},
    "more": (("Strict-Transport-Security", "max-age=63072000"),),
}


@pytest.fixture
def behind_proxy(server_settings: dict[str, str]) -> Iterator[Server]:
    with serving(server_settings | {"TRUSTED_PROXIES": "1"}) as running:
        yield running


def test_a_healthy_site_behind_https_has_no_fault(
    behind_proxy: Server, authority: trustme.CA, trusting: dict[str, str], port_80: str
) -> None:
    with proxying(behind_proxy.address, context=tls(authority), **HTTPS) as port:
        url = f"https://localhost:{port}"
        for origin in (ORIGIN, "http://127.0.0.1:4100"):
            assert doctor(url, "--http-port", port_80, "--origin", origin, settings=trusting) == (0, {})


@pytest.mark.parametrize(
    ("origin", "names_the_way_out"), [("http://localhost:4100", False), ("http://127.0.0.1:4100", True)]
)
def test_a_page_of_another_site_is_told_of_safari(
    server: Server, origin: str, names_the_way_out: bool
) -> None:
    command = [sys.executable, "-m", "homeroom", "doctor", at_localhost(server), "--origin", origin]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Safari" in done.stdout) == (0, names_the_way_out), done.stdout
    assert (
        "serve the page and the API under one domain" in " ".join(done.stdout.split())
    ) == names_the_way_out


@pytest.mark.parametrize(
    ("certificate", "ends", "words"),
    [
        ({"days": -1}, 1, "expired"),
        ({"days": 5}, 1, "hasn't been renewed"),
        ({"days": 14}, 3, "hasn't been renewed"),
        ({"name": "other.example"}, 1, "mismatch"),
    ],
)
def test_a_certificate_that_browsers_refuse_or_soon_will_is_named(
    behind_proxy: Server, authority: trustme.CA, trusting: dict[str, str], port_80: str,
    certificate: dict[str, Any], ends: int, words: str,
) -> None:  # fmt: skip
    with proxying(behind_proxy.address, context=tls(authority, **certificate), **HTTPS) as port:
        url = f"https://localhost:{port}"
        status, faults = doctor(url, "--http-port", port_80, settings=trusting)
    assert (status, list(faults)) == (ends, ["certificate"])
    assert words in faults["certificate"][0]


def test_an_authority_that_nobody_knows_is_named(behind_proxy: Server, authority: trustme.CA) -> None:
    with proxying(behind_proxy.address, context=tls(authority), **HTTPS) as port:
        status, faults = doctor(f"https://localhost:{port}")
    assert (status, list(faults)) == (1, ["certificate"])


def test_a_port_without_tls_is_named(server: Server) -> None:
    status, faults = doctor(at_localhost(server).replace("http://", "https://"))
    assert (status, list(faults)) == (1, ["certificate"])


@pytest.mark.parametrize(
    ("wrong", "ends", "checks"),
    [({"sent": {}}, 1, {"proxy", "cookie"}), ({"more": ()}, 3, {"hsts"})],
)
def test_a_proxy_that_does_not_tell_of_https_is_named(
    behind_proxy: Server, authority: trustme.CA, trusting: dict[str, str], port_80: str,
    wrong: dict[str, Any], ends: int, checks: set[str],
) -> None:  # fmt: skip
    with proxying(behind_proxy.address, context=tls(authority), **(HTTPS | wrong)) as port:
        url = f"https://localhost:{port}"
        status, faults = doctor(url, "--http-port", port_80, settings=trusting)
    assert (status, set(faults)) == (ends, checks)


def test_plain_http_that_is_not_led_to_https_is_named(
    behind_proxy: Server, authority: trustme.CA, trusting: dict[str, str]
) -> None:
    plain_port = behind_proxy.address.rpartition(":")[2]
    with proxying(behind_proxy.address, context=tls(authority), **HTTPS) as port:
        for http_port in (plain_port, str(free_port())):
            url = f"https://localhost:{port}"
            status, faults = doctor(url, "--http-port", http_port, settings=trusting)
            assert (status, list(faults)) == (1, ["redirect"])


@contextmanager
def name_server(address: str) -> Iterator[str]:
    """A DNS server to which every name leads to one address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def answer() -> None:
            # An empty packet is the end.
            while True:
                question, sender = listener.recvfrom(4096)
                if not question:
                    return
                query = dns.message.from_wire(question)
                reply = dns.message.make_response(query)
                name = query.question[0].name
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", address))
                listener.sendto(reply.to_wire(), sender)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.sendto(b"", listener.getsockname())
        thread.join()


def test_a_cookie_that_plain_http_cannot_keep_and_a_wrong_record_are_named(server: Server) -> None:
    url = f"http://class.example:{server.address.rpartition(':')[2]}"
    with name_server("127.0.0.1") as nameserver:
        status, faults = doctor(url, "--nameserver", nameserver)
        assert (status, list(faults)) == (1, ["cookie"])
        assert "uses http" in faults["cookie"][0]
        status, faults = doctor(url, "--nameserver", nameserver, "--origin", "https://someone.github.io")
        assert "mixed content" in faults
    with name_server("127.0.0.9") as nameserver:
        status, faults = doctor(url, "--nameserver", nameserver, "--address", "127.0.0.1")
    assert (status, list(faults)) == (1, ["dns"])


def test_a_database_that_cannot_be_written_is_named_with_file_owner_and_remedy(
    server_settings: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "homeroom.db"
    settings = server_settings | {"DATABASE_URL": f"sqlite:///file:{file}?mode=ro&uri=true"}
    status, faults = doctor(settings=settings)
    assert (status, list(faults)) == (1, ["database"])
    (told,) = faults["database"]
    assert str(file) in told
    assert "belongs to" in told
    done = subprocess.run(
        [sys.executable, "-m", "homeroom", "run", "--port", str(free_port())],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "can't be written" in done.stderr
    assert "sudo chown" in done.stderr
    assert "First sign-in" not in done.stdout


def test_a_zeroed_database_asks_for_a_restore(server_settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "homeroom.db").write_bytes(bytes(8192))
    status, faults = doctor(settings=server_settings)
    assert (status, list(faults)) == (1, ["database"])
    assert "is damaged, or isn't a database" in faults["database"][0]


def test_a_bucket_that_takes_no_pictures_is_named(server_settings: dict[str, str]) -> None:
    settings = server_settings | {
        "UPLOADS_URL": "s3://pictures",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    status, faults = doctor(settings=settings)
    assert (status, list(faults)) == (1, ["pictures"])
