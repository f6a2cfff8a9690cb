"""Having a picture decoded: in a process of its own that may be killed, one at a time on the machine."""

import fcntl
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO, Any

import structlog

import homeroom
from homeroom.config import current_config
from homeroom.data.child_processes import start_child
from homeroom.data.errors import Refused, TooLarge, Unavailable, Unreadable, WrongType
from homeroom.uploads.encoding import PreparedPicture
from homeroom.uploads.patience import wait_left
from homeroom.uploads.renditions import PictureType, Rendition
from homeroom.uploads.stopping import is_stopping, stop_descriptor
from homeroom.web.spool import open_spool

log = structlog.get_logger(__name__)

DEADLINE_S = 30
RETRY_S = 10
_POLL_S = 0.02
_CHUNK_BYTES = 1024 * 1024
# What a process ends by when its picture makes a library break off, and when its time is up.
_BROKEN = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}

_DECODER = (sys.executable, "-P", "-m", "homeroom.uploads.decoder")

_turn = threading.Lock()
_REFUSALS: dict[int, type[Refused]] = {
    413: TooLarge,
    415: WrongType,
    422: Unreadable,
}


def prepare_picture(file: IO[bytes], *, name: str | None, max_bytes: int) -> PreparedPicture:
    """Check an uploaded file and encode its renditions, upright and without metadata.

    `name` is what the sender calls the file: it decides nothing, but may not contradict the content.

    Raises:
        TooLarge: more bytes, pixels, scans or frames than allowed, or too much memory (413).
        WrongType: no JPEG, PNG, GIF or WebP, more than that, or wrongly named (415).
        Unreadable: it cannot be decoded to its end, or not in the time that there is (422).
        Unavailable: too many pictures wait, the machine is too slow, or the server stops (503).
        OSError: the disk is full (503).
    """
    if file.seek(0, os.SEEK_END) > max_bytes:
        raise TooLarge("A picture can have at most {kib:,} KiB.", kib=max_bytes // 1024)
    ending = re.sub(r"[^a-z0-9]", "?", PurePath(name or "").suffix.lstrip(".").lower()[:20])
    with _on_disk(file) as descriptor, _one_at_a_time() as lock:
        return _read_answer(*_run(descriptor, lock, ending))


@contextmanager
def _on_disk(file: IO[bytes]) -> Iterator[int]:
    """The file as the decoder reads it; small ones are in memory until now."""
    file.seek(0)
    with open_spool(in_memory_bytes=0) as copy:
        while chunk := file.read(_CHUNK_BYTES):
            copy.write(chunk)
        copy.flush()
        descriptor = copy.fileno()
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor


@contextmanager
def _one_at_a_time() -> Iterator[int]:
    """Our turn among the threads of this worker, then among the workers of this machine.

    The lock is on a folder that is there anyway, and goes with the last process that has it, the decoder:
    even when a worker is killed, nobody else begins before its decoder has ended.
    """
    deadline = time.monotonic() + wait_left()
    while not _turn.acquire(timeout=0.25):
        _refuse_when_late(deadline)
    try:
        lock = os.open(_lock_folder(), os.O_RDONLY | os.O_CLOEXEC)
        try:
            while not _hold(lock):
                _refuse_when_late(deadline)
                time.sleep(_POLL_S)
            yield lock
        finally:
            os.close(lock)
    finally:
        _turn.release()


def _lock_folder() -> Path:
    instance = current_config().instance_path
    return instance if instance.is_dir() else Path(homeroom.__path__[0])


def _hold(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse_when_late(deadline: float) -> None:
    if is_stopping() or time.monotonic() > deadline:
        raise Unavailable(
            "Many people are uploading pictures. Try again in a few seconds.", retry_after_s=RETRY_S
        )


def _run(picture: int, lock: int, ending: str) -> tuple[int, bytes]:
    """The decoder's end and its answer."""
    process = start_child(
        [*_DECODER, ending, str(os.getpid())], stdin=picture, stdout=subprocess.PIPE, pass_fds=(lock,)
    )
    with process:
        try:
            return _collect(process)
        finally:
            # It has ended, or is to end now; `kill` looks.
            process.kill()


def _collect(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    assert process.stdout is not None
    answer = bytearray()
    deadline = time.monotonic() + DEADLINE_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        stop = stop_descriptor()
        if stop is not None:
            selector.register(stop, selectors.EVENT_READ)
        while ready := selector.select(deadline - time.monotonic()):
            if any(key.fd == stop for key, _ in ready):
                break
            chunk = os.read(process.stdout.fileno(), _CHUNK_BYTES)
            if not chunk:
                return process.wait(), bytes(answer)
            answer += chunk
    log.warning("a picture is not decoded in time", seconds=DEADLINE_S, stopping=is_stopping())
    raise Unavailable("The server is busy. Try again in a few seconds.", retry_after_s=RETRY_S)


def _read_answer(status: int, answer: bytes) -> PreparedPicture:
    if -status == signal.SIGXCPU:
        raise Unreadable("This picture takes too long to read. Save it in a smaller size.")
    if -status in _BROKEN:
        raise Unreadable("This picture is damaged. Save it again and retry.")
    if status:
        # Killed by somebody, such as a kernel that has no memory left; or an error of ours, told in the log.
        log.error("the decoder of pictures failed", status=status)
        raise Unavailable(
            "The server couldn't read this picture. Try again in a few seconds.", retry_after_s=RETRY_S
        )
    head, _, files = answer.partition(b"\n")
    about: dict[str, Any] = json.loads(head)
    if "status" in about:
        raise _REFUSALS[about["status"]](about["template"], **about["values"])
    return _unpack(about, files)


def _unpack(about: dict[str, Any], packed: bytes) -> PreparedPicture:
    files, at = {}, 0
    for rendition, suffix, length in about["files"]:
        files[Rendition(rendition), str(suffix)] = packed[at : at + length]
        at += length
    return PreparedPicture(about["width"], about["height"], PictureType(about["type"]), files)
