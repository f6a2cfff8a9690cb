"""What a JPEG will cost, told from its segments before anything is decoded: ITU-T T.81, annex B."""

import re
import struct
from dataclasses import dataclass
from typing import IO

# Behind a scan's header come its bits, in which 0xFF is followed by zero or a restart's number. 0xFF01, too,
# has no length behind it.
_NEXT_MARKER = re.compile(rb"\xff+[^\x00\x01\xff\xd0-\xd7]")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Frames, without the three of these numbers that are tables (DHT, JPG, DAC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
# Camera makers write a dozen or two, profiles and thumbnails among them.
MAX_SEGMENTS = 5_000


class StrangeJpegError(ValueError):
    """Its segments are no JPEG's, or far too many."""


@dataclass(frozen=True)
class JpegCost:
    """How often the picture is gone over, and the bytes of coefficients that are kept until the last time."""

    scans: int
    coefficient_bytes: int


def jpeg_cost(file: IO[bytes]) -> JpegCost:
    """Count a JPEG's scans; its place in the file is kept.

    A JPEG of one scan, if it is not progressive, is decoded row by row, and keeps no coefficients.

    Raises:
        StrangeJpegError: it cannot be told.
    """
    place = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(place)
    scans, samples, kept, at = 0, 0, False, 2
    for _ in range(MAX_SEGMENTS):
        marker = _NEXT_MARKER.search(data, at)
        if marker is None or data[marker.end() - 1] == _END_OF_IMAGE:
            return JpegCost(scans, 2 * samples if kept or scans > 1 else 0)
        kind, at = data[marker.end() - 1], marker.end()
        if kind in _FRAMES:
            samples, kept = max(samples, _samples(data, at)), kept or kind in _PROGRESSIVE
        scans += kind == _START_OF_SCAN
        if at + 2 > len(data):
            raise StrangeJpegError
        at += int.from_bytes(data[at : at + 2], "big")
    raise StrangeJpegError


def _samples(data: bytes, at: int) -> int:
    """The samples of all components of a frame, in whole blocks of eight."""
    try:
        _, _, height, width, count = struct.unpack_from(">HBHHB", data, at)
        factors = [divmod(data[at + 9 + 3 * number], 16) for number in range(count)]
    except (struct.error, IndexError):
        raise StrangeJpegError from None
    widest = max((across for across, _ in factors), default=1) or 1
    highest = max((down for _, down in factors), default=1) or 1
    return sum(
        _in_blocks(width * across // widest) * _in_blocks(height * down // highest)
        for across, down in factors
    )


def _in_blocks(length: int) -> int:
    return (length // 8 + 1) * 8
