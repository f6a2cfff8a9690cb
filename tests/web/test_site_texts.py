"""The texts of pages: each language is complete, pages say nothing else, and readers get their language."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from homeroom.cli.site import site
from homeroom.web.pages import create_site
from homeroom.web.site_export import export_site
from homeroom.web.site_templates import SITE, SitePages
from homeroom.web.site_texts import PLACEHOLDER, Text, language_names, load_catalogue
from tests.docs.passages import Passage
from tests.docs.prose import load_rules

LANGUAGES = language_names(SITE)
ENGLISH = load_catalogue(SITE, "en")
OTHERS = sorted(LANGUAGES.keys() - {"en"})
TEMPLATES = sorted(SITE.rglob("*.html"))
SCRIPTS = sorted(file for file in SITE.rglob("*.js") if "vendor" not in file.parts)

CALL_IN_TEMPLATE = re.compile(r"""\bt\(\s*["']([\w.]+)["']""")
# A call of `t` or `pieces`, with its key if it is written out.
CALL_IN_SCRIPT = re.compile(r"\b(?<!function )(?:t|pieces)\((?:\s*'([\w.]+)')?")
# Python asks for it by itself, for the language switch.
ASKED_BY_THE_SERVER = {"language.name"}
# CLDR's names of plural forms, which `Intl.PluralRules` gives.
PLURAL_FORMS = {"zero", "one", "two", "few", "many", "other"}


def forms_of(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def all_of(texts: dict[str, Text]) -> set[str]:
    return {form for text in texts.values() for form in forms_of(text)}


def keys_in(files: list[Path], pattern: re.Pattern[str]) -> set[str]:
    return {key for file in files for key in pattern.findall(file.read_text(encoding="utf-8"))}


def test_english_and_spanish_are_there_by_their_own_names() -> None:
    assert LANGUAGES == {"en": "English", "es": "Español"}


def test_every_text_is_used_and_every_key_that_is_used_has_a_text() -> None:
    used = keys_in(TEMPLATES, CALL_IN_TEMPLATE) | keys_in(SCRIPTS, CALL_IN_SCRIPT) | ASKED_BY_THE_SERVER

    assert used - {""} - ENGLISH.keys() == set()
    assert ENGLISH.keys() - used == set()


def test_scripts_write_out_each_key_so_that_the_server_finds_it() -> None:
    computed = {
        (script.name, line.strip())
        for script in SCRIPTS
        for line in without_comments(script.read_text(encoding="utf-8")).splitlines()
        if "" in CALL_IN_SCRIPT.findall(line) and not re.search(r"\b(?:t|pieces)\($", line)
    }

    # The module itself hands on what it was given.
    assert computed == {("texts.js", "return pieces(key, values).join('');")}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_every_text_with_the_same_values(language: str) -> None:
    translated = load_catalogue(SITE, language)

    assert list(translated) == list(ENGLISH), "the same keys in the same order"
    for key, text in translated.items():
        wanted = {name for form in forms_of(ENGLISH[key]) for name in PLACEHOLDER.findall(form)}
        for form in forms_of(text):
            assert set(PLACEHOLDER.findall(form)) == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_clean_and_plural_forms_have_names_that_browsers_know(language: str) -> None:
    for key, text in load_catalogue(SITE, language).items():
        for form in forms_of(text):
            assert form == form.strip() != "", key
            assert "<" not in form, f"{key}: elements are put in as values"
            assert "'" not in form, f"{key}: ’ is typographic"
            assert '"' not in form, f"{key}: quotation marks are typographic"
            assert re.sub(PLACEHOLDER, "", form).count("{") == 0, key
        if not isinstance(text, str):
            assert "other" in text, key
            assert text.keys() <= PLURAL_FORMS, key
            assert all("{count}" in form for form in text.values()), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_promises_a_code_from_a_teacher_because_only_admins_give_codes(language: str) -> None:
    promised = re.compile(r"(teacher|docente)[^.]*(code|código)|(code|código)[^.]*(teacher|docente)", re.I)

    texts = load_catalogue(SITE, language)
    assert [text for text in all_of(texts) if promised.search(text)] == []
    assert re.search("drafts|borradores", str(texts["people.teacher_may"]), re.I)
    assert re.search("drafts|borradores", str(texts["people.admin_may"]), re.I)


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_one(language: str) -> None:
    same = {key for key, text in load_catalogue(SITE, language).items() if text == ENGLISH[key]}

    assert same == SAME_IN_SPANISH


# Names, codes and what is made of values alone.
SAME_IN_SPANISH = {
    *("shell.title", "common.id", "docs.title", "codes.uid", "people.button", "picture.failed"),
    *("people.named", "roster.change"),
}


def test_english_texts_keep_to_the_style_of_the_docs() -> None:
    found = [
        f"{key}: {rule.name}: {message}"
        for key, text in ENGLISH.items()
        for form in forms_of(text)
        for rule in load_rules()
        if rule.level == "error"
        for _, message in rule.breaches(Passage(form, 1, "text"))
    ]

    assert found == []


class Written(HTMLParser):
    """What a template says by itself: text between tags, and attributes that people see or hear."""

    SAID = frozenset(
        {"alt", "aria-label", "content", "data-mismatch", "data-missing", "placeholder", "title"}
    )

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: set[str] = set()
        self.feed(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.words |= {value for name, value in attrs if name in self.SAID and value}

    def handle_data(self, data: str) -> None:
        self.words.add(data.strip())


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.relative_to(SITE).as_posix())
def test_a_template_says_nothing_outside_of_the_catalogues(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    said = {word for word in Written(source).words if re.search(r"[^\W\d_]{2}", word)}
    named = set(re.findall(r'\{% set (?:title|description) = (".*?") %\}', source))

    assert said <= {"Homeroom"}, "the site's name is the same everywhere"
    assert named <= {'"Chess club"', '"When the chess club meets."'}, "the example in the shell's comment"


LITERAL = re.compile(r"'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`")
# Words that begin like a sentence, or end like one. Other names in scripts are in lower case.
SENTENCE = re.compile(r"^[A-Z][a-z]+(?: |$)|[a-z] [a-z]+.*[.?!…]$")
# For whoever reads a console or works on the site, and what is the same in every language.
FOR_DEVELOPERS = re.compile(
    r"^(?:This page has no|There is no|The form has no|A text needs|This browser draws nothing)"
    r"|^(?:Error|User|Teacher|Admin|Enter|Escape|Called off\.|Failed to send|Content-Type|Accept|Files|Link)$"
)


def without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:'])//[^\n]*", "", source, flags=re.DOTALL)


def literals(source: str) -> Iterator[str]:
    for single, template in LITERAL.findall(without_comments(source)):
        yield single or re.sub(r"\$\{[^}]*\}", "…", template)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.relative_to(SITE).as_posix())
def test_a_script_says_nothing_outside_of_the_catalogues(script: Path) -> None:
    said = [text for text in literals(script.read_text(encoding="utf-8")) if SENTENCE.search(text)]

    assert [text for text in said if not FOR_DEVELOPERS.search(text)] == []


def test_words_in_a_script_would_be_found() -> None:
    said = "const a = 'Try again'; // 'A comment'\nsay(`Import ${count} people.`, 'button quiet', 'Save');"

    assert [text for text in literals(said) if SENTENCE.search(text)] == [
        "Try again",
        "Import … people.",
        "Save",
    ]


def served(cookie: str | None = None, accepted: str | None = None, path: str = "/users/") -> tuple[str, str]:
    """The language that an answer says it is in, and the one that its page says."""
    client = create_site().test_client()
    if cookie:
        client.set_cookie("lang", cookie)
    answer = client.get(path, headers={"Accept-Language": accepted} if accepted else {})
    (lang,) = re.findall(r'<html lang="(\w+)">', answer.text)
    assert {"Accept-Language", "Cookie"} <= set(answer.headers["Vary"].split(", "))
    return answer.headers["Content-Language"], lang


@pytest.mark.parametrize("path", ["/users/", "/api/docs/", "/no/such/page"])
@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, None, "en"),
        (None, "es", "es"),
        (None, "es-MX,en;q=0.5", "es"),
        (None, "de-DE,es;q=0.8,en;q=0.7", "es"),
        (None, "de, fr", "en"),
        (None, "*", "en"),
        (None, "es;q=0, fr", "en"),
        (None, "\x7f;;q=x", "en"),
        ("es", "en", "es"),
        ("en", "es", "en"),
        ("fr", "es", "es"),
        ("../texts/es", None, "en"),
    ],
)
def test_a_page_is_in_the_readers_language(
    path: str, cookie: str | None, accepted: str | None, language: str
) -> None:
    assert served(cookie, accepted, path) == (language, language)


