"""`python -m tests.translations [--write | --add LANGUAGE]`: see `catalogues.py`."""

import sys

from babel.messages import Catalog

from homeroom.translations.catalogues import DOMAIN, FOLDER
from tests.translations.catalogues import extracted, faults, po_files, updated, write


def main(arguments: list[str]) -> int:
    template = extracted()
    if arguments[:1] == ["--add"]:
        (language,) = arguments[1:]
        path = FOLDER / language.lower() / "LC_MESSAGES" / f"{DOMAIN}.po"
        write(path, Catalog(locale=language.replace("-", "_"), header_comment=template.header_comment))
        arguments = ["--write"]
    if arguments == ["--write"]:
        for path in po_files():
            write(path, updated(path, template))
    found = [f"{path}: {fault}" for path in po_files() for fault in faults(path, template)]
    if found:
        found.append("Run `python -m tests.translations --write`, then translate what is empty.")
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
