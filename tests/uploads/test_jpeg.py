"""What a JPEG will cost, told before it is decoded."""

import io

import pytest

from homeroom.uploads.jpeg import MAX_SEGMENTS, StrangeJpegError, jpeg_cost
from tests.uploads.test_decoding import flat, with_scans


@pytest.fixture
def storage_kind() -> str:
    """Nothing is stored here."""
    return "none"


def test_scans_and_coefficients_are_counted() -> None:
    baseline = jpeg_cost(io.BytesIO(flat("RGB", (800, 600))))
    assert (baseline.scans, baseline.coefficient_bytes) == (1, 0)
    progressive = jpeg_cost(io.BytesIO(flat("RGB", (800, 600), progressive=True)))
    assert progressive.scans == 10
    assert 2 * 1.5 * 800 * 600 <= progressive.coefficient_bytes <= 2 * 1.6 * 800 * 600
    assert jpeg_cost(io.BytesIO(with_scans(7))).scans == jpeg_cost(io.BytesIO(with_scans(0))).scans + 7


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\xe5\x00\x02" * (MAX_SEGMENTS + 1),
        b"\xff\xd8\xff\xe5\x00",
        b"\xff\xd8\xff\xc0\x00\x11\x08",
        b"\xff\xd8" + b"\xff\xe5\x00\x00" * (MAX_SEGMENTS + 1),
    ],
    ids=["too many segments", "no length", "a short frame", "lengths of zero"],
)
def test_what_cannot_be_told_is_refused(data: bytes) -> None:
    with pytest.raises(StrangeJpegError):
        jpeg_cost(io.BytesIO(data))
