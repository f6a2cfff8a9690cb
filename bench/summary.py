"""Writes docs/reference/performance.md from the results of the other scripts, and draws its pictures."""

import argparse
from pathlib import Path

from harness.page import write_page
from harness.results import RESULTS, Result, load_results
from harness.script import tell

ROOT = Path(__file__).parent.parent
PAGE, PICTURES = Path("reference/performance.md"), Path("images/bench")


def draw_all(results: list[Result], docs: Path) -> dict[str, str]:
    """Draw what can be drawn; the pictures' addresses as the page names them."""
    # The tests, which check the page, have no matplotlib; it takes a second to load.
    from harness.plots import draw

    drawn = [result.name for result in results if draw(result, docs / PICTURES / f"{result.name}.svg")]
    return {name: f"../{PICTURES}/{name}.svg" for name in drawn}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder with the JSON files")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder of the documentation")
    parser.add_argument("--without-pictures", action="store_true", help="write the page alone")
    given = parser.parse_args()
    results = load_results(given.results)
    if not results:
        raise SystemExit(f"There are no results in {given.results}. `make bench` makes them.")
    pictures = {} if given.without_pictures else draw_all(results, given.docs)
    page = given.docs / PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(write_page(results, pictures), encoding="utf-8")
    tell(f"wrote {page}")


if __name__ == "__main__":
    main()
