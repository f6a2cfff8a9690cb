"""The guarded list through Nginx as well as bare."""

import tempfile
from functools import partial
from pathlib import Path

from harness.claims import Claim, Series, interleave
from harness.homeroom import homeroom, prepare
from harness.load import load
from harness.nginx import behind_nginx
from harness.people import make_class
from harness.processes import Service, ServiceFailedError
from harness.results import Result
from harness.script import Options, finish, read_options, tell

PEOPLE = make_class()
NAMES = ("Bare", "Through Nginx")
UNIT = "requests/s"


def rate(service: Service, options: Options) -> float:
    return load(service, seconds=options.seconds).requests_per_s


def measure(options: Options, folder: Path) -> tuple[Series, ...]:
    front = folder / "nginx"
    front.mkdir()
    folder.chmod(0o755)
    settings = prepare(folder / "homeroom", PEOPLE) | {"TRUSTED_PROXIES": "1"}
    try:
        with (
            homeroom(settings, caller=PEOPLE[-1].uid) as bare,
            behind_nginx(bare, front) as proxied,
        ):
            services = dict(zip(NAMES, (bare, proxied), strict=True))
            probes = {name: partial(rate, service, options) for name, service in services.items()}
            return interleave(probes, rounds=options.rounds, unit=UNIT, tell=tell)
    except ServiceFailedError as error:
        return tuple(Series(name, UNIT, (), (str(error),)) for name in NAMES)


def main() -> None:
    options = read_options(__doc__, rounds=5, seconds=2)
    with tempfile.TemporaryDirectory() as folder:
        series = measure(options, Path(folder))
    claims = (Claim("through Nginx compared with direct", "Through Nginx", "Bare"),)
    finish(Result("nginx", "Through Nginx", series, claims), options)


if __name__ == "__main__":
    main()
