"""Photographs to upload: noisy JPEGs, no two of them alike."""

from bisect import bisect_left
from io import BytesIO

from PIL import Image

MEGABYTE = 1024 * 1024
_QUALITIES = range(20, 98)


def make_photograph(max_bytes: int, width: int, height: int) -> bytes:
    """A JPEG of this size in pixels, of at most so many bytes and hardly fewer."""
    noise = Image.effect_noise((width // 8, height // 8), 90)
    noise = noise.resize((width, height), Image.Resampling.BICUBIC)
    picture = Image.merge("RGB", (noise, noise.transpose(Image.Transpose.ROTATE_180), noise))

    def encode(quality: int) -> bytes:
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()

    lowest, highest = 20, 98
    too_large = bisect_left(
        range(lowest, highest), True, key=lambda quality: len(encode(quality)) > max_bytes
    )
    return encode(lowest + max(0, too_large - 1))
