"""The bench's own modules, for tests of single parts of it."""

import pytest

from tests.bench.scripts import BENCH


@pytest.fixture(autouse=True)
def _bench_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
