"""What the deployment tests stand on, and what they say when AWS cannot be shown here."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.deploy.application import application
from tests.deploy.aws_journeys import Recovery, recover
from tests.deploy.aws_operator import what_is_missing
from tests.deploy.cloud import Cloud, cloud
from tests.servers import Server

_NEEDS_TERRAFORM = "aws"


# An image, or a site in the cloud, takes minutes where others work, too.
_TIMEOUT_S = 900
# Files whose set-ups take longest come first, so that no worker waits for another one's at the end.
_LONG_FILES = ("test_update", "test_machine", "test_container", "test_aws", "test_rehearse")


def _place_of(item: pytest.Item) -> int:
    return _LONG_FILES.index(item.path.stem) if item.path.stem in _LONG_FILES else len(_LONG_FILES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place_of)
    reason = what_is_missing()
    for item in items:
        if item.get_closest_marker("deploy") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_TIMEOUT_S))
        if reason and item.get_closest_marker(_NEEDS_TERRAFORM):
            # No registry has Terraform, so a machine may lack it; the summary below says it in red, CI's too.
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The registries do not have Terraform, so that its absence is no fault; but nobody shall overlook it."""
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if _NEEDS_TERRAFORM in report.keywords
    ]
    if skipped:
        told = f"AWS IS NOT CHECKED: {len(skipped)} tests did not run, because {what_is_missing()}."
        terminalreporter.write_sep("!", told, red=True, bold=True)
        if os.environ.get("CI") == "true":
            terminalreporter.write_line(f"CI: {told}", red=True)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An empty AWS with Canonical's images."""
    folder: Path = tmp_path_factory.mktemp("aws")
    with cloud(folder) as running:
        for architecture in ("arm64", "amd64"):
            running.publish_ubuntu(architecture, f"ubuntu-26.04-{architecture}-1")
        yield running


@pytest.fixture(scope="session")
def recovery(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Recovery]]:
    """Another site goes its own way meanwhile: most of it is waiting."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(recover, aws, tmp_path_factory.mktemp("recovery"), "recovery.example.org")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The application, for those who put something in front of it."""
    with application(tmp_path_factory.mktemp("instance")) as (server, _code):
        yield server
