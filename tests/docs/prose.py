"""The prose linter: holds documents and pages against the rules in docs/style.

`python -m tests.docs.prose [--suggestions] FILE_OR_FOLDER …` prints what breaks them.

The rules are files in Vale's format (https://vale.sh/docs/styles), and this module reads four of its kinds.
docs/decisions/prose.md explains why we don't run Vale. The exit status is 1 if a text breaks a rule of level
`error`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from tests.docs.passages import Passage, passages_of, sentences

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "docs/style"
# Finds the places that break a rule, each with the words for its message.
Finder = Callable[[str], Iterator[tuple[int, tuple[str, ...]]]]


@dataclass(frozen=True)
class Rule:
    """A file of docs/style. Its scope is `text` (everything), `heading`, or `sentence` (of running text)."""

    name: str
    level: str
    message: str
    scope: str
    find: Finder

    def breaches(self, passage: Passage) -> Iterator[tuple[int, str]]:
        """Yield the line and the message for each place that breaks the rule."""
        for start, text in self._pieces(passage):
            for place, words in self.find(text):
                line = passage.line + passage.text.count("\n", 0, start + place)
                yield line, self.message % words[: self.message.count("%s")]

    def _pieces(self, passage: Passage) -> Iterable[tuple[int, str]]:
        if self.scope == "sentence":
            return sentences(passage.text) if passage.scope == "text" else ()
        return [(0, passage.text)] if self.scope in ("text", passage.scope) else ()


def load_rules(folder: Path = STYLE) -> list[Rule]:
    """Read all rules of a folder."""
    lines = (folder / "vocabulary.txt").read_text().splitlines()
    vocabulary = frozenset(line for line in lines if line and not line.startswith("#"))
    return [_load_rule(path, vocabulary) for path in sorted(folder.glob("*.yml"))]


def _load_rule(path: Path, vocabulary: frozenset[str]) -> Rule:
    settings = yaml.safe_load(path.read_text())
    find = FINDERS[settings["extends"]](settings, vocabulary)
    return Rule(path.stem, settings["level"], settings["message"], settings.get("scope", "text"), find)


def _pattern(token: str, settings: dict[str, Any]) -> re.Pattern[str]:
    """Compile a token: a space matches any white space, and `nonword` leaves out the word boundaries."""
    spaced = token.replace(" ", r"\s+")
    flags = re.IGNORECASE if settings.get("ignorecase") else 0
    return re.compile(spaced if settings.get("nonword") else rf"\b(?:{spaced})\b", flags)


def _existence(settings: dict[str, Any], _: frozenset[str]) -> Finder:
    patterns = [_pattern(token, settings) for token in settings["tokens"]]

    def find(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        for pattern in patterns:
            yield from ((match.start(), (_on_one_line(match[0]),)) for match in pattern.finditer(text))

    return find


def _substitution(settings: dict[str, Any], _: frozenset[str]) -> Finder:
    patterns = [(_pattern(was, settings), better) for was, better in settings["swap"].items()]

    def find(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        for pattern, better in patterns:
            yield from ((match.start(), (better, _on_one_line(match[0]))) for match in pattern.finditer(text))

    return find


def _occurrence(settings: dict[str, Any], _: frozenset[str]) -> Finder:
    pattern = re.compile(settings["token"])

    def find(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        count = len(pattern.findall(text))
        if count > settings["max"]:
            yield 0, (str(count),)

    return find


def _sentence_case(_: dict[str, Any], vocabulary: frozenset[str]) -> Finder:
    def find(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        if text[:1].islower():
            yield 0, (text.split()[0],)
        # A word after a colon or a full stop begins a sentence of its own.
        for match in re.finditer(r"(?<![:.?] )(?<!^)(?<![\w.-])[A-Z][\w'’-]*", text):
            if match[0].removesuffix("'s") not in vocabulary:
                yield match.start(), (match[0],)

    return find


FINDERS: dict[str, Callable[[dict[str, Any], frozenset[str]], Finder]] = {
    "existence": _existence,
    "substitution": _substitution,
    "occurrence": _occurrence,
    "capitalization": _sentence_case,
}


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def breaches(source: str, rules: list[Rule], suffix: str = ".md") -> Iterator[tuple[int, Rule, str]]:
    """Yield each place of a document that breaks a rule: its line, the rule, and the message."""
    for passage in passages_of(source, suffix):
        for rule in rules:
            for line, message in rule.breaches(passage):
                yield line, rule, message


def documents(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the named files, and the documents and pages in the named folders."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".md", ".html") and "_build" not in file.parts:
                yield file


@click.command()
@click.option("--suggestions", is_flag=True, help="Show suggestions as well as errors.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(suggestions: bool, paths: tuple[Path, ...]) -> None:
    """Hold prose against the rules in docs/style."""
    rules, errors = load_rules(), 0
    for path in documents(paths):
        for line, rule, message in breaches(path.read_text(), rules, path.suffix):
            errors += rule.level == "error"
            if suggestions or rule.level == "error":
                click.echo(f"{path}:{line}: {message} ({rule.name}, {rule.level})")
    raise SystemExit(1 if errors else 0)


if __name__ == "__main__":
    main()
