"""`systemctl start|stop homeroom@PORT.service` of a machine without systemd, for tests.

`python -m tests.deploy.bare_service start|stop FOLDER UNIT`; the settings are those of FOLDER/homeroom.env.
What runs is what deploy/systemd/homeroom@.service has: `homeroom prepare`, then `homeroom serve`.
"""

import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from tests.deploy import supervisor

RUN = 'site=$SITE_URL; "$0" prepare --site "$site" && exec "$0" serve --port "$1" --workers 2'


def run(action: str, folder: Path, unit: str) -> None:
    port = unit.removeprefix("homeroom@").removesuffix(".service")
    if action == "stop":
        supervisor.stop(folder, port)
        return
    settings = {name: value for name, value in dotenv_values(folder / "homeroom.env").items() if value}
    program = folder / "slots" / port / "bin/homeroom"
    supervisor.start(folder, port, ["sh", "-c", RUN, program, port], os.environ | settings)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
