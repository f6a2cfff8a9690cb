"""HEIC, as iPhones keep their photographs: told by its first bytes, and refused with a way on.

docs/decisions/pictures.md says why it is not decoded here.
"""

from homeroom.translations.messages import message

TYPES = frozenset({"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"})
REMEDY = message(
    "This is a HEIC picture, which only some devices can show. Send it as JPEG. On an iPhone, choose "
    "Settings > Camera > Formats > Most Compatible before you take it. On a Mac, open it in Preview and "
    "choose File > Export. On Windows, open it in Photos and choose Save as."
)
# How much of a file `is_heic` looks at.
HEAD_BYTES = 12
# The brands of ISO/IEC 23008-12 whose pictures are coded as HEVC; `mif1` names any coding.
_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)


def is_heic(head: bytes) -> bool:
    """Whether a file that begins like this is HEIC, whatever it is called."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS
