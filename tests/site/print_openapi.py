"""Print the API's OpenAPI document, from which the site's scripts get their types."""

import sys
import tempfile

from homeroom.app import create_app
from homeroom.config import load_config


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(
            instance_path=folder, secret_key="nothing is signed with it" * 2, log_level="ERROR"
        )
        sys.stdout.write(create_app(config).test_client().get("/api/openapi.json").text)


if __name__ == "__main__":
    main()
