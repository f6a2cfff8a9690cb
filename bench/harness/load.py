"""Load by wrk on loopback, bounded in time; a round with any wrong answer is no measurement."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness import wrk
from harness.processes import Service
from harness.wrk import UnmeasurableError, quoted

# What wrk counted, as one line; it calls this when it is done.
_DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('wrk-summary {"requests": %d, "duration_us": %d, "bytes": %d, ' ..
    '"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d, ' ..
    '"p50_us": %d, "p99_us": %d, "max_us": %d}\\n',
    summary.requests, summary.duration, summary.bytes,
    e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""
# Several requests in turn. Each thread of wrk begins at another place.
_IN_TURN = """
local threads = 0
function setup(thread) thread:set("first", threads); threads = threads + 1 end
local prepared, turn = {}, 0
function init(args)
  for i, r in ipairs(wanted) do prepared[i] = wrk.format(r.method, r.path, r.headers, r.body) end
  turn = first * 7
end
function request() turn = turn + 1; return prepared[turn % #prepared + 1] end
"""


@dataclass(frozen=True)
class Request:
    """One request of a mixture, and the status that is the right answer to it."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: str = ""
    status: int = 200

    @property
    def is_refused(self) -> bool:
        """Whether an error is the right answer."""
        return self.status >= 400


@dataclass(frozen=True)
class Load:
    """What a round of load came to."""

    requests: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    bytes_per_answer: float


def load(
    service: Service,
    *,
    seconds: float,
    connections: int = 16,
    requests: Sequence[Request] = (),
    answer_bytes: int | None = None,
) -> Load:
    """Ask a service for its list, or for `requests` in turn, as fast as it answers.

    Args:
        requests: either none of them is refused, or all of them are.
        answer_bytes: how long the right body is; every answer must be about as long.

    Raises:
        UnmeasurableError: a connection failed, an answer was an error, or was not the right one.
    """
    wanted = list(requests) or [Request(service.path, service.headers)]
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(lua_script(wanted))
        script.flush()
        counted = _count(service.address + wanted[0].path, script.name, seconds, connections)
    wrk.refuse_errors(service.name, counted, refused=wanted[0].is_refused)
    told = as_load(counted)
    if answer_bytes is not None and not _is_about(answer_bytes, told, connections):
        raise UnmeasurableError(
            f"{service.name} answered {told.bytes_per_answer:.0f} bytes where {answer_bytes} are right"
        )
    return told


def _is_about(answer_bytes: int, told: Load, connections: int) -> bool:
    """Whether answers are as long as the right one.

    Headers weigh a few hundred bytes, and a part of an answer may have come when the time was over. An error
    page or an empty list is far from the right answer.
    """
    unfinished = connections * answer_bytes / told.requests
    return answer_bytes <= told.bytes_per_answer <= answer_bytes + unfinished + 2000


def lua_script(wanted: Sequence[Request]) -> str:
    """What wrk sends: one request as it is, several in turn."""
    if len(wanted) == 1:
        (only,) = wanted
        lines = [f"wrk.method = {quoted(only.method)}", f"wrk.body = {quoted(only.body)}"]
        lines += [f"wrk.headers[{quoted(k)}] = {quoted(v)}" for k, v in only.headers.items()]
        return "\n".join((wrk.prologue(), *lines)) + _DONE
    rows = ",\n".join(
        f"{{method={quoted(r.method)}, path={quoted(r.path)}, body={quoted(r.body)}, "
        f"headers={{{', '.join(f'[{quoted(k)}]={quoted(v)}' for k, v in r.headers.items())}}}}}"
        for r in wanted
    )
    return f"{wrk.prologue()}wanted = {{\n{rows}\n}}\n{_IN_TURN}{_DONE}"


def _count(url: str, script: str, seconds: float, connections: int) -> dict[str, int]:
    command = wrk.command(url, script, seconds=seconds, threads=1, connections=connections)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    return wrk.read_summary(done.stdout, done.stderr)


def as_load(counted: Mapping[str, int]) -> Load:
    """What wrk counted, in the units that are shown."""
    return Load(
        requests=counted["requests"],
        requests_per_s=counted["requests"] / (counted["duration_us"] / 1e6),
        p50_ms=counted["p50_us"] / 1000,
        p99_ms=counted["p99_us"] / 1000,
        bytes_per_answer=counted["bytes"] / counted["requests"],
    )
