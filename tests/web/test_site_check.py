"""The check of the site's scripts and styles where Node is missing; what it finds is seen by `make check`."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[1] / "site/check.sh"


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_node_the_site_is_skipped_loudly_and_in_ci_not_at_all(
    tmp_path: Path, ci: str, status: int
) -> None:
    for tool in ("sh", "dirname", "basename"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)

    done = subprocess.run(
        [CHECK, "/usr/bin/python3"],
        env={"PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "NOT CHECKED. Install Node.js" in done.stderr
    assert done.returncode == status
