"""How many workers a server starts by itself."""

from pathlib import Path

import pytest

from homeroom.cli import threads

GIB = 1024**3


@pytest.mark.parametrize(
    ("cores", "memory", "limit", "workers"),
    [
        (1, 24 * GIB, None, 1),
        (2, 24 * GIB, "max\n", 2),
        (64, 24 * GIB, None, 4),
        (4, GIB // 2, None, 2),
        (4, GIB // 8, None, 1),
        (4, 24 * GIB, f"{GIB // 2}\n", 2),
    ],
)
def test_workers_fit_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cores: int, memory: int, limit: str | None, workers: int
) -> None:
    pages = {"SC_PHYS_PAGES": memory // 4096, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(threads.os, "sysconf", pages.__getitem__)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _process: set(range(cores)))
    monkeypatch.setattr(threads, "_CONTAINER_LIMIT", tmp_path / "memory.max")
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    assert threads.workers_of_this_machine() == workers
