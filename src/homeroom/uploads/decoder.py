"""The decoder: a process for one picture, which may take so much time and memory, and nothing else.

`python -m homeroom.uploads.decoder ENDING PARENT < picture`, started by `decoding.py`, which reads the
answer.
"""

import io
import json
import os
import resource
import sys
import warnings
from typing import Any

from homeroom.data.child_processes import end_with
from homeroom.uploads.encoding import PreparedPicture
from homeroom.uploads.pictures import RefusedPictureError, prepare

MAX_MEMORY_BYTES = 384 * 1024 * 1024
# Of the processor, not of the clock: a busy machine is not the picture's fault.
MAX_CPU_S = 12
# Pages get the processor first.
NICE = 10


def main() -> None:
    """Read the picture from the standard input, and answer on the standard output."""
    ending, parent = sys.argv[1:]
    end_with(int(parent))
    data = sys.stdin.buffer.read()
    _limit(len(data))
    warnings.simplefilter("ignore")
    sys.stdout.buffer.write(answer(data, ending))
    sys.stdout.buffer.flush()


def answer(data: bytes, ending: str) -> bytes:
    """What became of a picture: a line of JSON, and behind it the bytes of the files that it names."""
    try:
        about, files = _describe(prepare(io.BytesIO(data), ending=ending))
    except RefusedPictureError as refusal:
        about = {"status": refusal.status, "template": refusal.template, "values": refusal.values}
        files = []
    return b"".join([json.dumps(about).encode(), b"\n", *files])


def _describe(prepared: PreparedPicture) -> tuple[dict[str, Any], list[bytes]]:
    names = [[rendition, suffix, len(data)] for (rendition, suffix), data in prepared.files.items()]
    about = {"width": prepared.width, "height": prepared.height, "type": prepared.type, "files": names}
    return about, list(prepared.files.values())


def _limit(picture_bytes: int) -> None:
    """Less is refused by the operating system, whatever the picture makes a library do."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        memory = MAX_MEMORY_BYTES + 2 * picture_bytes
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    main()