def test_each_language_of_a_page_has_an_etag_of_its_own() -> None:
    client = create_site().test_client()
    english, spanish = (client.get("/users/", headers={"Accept-Language": one}) for one in ("en", "es"))

    assert english.headers["ETag"] != spanish.headers["ETag"]
    again = client.get("/users/", headers={"Accept-Language": "es", "If-None-Match": spanish.headers["ETag"]})
    assert again.status_code == 304


@pytest.fixture
def client() -> FlaskClient:
    return create_site().test_client()


def texts_in(page: str) -> dict[str, Text]:
    """What a page hands to its scripts."""
    (block,) = re.findall(r'<script type="application/json" id="texts">(.*?)</script>', page, re.DOTALL)
    texts: dict[str, Text] = json.loads(block)
    return texts


def test_a_page_carries_the_texts_of_its_own_scripts_and_no_others(client: FlaskClient) -> None:
    users, staff = (texts_in(client.get(path).text) for path in ("/users/", "/staff/"))

    assert users["users.no_match"] == ENGLISH["users.no_match"]
    assert {key for key in users if key.startswith(("staff.", "roster."))} == set()
    assert staff["people.found"] == ENGLISH["people.found"], "plural forms, too"
    assert len(users) < 40


def test_no_text_ends_the_block_that_it_is_in(tmp_path: Path) -> None:
    said = "</script><b>&amp;'"
    folder = copy_of_site(tmp_path, {"users.next": said, "users.no_match": said})
    page = SitePages(folder).render("users")

    assert texts_in(page)["users.no_match"] == said
    assert "<b>" not in page
    assert ">&lt;/script&gt;&lt;b&gt;&amp;amp;&#39;</button>" in page


