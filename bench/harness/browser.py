"""A visit of Debian's Chromium by Lighthouse, on its slow phone; CHROME_PATH names another browser."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.processes import BENCH, last_line
from harness.script import tell
from harness.wrk import UnmeasurableError

LIGHTHOUSE = BENCH / "lighthouse"
PROGRAM = LIGHTHOUSE / "node_modules" / "lighthouse" / "cli" / "index.js"
CHROME_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
VISIT_TIMEOUT_S = 180
# A browser that starts cold may come too late for its own trace; Lighthouse itself then says: run it again.
TOO_LATE, TRIES = "NO_NAVSTART", 3


def install() -> None:
    """Bring Lighthouse as its lock says, if it is not there.

    Raises:
        UnmeasurableError: npm, or what it should bring, is missing.
    """
    if PROGRAM.exists():
        return
    if shutil.which("npm") is None:
        raise UnmeasurableError("npm is missing. Install it: sudo apt-get install npm")
    tell("installing Lighthouse")
    done = subprocess.run(["npm", "ci"], cwd=LIGHTHOUSE, capture_output=True, text=True, check=False)
    if done.returncode:
        # npm tells the reason first, and the path of its log last.
        raise UnmeasurableError(f"npm ci failed: {' '.join(done.stderr.split()[:40])}")


def browser() -> str:
    """The browser to visit with.

    Raises:
        UnmeasurableError: there is none.
    """
    path = os.environ.get("CHROME_PATH") or shutil.which("chromium")
    if path is None:
        raise UnmeasurableError("Chromium is missing. Install it: sudo apt-get install chromium")
    return path


def visit(url: str, headers: Mapping[str, str], folder: Path, categories: Sequence[str]) -> Mapping[str, Any]:
    """Lighthouse's report of one visit.

    Raises:
        UnmeasurableError: Lighthouse gave no report, or the page was not the one that was asked for.
    """
    install()
    report, extra = folder / "report.json", folder / "headers.json"
    extra.write_text(json.dumps(dict(headers)), encoding="utf-8")
    command = ["node", str(PROGRAM), url, "--quiet", "--output=json", f"--output-path={report}"]
    command += [f"--extra-headers={extra}", f"--chrome-flags={CHROME_FLAGS}"]
    command += [f"--only-categories={','.join(categories)}", "--no-enable-error-reporting"]
    for _ in range(TRIES):
        failure = _run(command)
        if TOO_LATE not in failure:
            break
    if failure:
        raise UnmeasurableError(f"Lighthouse failed: {failure}")
    return _checked(json.loads(report.read_text(encoding="utf-8")), url)


def _run(command: list[str]) -> str:
    """Why a visit failed; nothing if it did not."""
    env = os.environ | {"CHROME_PATH": browser()}
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=VISIT_TIMEOUT_S, check=False
    )
    return last_line(done.stderr) if done.returncode else ""


def _checked(report: dict[str, Any], url: str) -> dict[str, Any]:
    if report.get("runtimeError"):
        raise UnmeasurableError(f"Lighthouse: {report['runtimeError']['message']}")
    if report["finalDisplayedUrl"] != url:
        # A guest is sent to the sign-in page.
        raise UnmeasurableError(f"{url} led to {report['finalDisplayedUrl']}")
    return report


def requests_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the browser asked for."""
    items: list[dict[str, Any]] = report["audits"]["network-requests"]["details"]["items"]
    return items


def paths_of(report: Mapping[str, Any], address: str) -> list[str]:
    """The same as paths of one server, in the order in which they were asked for.

    What the browser found in its own cache, because another part of the page had brought it, is left out.
    """
    host = urlsplit(address).netloc
    paths = []
    for item in requests_of(report):
        parts = urlsplit(item["url"])
        if parts.netloc == host and item["transferSize"]:
            paths.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return paths
