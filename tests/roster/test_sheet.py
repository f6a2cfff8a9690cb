"""The sheet to cut up: what is on it, in which scripts, and who may read the file."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from pymupdf_fonts import FiraGO_Regular

from homeroom.roster import fonts as fonts_module
from homeroom.roster.fonts import FontError
from homeroom.roster.invitations import Invitation
from homeroom.roster.sheet import MARGIN, PAGE_SIZE, make_csv, make_pdf, write_private

SITE = "https://class.example.org"
ENDS = datetime(2027, 1, 21, tzinfo=UTC)


def invite(*names: str) -> list[Invitation]:
    return [Invitation(f"u{n}", name, f"AB{n:02}-CDEF-GHJK", ENDS) for n, name in enumerate(names)]


def pages(content: bytes) -> Sequence[pypdf.PageObject]:
    return pypdf.PdfReader(io.BytesIO(content)).pages


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pages(content))


def test_a_slip_has_all_that_someone_needs_to_join() -> None:
    text = text_of(make_pdf(invite("Ada Lovelace"), SITE).content)
    for part in ("Ada Lovelace", "u0", "AB00-CDEF-GHJK", f"{SITE}/join/", "21 Jan 2027"):
        assert part in text


def test_a_slip_is_in_the_language_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts_module, "_installed", list)
    english, spanish = (make_pdf(invite("Ada", "関孝和"), None, language=one) for one in ("en", "es"))
    for text in ("Elige tu propia contraseña con este código en", "la página Unirse del sitio de tu clase"):
        assert text in text_of(spanish.content)
    assert "Sirve una sola vez, hasta el 21 ene 2027." in text_of(spanish.content)
    assert "(este equipo no tiene ninguna fuente para este nombre)" in text_of(spanish.content)
    same = set(text_of(english.content).splitlines()) & set(text_of(spanish.content).splitlines())
    # A name, an ID and a code are the same in every language.
    assert same == {"Ada", "ID: u0", "ID: u1", "AB00-CDEF-GHJK", "AB01-CDEF-GHJK"}
    documents = [pypdf.PdfReader(io.BytesIO(one.content)) for one in (english, spanish)]
    assert [one.metadata.title for one in documents] == ["Join codes", "Códigos de acceso"]
    assert [one.trailer["/Root"]["/Lang"] for one in documents] == ["en", "es"]


def test_the_code_on_the_screen_leads_to_the_page_with_it_filled_in() -> None:
    (page,) = pages(make_pdf(invite("Ada"), SITE).content)
    (link,) = page["/Annots"]
    assert link.get_object()["/A"]["/URI"] == f"{SITE}/join/#code=AB00-CDEF-GHJK"


def test_without_a_site_there_is_no_address_to_mislead() -> None:
    (row,) = csv.DictReader(io.StringIO(make_csv(invite("Ada"), None).content.decode("utf-8-sig")))
    assert (row["code"], row["address"]) == ("AB00-CDEF-GHJK", "")
    content = make_pdf(invite("Ada"), None).content
    assert "http" not in text_of(content)
    assert "/Annots" not in pages(content)[0]


@pytest.mark.parametrize(("people", "sheets"), [(1, 1), (12, 1), (13, 2), (60, 5)])
def test_twelve_slips_stand_on_a_page_and_none_is_split(people: int, sheets: int) -> None:
    made = pages(make_pdf(invite(*["Ada Lovelace"] * people), SITE).content)
    assert len(made) == sheets
    assert sum(page.extract_text().count("Ada Lovelace") for page in made) == people
    assert sum(page.extract_text().count("-CDEF-GHJK") for page in made) == people


def test_a_page_fits_on_a4_and_on_letter() -> None:
    a4, letter = (210, 297), (215.9, 279.4)
    assert all(side <= min(sides) for side, *sides in zip(PAGE_SIZE, a4, letter, strict=True))
    assert MARGIN >= 10  # what printers cannot reach


@pytest.mark.parametrize(
    "name",
    [
        "José Ñandú",
        "Șerban Łukasz",
        "Nguyễn Thị Ánh",
        "Софья Ковалевская",
        "Ὑπατία",
        "דוד כהן",
        "สมชาย",
        "ქეთევან",
    ],
)
def test_names_in_other_scripts_are_drawn_with_the_font_that_comes_along(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts_module, "_installed", list)
    sheet = make_pdf(invite(name), SITE)
    assert sheet.undrawn == ()
    assert name in text_of(sheet.content)


@pytest.mark.parametrize("name", ["محمد الخوارزمي", "शर्मा", "Ada\u200d", "e\u0301"])
def test_joined_and_combined_letters_are_drawn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts_module, "_installed", list)
    assert make_pdf(invite(name), SITE).undrawn == ()


@pytest.mark.parametrize("name", ["関孝和", "김철수", "Ada 𓀀", "😀"])
def test_a_name_that_no_font_draws_is_replaced_in_words_and_reported(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts_module, "_installed", list)
    sheet = make_pdf(invite("Ada", name), SITE)
    assert sheet.undrawn == ("u1",)
    text = text_of(sheet.content)
    assert "no font for" in text
    assert "AB01-CDEF-GHJK" in text


def test_fonts_of_the_machine_draw_what_ours_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font at all")
    (tmp_path / "Full Sans.ttf").write_bytes(FiraGO_Regular.fontbuffer)
    monkeypatch.setattr(fonts_module, "_font_folders", lambda: [tmp_path, tmp_path / "missing"])
    assert [path.name for path in fonts_module._installed()] == ["Full Sans.ttf", "broken.ttf"]
    found = fonts_module.find_fonts(["関"], tmp_path)
    assert found.others == ()
    monkeypatch.setattr(fonts_module, "FiraGO_Bold", fonts_module.FiraMono_Bold)
    (font,) = fonts_module.find_fonts(["דוד 関"], tmp_path).others
    assert font.path.name == "Full Sans.ttf"


def test_a_font_may_be_given_and_has_to_be_one(tmp_path: Path) -> None:
    given = tmp_path / "given.ttf"
    given.write_bytes(FiraGO_Regular.fontbuffer)
    assert make_pdf(invite("Ada"), SITE, [given]).undrawn == ()
    given.write_bytes(b"no font at all")
    with pytest.raises(FontError, match="isn't a TrueType"):
        make_pdf(invite("Ada"), SITE, [given])


def test_the_longest_name_and_id_stay_on_their_slip() -> None:
    people = [Invitation("u" * 64, "W" * 100, "AB00-CDEF-GHJK", ENDS)]
    text = text_of(make_pdf(people, "https://" + "long." * 20 + "example.org").content)
    assert "WWW…" in text
    assert "u" * 64 in text


def test_a_table_holds_the_same_and_opens_in_spreadsheets() -> None:
    content = make_csv(invite("Ada Lovelace", "関孝和"), SITE).content
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["Ada Lovelace", "関孝和"]
    assert rows[0]["address"] == f"{SITE}/join/#code={rows[0]['code']}"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_name_that_looks_like_a_formula_is_text_in_the_table(start: str) -> None:
    people = [Invitation(f"{start}1", f"{start}HYPERLINK(A1)", "AB00-CDEF-GHJK", ENDS)]
    (row,) = csv.DictReader(io.StringIO(make_csv(people, SITE).content.decode("utf-8-sig")))
    assert row["name"] == f"'{start}HYPERLINK(A1)"
    assert row["uid"] == f"'{start}1"


def test_a_file_of_codes_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    write_private(path, b"first", overwrite=False)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_private(path, b"second", overwrite=False)
    assert path.read_bytes() == b"first"
    path.chmod(0o644)
    write_private(path, b"second", overwrite=True)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"second", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_lying_about_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inside").touch()
    with pytest.raises(OSError, match="folder"):
        write_private(tmp_path / "folder", b"codes", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