def copy_of_site(target: Path, changed: dict[str, str], language: str = "en") -> Path:
    """The users page alone, with other texts."""
    for file in SITE.rglob("*"):
        if file.is_file() and "vendor" not in file.parts:
            copy = target / file.relative_to(SITE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    catalogue = target / "texts" / f"{language}.json"
    catalogue.write_text(json.dumps(dict(load_catalogue(SITE, language)) | changed), encoding="utf-8")
    return target


def test_a_page_that_asks_for_an_unknown_text_fails_in_the_making(tmp_path: Path) -> None:
    folder = copy_of_site(tmp_path, {})
    (folder / "page.js").write_text("import { t } from './assets/js/texts.js';\nt('start.unknown');\n")
    with pytest.raises(KeyError, match=r"start\.unknown"):
        SitePages(folder).render("")


def test_another_catalogue_is_another_language(tmp_path: Path) -> None:
    folder = copy_of_site(tmp_path, {})
    french = dict(load_catalogue(SITE, "en")) | {"language.name": "Français", "nav.users": "Utilisateurs"}
    (folder / "texts/fr.json").write_text(json.dumps(french), encoding="utf-8")
    answer = create_site(folder=folder).test_client().get("/users/", headers={"Accept-Language": "fr-CA"})

    assert '<html lang="fr">' in answer.text
    assert "<h1>Utilisateurs</h1>" in answer.text
    assert ">Français</button>" in answer.text


def test_readers_choose_where_there_is_a_server_and_not_in_an_export(
    client: FlaskClient, tmp_path: Path
) -> None:
    switch = re.findall(r'<button .*?lang="(\w+)" value="(\w+)"(.*?)>(\w+)<', client.get("/").text)
    assert switch == [("en", "en", ' aria-current="true"', "English"), ("es", "es", "", "Español")]
    assert "language-switch.js" in client.get("/").text

    export_site(tmp_path, api="https://class.example.org", language="es")
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) == len(SitePages().names()) + 1
    for page in pages:
        source = page.read_text(encoding="utf-8")
        assert '<html lang="es">' in source, page
        assert "language-switch" not in source, page


def test_the_command_exports_a_language_that_there_is(tmp_path: Path) -> None:
    export = ["export", str(tmp_path / "out"), "--api", "https://class.example.org", "--language"]

    refused = CliRunner().invoke(site, [*export, "xx"])
    assert refused.exit_code == 2
    assert "Choose from: en, es" in refused.output
    assert CliRunner().invoke(site, [*export, "es"]).exit_code == 0
    assert "<h1>Usuarios</h1>" in (tmp_path / "out/users/index.html").read_text(encoding="utf-8")
