"""Load by wrk on loopback, bounded in time; a round with any wrong answer is no measurement."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.processes import LOOPBACK, Service

_MARK = "wrk-summary "
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


class UnmeasurableError(Exception):
    """A round that tells nothing; the text says why."""


@dataclass(frozen=True)
class Request:
    """One request of a mixture."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What a round of load came to."""

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
        answer_bytes: how long the right body is; every answer must be about as long.

    Raises:
        UnmeasurableError: a connection failed, an answer was an error, or was not the right one.
    """
    wanted = list(requests) or [Request(service.path, service.headers)]
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(lua_script(wanted))
        script.flush()
        counted = _wrk(service.address + wanted[0].path, script.name, seconds, connections)
    _refuse_errors(service.name, counted)
    told = _told(counted)
    # Headers weigh a few hundred bytes; an error page or an empty list is far from the right answer.
    if answer_bytes is not None and not answer_bytes <= told.bytes_per_answer <= answer_bytes + 2000:
        raise UnmeasurableError(
            f"{service.name} answered {told.bytes_per_answer:.0f} bytes where {answer_bytes} are right"
        )
    return told


def lua_script(wanted: Sequence[Request]) -> str:
    """What wrk sends: one request as it is, several in turn."""
    if len(wanted) == 1:
        (only,) = wanted
        lines = [f"wrk.method = {_quoted(only.method)}", f"wrk.body = {_quoted(only.body)}"]
        lines += [f"wrk.headers[{_quoted(k)}] = {_quoted(v)}" for k, v in only.headers.items()]
        return "\n".join(lines) + _DONE
    rows = ",\n".join(
        f"{{method={_quoted(r.method)}, path={_quoted(r.path)}, body={_quoted(r.body)}, "
        f"headers={{{', '.join(f'[{_quoted(k)}]={_quoted(v)}' for k, v in r.headers.items())}}}}}"
        for r in wanted
    )
    return f"wanted = {{\n{rows}\n}}\n{_IN_TURN}{_DONE}"


def _quoted(text: str) -> str:
    """A string as Lua and JSON both write it."""
    return json.dumps(text, ensure_ascii=False)


def _wrk(url: str, script: str, seconds: float, connections: int) -> dict[str, int]:
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing. Install it: sudo apt-get install wrk")
    if not url.startswith(f"http://{LOOPBACK}:"):
        raise ValueError(f"Load goes to this machine only, not to {url}")
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{max(1, round(seconds))}s", "--timeout", "10s", "--script", script, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not lines:
        raise UnmeasurableError(f"wrk failed: {(done.stderr or done.stdout).strip()[:200]}")
    counted: dict[str, int] = json.loads(lines[0].removeprefix(_MARK))
    return counted


def _refuse_errors(name: str, counted: Mapping[str, int]) -> None:
    if not counted["requests"]:
        raise UnmeasurableError(f"{name} gave no answer")
    kinds = {"status": "answers were errors", "timeout": "timed out"}
    kinds |= {kind: f"sockets failed to {kind}" for kind in ("connect", "read", "write")}
    wrong = [f"{counted[kind]} {text}" for kind, text in kinds.items() if counted[kind]]
    if wrong:
        raise UnmeasurableError(f"{name}: of {counted['requests']} requests " + ", ".join(wrong))


def _told(counted: Mapping[str, int]) -> Load:
    return Load(
        requests_per_s=counted["requests"] / (counted["duration_us"] / 1e6),
        p50_ms=counted["p50_us"] / 1000,
        p99_ms=counted["p99_us"] / 1000,
        bytes_per_answer=counted["bytes"] / counted["requests"],
    )
