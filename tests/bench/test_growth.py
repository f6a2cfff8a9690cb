"""What grows: the slope of a page's cost, and the versions of Python that there are."""

from pathlib import Path

import pytest


def test_the_slope_is_what_each_tenfold_adds() -> None:
    from harness import growth
    from harness.claims import Series

    small, large = (growth.label("SQLite", "first", size) for size in growth.SIZES)
    measured = [Series(small, growth.UNIT, (1.0, 2.0)), Series(large, growth.UNIT, (1.3, 2.6))]
    (slope,) = growth.slopes("SQLite", ("first", "deep"), "", measured)
    assert slope.name == "SQLite, first: each tenfold adds"
    # From a thousand to a million there are three.
    assert slope.rounds == pytest.approx((0.1, 0.2))


def test_every_form_of_a_page_is_held_to_its_limit() -> None:
    from harness import growth
    from large_portfolio import FORMS

    held = {claim.over for claim in growth.claims(tuple(FORMS))}
    assert held == {
        growth.label(kind, form, growth.SIZES[-1]) for kind in ("SQLite", "PostgreSQL") for form in FORMS
    }
    assert {claim.at_most for claim in growth.claims(tuple(FORMS))} == {1.5}


def test_a_version_of_python_that_is_not_there_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness import pythons
    from harness.processes import ServiceFailedError

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceFailedError, match="not installed"):
        pythons.environment("3.99", tmp_path)


def test_pyenv_gives_the_newest_of_a_version_and_the_free_threaded_one_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness import pythons

    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("3.14.0", "3.14.1", "3.14.1t"):
        program = tmp_path / ".pyenv/versions" / name / "bin/python"
        program.parent.mkdir(parents=True)
        program.touch()
    found = [pythons.find(version) for version in ("3.14", "3.14t")]
    assert [path and path.parts[-3] for path in found] == ["3.14.1", "3.14.1t"]


def test_a_roster_of_the_storm_has_people_whom_no_other_had() -> None:
    from roster_storm import LINES, roster

    first, second = (set(roster(number).splitlines()[1:]) for number in (0, 1))
    assert len(first) == LINES
    assert first.isdisjoint(second)
