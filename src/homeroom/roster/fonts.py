"""Fonts for names in any script: the one that is installed with us, then those of this machine.

FiraGO draws Latin, Greek, Cyrillic, Arabic, Hebrew, Devanagari, Thai and Georgian, Fira Mono the
codes. Both come with the `pymupdf-fonts` package, which holds nothing but fonts (SIL Open Font
License). The tens of megabytes that Chinese, Japanese and Korean need are not installed for a sheet
of paper: a font of the machine that draws them is used, or one that is given.
"""

import os
import struct
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from pymupdf_fonts import FiraGO_Bold, FiraGO_Regular, FiraMono_Bold

SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
# Reading the character map of a font takes a few milliseconds; a designer's machine has thousands.
_MAX_FONTS_READ = 400
# Joiners, spaces and variation selectors leave no ink of their own.
_WITHOUT_INK = ("Cf", "Zs")
_VARIATION_SELECTORS = frozenset((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))


class FontError(Exception):
    """A font file that was asked for cannot be used; the text says why."""


@dataclass(frozen=True)
class Font:
    """A font file and the characters that it draws."""

    path: Path
    characters: frozenset[int]

    def missing(self, characters: Iterable[int]) -> set[int]:
        return set(characters) - self.characters


@dataclass(frozen=True)
class FontSet:
    """The fonts for one sheet, in the order in which they are asked for a character."""

    names: Font
    text: Font
    codes: Font
    others: tuple[Font, ...]

    def draws(self, text: str) -> bool:
        """Whether every character of a text is drawn by one of the fonts."""
        missing = drawn_characters(text)
        for font in (self.names, *self.others):
            missing = font.missing(missing)
        return not missing


def drawn_characters(text: str) -> set[int]:
    """The characters of a text that leave ink."""
    inked = {ord(mark) for mark in text if unicodedata.category(mark) not in _WITHOUT_INK}
    return inked - _VARIATION_SELECTORS


def find_fonts(texts: Iterable[str], folder: Path, given: Iterable[Path] = ()) -> FontSet:
    """The fonts that draw these texts, as far as this machine has them.

    `folder` is where the fonts that come as Python modules are unpacked; it outlives their use.

    Raises:
        FontError: a font among `given` cannot be read.
    """
    names = _unpacked(folder / "FiraGO-Bold.ttf", FiraGO_Bold.fontbuffer)
    text = _unpacked(folder / "FiraGO-Regular.ttf", FiraGO_Regular.fontbuffer)
    codes = _unpacked(folder / "FiraMono-Bold.ttf", FiraMono_Bold.fontbuffer)
    others = [_given(path) for path in given]
    missing: set[int] = set().union(*(drawn_characters(one) for one in texts))
    for font in (names, *others):
        missing = font.missing(missing)
    if missing:
        others += _installed_fonts_for(missing)
    return FontSet(names, text, codes, tuple(others))


def _unpacked(path: Path, data: bytes) -> Font:
    path.write_bytes(data)
    return _given(path)


def _given(path: Path) -> Font:
    font = _read(path)
    if font is None:
        raise FontError(f"{path} isn't a TrueType or OpenType font. Pass a .ttf, .otf or .ttc file.")
    return font


def _read(path: Path) -> Font | None:
    """The font in a file; None where it holds no outlines or is damaged."""
    try:
        with path.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as font:
            # Fonts of coloured pictures, such as emoji, have no outlines to print.
            if "glyf" not in font and "CFF " not in font:
                return None
            return Font(path, frozenset(font.getBestCmap() or ()))
    except (OSError, TTLibError, ValueError, LookupError, AssertionError, struct.error):
        return None


def _installed_fonts_for(missing: set[int]) -> Iterator[Font]:
    """The fonts of this machine that draw what is missing, each time the one that draws most."""
    installed = [font for path in _installed() if (font := _read(path)) is not None]
    while missing and installed:
        best = min(installed, key=lambda font: len(font.missing(missing)))
        left = best.missing(missing)
        if len(left) == len(missing):
            return
        missing = left
        yield best


def _installed() -> list[Path]:
    """Font files of this machine, upright text faces first."""
    found = [
        Path(folder, name)
        for root in _font_folders()
        for folder, _, names in os.walk(root)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES
    ]
    return sorted(found, key=_unlikeliness)[:_MAX_FONTS_READ]


def _unlikeliness(path: Path) -> tuple[int, str]:
    name = path.stem.casefold()
    marks = ("sans" not in name, "bold" in name, "italic" in name or "oblique" in name)
    return (sum(marks) + 2 * ("mono" in name), str(path))


def _font_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", r"C:\Windows"), "Fonts")]
    return [
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".local/share/fonts",
        home / ".fonts",
    ]
