"""The server and its workers: one that dies comes back, however often; one without its server ends."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import structlog
from granian.server.mp import MPServer

from homeroom.data.cores import core_of, keep_to

# A worker that lived this long was well; its next death is the first one again.
WELL_AFTER_S = 60
MAX_DELAY_S = 30
# What a worker whose server is gone may still take to end its requests.
_GRACE_S = 10
_LOOK_EVERY_S = 1

log = structlog.get_logger(__name__)


class SupervisedServer(MPServer):
    """Granian's server, without the rule that a worker that dies twice within 5.5 seconds ends everything.

    The cause may pass (memory that others took, a database that comes back), and who would start it again
    at night? Deaths in a row are answered with growing pauses instead.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deaths = 0
        self._last_death = 0.0

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Told once, the workers end what they have begun; told again, nobody waits for that any longer."""
        if self.interrupt_signal:
            for worker in self.wrks:
                worker.kill()  # type: ignore[no-untyped-call]  # granian has no types here
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _respawn_workers(
        self, workers: Sequence[int], spawn_target: Any, target_loader: Any, delay: float = 0
    ) -> None:
        self._pause(len(workers))
        super()._respawn_workers(workers, spawn_target, target_loader, delay)
        # Otherwise granian's loop compares this moment with the next death.
        self.respawned_wrks.clear()

    def _spawn_worker(  # type: ignore[override]  # granian's own has less than its base, too
        self, idx: int, target: Any, callback_loader: Callable[[], Any]
    ) -> Any:
        core = core_of(idx, self.workers)
        loader = callback_loader if core is None else partial(_load_on, core, callback_loader)
        return super()._spawn_worker(idx, target, loader)

    def _pause(self, workers: int) -> None:
        now = time.monotonic()
        self._deaths = 1 if now - self._last_death > WELL_AFTER_S else self._deaths + 1
        self._last_death = now
        pause_s = respawn_pause_s(self._deaths)
        log.error("a worker died", workers=workers, deaths=self._deaths, next_in_s=pause_s)
        # A signal to stop ends the pause.
        self.main_loop_interrupt.wait(pause_s)


def respawn_pause_s(deaths: int) -> float:
    """How long to wait after so many deaths in a row, in seconds: 0, 0.5, 1, 2, … 30."""
    return 0 if deaths <= 1 else min(MAX_DELAY_S, 0.5 * 2.0 ** min(deaths - 2, 10))


def _load_on(core: int, load: Callable[[], Any]) -> Any:
    # Before any thread of the worker is started.
    keep_to(core)
    return load()


def load_app() -> Any:
    """The app, in a worker that was just started.

    A terminal sends Ctrl+C to its whole group of processes; the server alone shall hear it and end its
    workers, for a worker that is told twice waits for ever. And the worker was forked with the server's own
    handlers, which would only note a signal: until granian sets others, it ends at once, as it has no
    request yet.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return import_module("homeroom.cli.worker").app


def end_with_parent() -> None:
    """End this worker once the server that started it is gone: an orphan would keep the port taken."""
    server = multiprocessing.parent_process()
    # Not `os.getppid()`: who was killed while this worker started is its parent no longer.
    parent = server.pid if server else os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
