"""Every rule for prose finds a bad sentence and passes a good one."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.docs import prose
from tests.docs.prose import Rule, breaches, load_rules

RULES = load_rules()

# For each rule: what it must find, and how to say the same thing well.
EXAMPLES = {
    "Exclamation": ("The import worked!", "The import worked: `set -e; [ ! -f key ]`."),
    "Headings": ("# Back Up And Restore", "# Back up to S3: PostgreSQL and more"),
    "Latin": ("Use a bucket, e.g. on S3.", "Use a bucket, for example on S3."),
    "NoSubject": ("No account is deleted.", "An import doesn't delete accounts."),
    "OldWords": ("An admin mends the row anew.", "An admin fixes the row again."),
    "Passive": ("The file was deleted.", "Homeroom deletes the file."),
    "PassiveAgent": ("The file is read by the server.", "The server reads the file."),
    "Please": ("Please choose a password.", "Choose a password."),
    "RelativeSubject": ("Who signed up alone has to wait.", "Who may sign up? People with a code."),
    "SentenceLength": ("Homeroom " + "very " * 30 + "much.", "Homeroom works. " * 31),
    "SentenceLengthGoal": ("Homeroom " + "very " * 20 + "much.", "Homeroom works. " * 21),
    "Tell": ("`doctor` tells whether it works.", "`doctor` tells you whether it works."),
    "ThereIs": ("Sign in when there is no session.", "Sign in when the session has ended."),
    "ThereIsAtStart": ("There are two ways to join.", "You can join in two ways."),
    "Translation": ("Greet who is signed in.", "Greet the signed-in user."),
    "Words": ("Simply run `make`.", "Run `make`."),
}


def found(source: str, suffix: str = ".md") -> list[str]:
    return [rule.name for _, rule, _ in breaches(source, RULES, suffix)]


def test_every_rule_has_an_example() -> None:
    assert sorted(EXAMPLES) == [rule.name for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_finds_the_bad_sentence_and_leaves_the_good_one_alone(rule: Rule) -> None:
    bad, good = EXAMPLES[rule.name]
    assert rule.name in found(bad)
    assert rule.name not in found(good)


@pytest.mark.parametrize(
    "sentence",
    [
        "Nobody has this ID, or has made a project public, and there is none.",
        "An endpoint to whom nobody is admitted.",
        "An archive takes the place of it.",
        "Say what shall be different.",
        "Mend the refused rows.",
        "Long lists come as gzip to whom takes it.",
        "The volume and the bucket stay and cost on.",
        "The report tells which columns are taken.",
        "What is answered from memory is logged at `DEBUG` only.",
    ],
)
def test_signs_of_translation_are_found(sentence: str) -> None:
    assert found(sentence)


def test_a_breach_names_its_line_and_what_to_do() -> None:
    source = "# Title\n\nA first line\nand a second one with a `utilize` in code.\nWe utilize it.\n"
    ((line, rule, message),) = breaches(source, RULES)
    assert (line, rule.name) == (5, "Words")
    assert message == "Say 'use' instead of 'utilize'."


def test_code_comments_and_link_targets_are_not_read() -> None:
    assert found("```sh\nplease shall mend\n```\n\n<!-- please -->\n\n[Here](please.md) is `shall`.\n") == []


def test_cells_lists_and_quotations_are_read() -> None:
    assert found("| A | B |\n|---|---|\n| x | please |\n\n- shall\n\n> anew\n") == [
        "Please",
        "Translation",
        "OldWords",
    ]


def test_pages_are_read_with_their_labels() -> None:
    page = """<!doctype html><title>Sign in Now</title>
        <p>Choose <strong>your</strong> <code>please</code> name, please.</p>
        <script>shall();</script><button aria-label="Mend it">OK</button>"""
    assert found(page, ".html") == ["Headings", "Please", "OldWords"]
    assert [line for line, _, _ in breaches(page, RULES, ".html")] == [1, 2, 3]


def test_an_error_fails_the_check_and_a_suggestion_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("The file was deleted.\n")
    assert CliRunner().invoke(prose.main, [str(tmp_path)]).exit_code == 0
    suggested = CliRunner().invoke(prose.main, ["--suggestions", str(tmp_path)])
    assert (suggested.exit_code, "(Passive, suggestion)" in suggested.output) == (0, True)
    page.write_text("Please wait.\n")
    refused = CliRunner().invoke(prose.main, [str(tmp_path)])
    assert (refused.exit_code, "page.md:1: Leave out 'Please'." in refused.output) == (1, True)
