"""How many workers a server starts by itself, and which cores they and their processes run on."""

import os
from pathlib import Path

import pytest
import requests

from homeroom.cli import threads
from homeroom.data import cores
from tests.cli.test_supervision import workers_of
from tests.conftest import PASSWORD, MakePerson
from tests.servers import serving

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


@pytest.mark.parametrize(
    ("cores_here", "workers", "chosen"),
    [
        ((0, 1), 2, [0, 1]),
        ((3, 5, 7), 3, [3, 5, 7]),
        ((0, 1), 1, [None]),
        ((0, 1), 3, [None] * 3),
        ((0,), 1, [None]),
    ],
)
def test_each_worker_has_a_core_where_there_is_one_for_each(
    monkeypatch: pytest.MonkeyPatch, cores_here: tuple[int, ...], workers: int, chosen: list[int | None]
) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _process: set(cores_here))
    assert [cores.core_of(worker, workers) for worker in range(workers)] == chosen


def test_a_worker_that_may_not_choose_its_core_serves_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_process: int, _cores: set[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(cores.os, "sched_setaffinity", refuse)
    cores.keep_to(0)
    cores.give_all_cores(os.getpid())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_workers_keep_to_cores_of_their_own_and_their_hashers_do_not(
    server_settings: dict[str, str], make_person: MakePerson
) -> None:
    all_cores = sorted(os.sched_getaffinity(0))
    assert len(all_cores) > 1, "with one core, nothing can be seen"
    make_person("ada")
    with serving(server_settings, workers=len(all_cores)) as server:
        workers = workers_of(server)
        for worker in workers:
            assert {len(os.sched_getaffinity(thread.id)) for thread in worker.threads()} == {1}
        assert sorted(core for worker in workers for core in worker.cpu_affinity()) == all_cores
        signed_in = requests.post(
            server.url("/api/authenticate"), json={"uid": "ada", "password": PASSWORD}, timeout=60
        )
        assert signed_in.ok
        hashers = [child for worker in workers for child in worker.children()]
        assert hashers
        assert {tuple(hasher.cpu_affinity()) for hasher in hashers} == {tuple(all_cores)}
