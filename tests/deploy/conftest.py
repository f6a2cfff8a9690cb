"""What the deployment tests stand on: the application, and what stands in front of it."""

from collections.abc import Iterator

import pytest

from tests.deploy.application import application
from tests.servers import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The application, for those who put something in front of it."""
    with application(tmp_path_factory.mktemp("instance")) as (server, _code):
        yield server
