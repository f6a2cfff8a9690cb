"""Decoding in a process of its own: what it may cost, and what happens to the others when it costs more."""

import base64
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from apiflask import APIFlask
from PIL import Image

from homeroom.auth.models import Role
from homeroom.uploads import decoding
from homeroom.uploads.encoding import ALWAYS_ALLOWED_BYTES, MAX_GROWTH
from tests.conftest import PASSWORD, MakePerson, Person
from tests.servers import Server, serving
from tests.uploads.conftest import Files, send
from tests.uploads.files import encoded, noise
from tests.uploads.test_storage import only_folder, only_sqlite
from tests.uploads.test_uploads import count_pictures

pytestmark = [only_folder, only_sqlite, pytest.mark.decodes_apart]


def flat(mode: str, size: tuple[int, int], kind: str = "JPEG", **save: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **save)
    return buffer.getvalue()


def with_scans(count: int, size: tuple[int, int] = (64, 64)) -> bytes:
    """A progressive JPEG whose last scan is repeated: little to send, and each costs the whole picture."""
    data = flat("L", size, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def hidden_scans(count: int) -> bytes:
    """The same behind a marker that has no length, where a reader that takes one would skip them."""
    data = with_scans(count)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    return data[:second] + b"\xff\x01" + data[second:]


COSTLY = {
    "thousands of scans": (lambda: with_scans(2000), "scans"),
    "scans behind a bare marker": (lambda: hidden_scans(2000), "scans"),
    "a pixel wide and sixteen million high": (lambda: flat("RGBA", (1, 16_000_000), "PNG"), "wide"),
    "a pixel high and sixteen million wide": (lambda: flat("RGBA", (16_000_000, 1), "PNG"), "high"),
    "progressive in printers' colours": (
        lambda: flat("CMYK", (6300, 6300), progressive=True, quality=10),
        "memory",
    ),
    "progressive without subsampling": (
        lambda: flat("RGB", (6300, 6300), progressive=True, subsampling=0),
        "memory",
    ),
}


@pytest.mark.parametrize("kind", COSTLY)
def test_what_would_cost_too_much_is_refused_before_it_is_decoded(
    app: APIFlask, ada: Person, files: Files, kind: str
) -> None:
    make, reason = COSTLY[kind]
    picture = make()
    answers = [
        send(ada, picture),
        ada.client.post("/api/uploads/", data=picture, content_type="image/png"),
        ada.client.put("/api/id/picture", data=picture, content_type="image/png"),
        ada.client.put("/api/id/pfp", json={"pfp": base64.b64encode(picture).decode()}),
    ]
    for answer in answers:
        assert answer.status_code == 413, answer.json
        assert reason in answer.json["message"]
    assert files.names() == []
    assert count_pictures(app) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: flat("RGB", (7300, 5470), progressive=True),
        lambda: flat("RGB", (6000, 4000), progressive=True, subsampling=0),
        lambda: flat("CMYK", (4000, 3000), progressive=True),
        lambda: flat("CMYK", (6300, 6300), quality=10),
        lambda: flat("RGBA", (3500, 3500), "WEBP"),
        lambda: flat("RGBA", (4000, 4000), "PNG"),
        lambda: flat("RGB", (1080, 14_000), "PNG"),
    ],
    ids=["40 MP progressive", "24 MP 4:4:4", "CMYK", "40 MP CMYK", "WebP", "16 MP PNG", "long screenshot"],
)
def test_what_cameras_and_telephones_make_is_taken(ada: Person, make: Callable[[], bytes]) -> None:
    assert send(ada, make()).status_code == 201


def decoder(code: str) -> tuple[str, ...]:
    """A decoder that does something first."""
    return sys.executable, "-P", "-c", f"import os, signal; from homeroom.uploads import decoder as d; {code}"


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("d.MAX_CPU_S = 0; d.main()", 422, "too long"),
        ("d.MAX_MEMORY_BYTES = 90_000_000; d.main()", 413, "memory"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 422, "damaged"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 503, "Try again"),
        ("raise SystemExit(1)", 503, "Try again"),
    ],
    ids=["time", "memory", "a crash", "killed from outside", "an error of ours"],
)
def test_a_decoder_that_ends_early_is_told_as_whose_fault_it_is(
    app: APIFlask,
    ada: Person,
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
    reason: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "_DECODER", decoder(code))
        answer = send(ada, flat("RGBA", (3000, 3000), "PNG"))
    assert answer.status_code == status, answer.json
    assert reason in answer.json["message"]
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert files.names() == []
    assert send(ada, encoded("PNG")).status_code == 201


