"""`kill -9` during acknowledged writes through Nginx: it comes back by itself, with all that was told."""

import os
import signal
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.conftest import PASSWORD
from tests.deploy import supervisor
from tests.deploy.asking import Asker
from tests.deploy.bare_machine import NGINX, BareMachine, running
from tests.deploy.proxy import make_certificate, wait_for
from tests.deploy.writing import being_written

pytestmark = pytest.mark.deploy


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    with running(BareMachine(tmp_path_factory.mktemp("machine"))) as machine:
        make_certificate(machine.nginx.folder / "certificate")
        machine.use_this_checkout()
        machine.nginx.render()
        machine.boot()
        machine.wait_until_ready()
        code = machine.first_link().partition("code=")[2]
        joined = Asker(machine.nginx.https_port, machine.nginx.trusted).ask(
            "POST", "/api/join", body={"code": code, "password": PASSWORD}
        )
        assert joined.status == 200
        yield machine


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not supervisor.runs(pid), "it is not dead", str)


def workers(machine: BareMachine) -> list[int]:
    main = psutil.Process(supervisor.main_pid(machine.installed, machine.live_port()))
    alive = [child for child in main.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child.pid for child in alive if "resource_tracker" not in " ".join(child.cmdline())]


def a_worker(machine: BareMachine) -> None:
    before = workers(machine)
    assert len(before) == 2
    kill(before[0])
    wait_for(lambda: len(set(workers(machine)) - set(before)) == 1, "no worker came back", str)


def the_main_process(machine: BareMachine) -> None:
    kill(supervisor.main_pid(machine.installed, machine.live_port()))


def nginx(machine: BareMachine) -> None:
    kill(supervisor.main_pid(machine.installed, NGINX))


def everything_at_once(machine: BareMachine) -> None:
    supervisor.kill(machine.installed, [machine.live_port(), NGINX])


def the_machine_itself(machine: BareMachine) -> None:
    machine.cut_power()
    machine.boot()


@pytest.mark.parametrize(
    "killed", [a_worker, the_main_process, nginx, everything_at_once, the_machine_itself]
)
def test_every_acknowledged_write_is_there_after_kill_9_of(
    machine: BareMachine, killed: Callable[[BareMachine], None]
) -> None:
    asker = Asker(machine.nginx.https_port, machine.nginx.trusted)
    signed_in = asker.sign_in("admin", PASSWORD)
    prefix = f"{killed.__name__.replace('_', '-')}-"
    with being_written(asker, signed_in, prefix) as writing:
        writing.wait_for_more(50)
        killed(machine)
        machine.wait_until_ready()
        # The session outlives it, too.
        writing.wait_for_more(50)
    if killed is not a_worker:
        # The other worker may have had all requests of that moment.
        assert writing.broken_off + len(writing.refused) > 0, "it was killed while people wrote"
    # While Nginx waits for the application it says so; nobody is told anything else.
    assert set(writing.refused) <= {503}
    assert writing.lost() == set()
    assert machine.damage() == "ok"
