"""How long `homeroom serve` takes until it is ready, from the command to the first good answer.

The first start warms the disk's cache and is not counted.
"""

import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import requests

from harness.claims import Claim, interleave
from harness.homeroom import CORES, READY, homeroom, prepare
from harness.people import make_class
from harness.processes import ServiceFailedError
from harness.results import Result
from harness.script import finish, read_options, tell
from harness.wrk import UnmeasurableError


def start(settings: Mapping[str, str], workers: int) -> float:
    """Seconds until the service said that it is ready.

    Raises:
        UnmeasurableError: it did not become ready.
    """
    started = time.perf_counter()
    try:
        with homeroom(settings, workers=workers) as service:
            elapsed_s = time.perf_counter() - started
            status = requests.get(service.address + READY, timeout=10).status_code
    except ServiceFailedError as error:
        raise UnmeasurableError(str(error)) from None
    if status != 200:
        raise UnmeasurableError(f"it answered, but was not ready: {status}")
    return elapsed_s


def main() -> None:
    options = read_options(__doc__, rounds=5)
    with tempfile.TemporaryDirectory() as folder:
        settings = prepare(Path(folder), make_class())
        start(settings, 1)
        names = {f"{workers} worker{'s' if workers > 1 else ''}": workers for workers in sorted({1, CORES})}
        probes = {name: partial(start, settings, workers) for name, workers in names.items()}
        series = interleave(probes, rounds=options.rounds, unit="s", tell=tell)
    claims = tuple(Claim(f"ready, {name}", name, at_most=2) for name in names)
    finish(Result("start", "Start", series, claims), options)


if __name__ == "__main__":
    main()