def test_a_decoder_that_does_not_answer_is_killed(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    class Process(subprocess.Popen):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            begun.append(self)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", Process)
        patch.setattr(decoding, "_DECODER", decoder("signal.pause()"))
        patch.setattr(decoding, "DEADLINE_S", 0.5)
        answer = send(ada, encoded("PNG"))
    assert answer.status_code == 503
    assert [process.returncode for process in begun] == [-signal.SIGKILL]
    assert send(ada, encoded("PNG")).status_code == 201


@pytest.mark.parametrize("ending", ["p\x00g", "p\udcffg", "-c", "ünï" * 40])
def test_a_name_is_no_way_to_the_decoders_arguments(ada: Person, ending: str) -> None:
    with pytest.raises(Exception, match="Rename the file"), ada.client.application.app_context():
        decoding.prepare_picture(io.BytesIO(encoded("PNG")), name=f"a.{ending}", max_bytes=10**7)


def lossy_with_transparency() -> bytes:
    layers = [Image.effect_noise((1600, 2000), 100) for _ in range(4)]
    buffer = io.BytesIO()
    Image.merge("RGBA", layers).save(buffer, "WEBP", quality=5, alpha_quality=0, method=0)
    return buffer.getvalue()


def repeated() -> bytes:
    """A pattern that a PNG tells in a few kilobytes, until it is made smaller."""
    tile = Image.merge("RGB", [Image.effect_noise((64, 64), 200) for _ in range(3)])
    whole = Image.new("RGB", (3968, 3968))
    for x in range(0, 3968, 64):
        for y in range(0, 3968, 64):
            whole.paste(tile, (x, y))
    buffer = io.BytesIO()
    whole.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "make",
    [lossy_with_transparency, repeated, noise, lambda: encoded("GIF", (1600, 1600)), lambda: encoded("PNG")],
    ids=["lossy with transparency", "a pattern", "noise", "GIF", "small"],
)
def test_what_is_kept_is_in_proportion_to_what_was_sent(ada: Person, make: Callable[[], bytes]) -> None:
    picture = make()
    upload = send(ada, picture).json
    assert upload["bytes"] <= max(ALWAYS_ALLOWED_BYTES, MAX_GROWTH * len(picture))


class Site:
    """A server, and somebody who sends it a picture that takes a while."""

    def __init__(self, server: Server, cookies: dict[str, str]) -> None:
        self.server, self.cookies = server, cookies
        self.answers: list[int | str] = []
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        try:
            answer = requests.post(
                self.server.url("/api/uploads/"),
                data=lossy_with_transparency(),
                headers={"Content-Type": "image/webp"},
                cookies=self.cookies,
                timeout=60,
            )
            self.answers.append(answer.status_code)
        except requests.ConnectionError:
            self.answers.append("gone")

    def stopped_decoder(self) -> int:
        """The process id of the decoder, which stands still from now on."""
        while True:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes().split(b"\0")
                except (FileNotFoundError, ProcessLookupError):
                    continue
                number = int(path.parent.name)
                if b"homeroom.uploads.decoder" in line and os.getpgid(number) == self.server.process.pid:
                    os.kill(number, signal.SIGSTOP)
                    return number

    def answer(self) -> int | str:
        self._thread.join()
        return self.answers[0]


@pytest.fixture
def cookies(make_person: MakePerson) -> dict[str, str]:
    ada = make_person("ada", role=Role.USER)
    assert ada.password == PASSWORD
    return {"jwt": ada.client.get_cookie("jwt").value}


def has_ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_server_that_is_to_stop_waits_for_no_picture(
    server_settings: dict[str, str], cookies: dict[str, str]
) -> None:
    with serving(server_settings) as server:
        site = Site(server, cookies)
        stuck = site.stopped_decoder()
        assert b"SECRET_KEY" not in Path(f"/proc/{stuck}/environ").read_bytes()
        server.process.terminate()
        assert server.process.wait(timeout=decoding.DEADLINE_S / 2) == 0
        assert site.answer() == 503
        assert has_ended(stuck)


def test_a_decoder_ends_with_its_worker(server_settings: dict[str, str], cookies: dict[str, str]) -> None:
    with serving(server_settings) as server:
        site = Site(server, cookies)
        stuck = site.stopped_decoder()
        worker = int(Path(f"/proc/{stuck}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(worker, signal.SIGKILL)
        assert site.answer() == "gone"
        # It had not asked to end with the worker yet, perhaps, and looks for it first.
        if not has_ended(stuck):
            os.kill(stuck, signal.SIGCONT)
        deadline = time.monotonic() + 30
        while not has_ended(stuck):
            assert time.monotonic() < deadline
            os.sched_yield()
        server.kill()
