"""The site's scripts as files: what a module imports, and where its pages find the API."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from posixpath import dirname, join, normpath

API_CONFIG = "assets/js/api/config.js"

_API_LINE = "const API = null;"
# `import x from '…'`, `import '…'`, `export { x } from '…'`: Biome puts each at the beginning of a line.
# What `import()` loads is for later.
_STATIC_IMPORT = re.compile(
    r"""^(?:import|export)\b(?:[^'";]*\bfrom)?\s*['"](\.{1,2}/[^'"]+)['"]""", re.MULTILINE
)


def modules_of(site: Path, entries: Sequence[str]) -> list[str]:
    """The modules that a page loads, by their paths in the site: its entries, then what these import.

    Raises:
        FileNotFoundError: a module imports what isn't there.
    """
    found = list(dict.fromkeys(entries))
    for module in found:
        source = (site / module).read_text(encoding="utf-8")
        for target in _STATIC_IMPORT.findall(source):
            imported = normpath(join(dirname(module), target))
            if imported not in found:
                # The list grows while it is walked, until nothing new is imported.
                found.append(imported)
    return found


def fill_config(source: str, api: str) -> str:
    """The text of `config.js` with the API's origin written into its constant.

    Raises:
        ValueError: the constant's line is not there exactly once.
    """
    if source.count(_API_LINE) != 1:
        raise ValueError(f"{API_CONFIG} must hold the line {_API_LINE!r} once")
    return source.replace(_API_LINE, f"const API = {json.dumps(api)};")
