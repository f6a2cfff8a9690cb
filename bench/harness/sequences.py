"""Load of what takes several requests, each of which needs the answer before: made, then deleted.

Every connection is a thread of wrk that takes one step after the other. One sequence counts once, and what it
took is the time from its first request to its last answer. A sequence that began is brought to its end, so
that nothing is left of it.
"""

import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from harness import wrk
from harness.load import Load, Request, as_load
from harness.processes import Service
from harness.wrk import UnmeasurableError, quoted

# How long what began may take to come to its end.
PATIENCE_S = 60
LEAD_S = 0.3
_STOPPED = "wrk-thread-stopped"
_PLACE = re.compile(r"\{[A-Za-z0-9]+\}")
_SCRIPT = r"""
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long s; long ns; } bench_time;
  int clock_gettime(int clock, bench_time *time);
  int usleep(unsigned int microseconds);
]]
local function now()
  local time = ffi.new("bench_time")
  ffi.C.clock_gettime(1, time)
  return tonumber(time.s) + tonumber(time.ns) / 1e9
end

-- All threads begin at one moment: while wrk reads the script for the last, the first is ready.
local threads, opening = {}, nil
function setup(thread)
  opening = opening or now() + lead
  thread:set("opens", opening)
  thread:set("first", #threads)
  table.insert(threads, thread)
end

local step, turn, begun, ends, made, kept = 1, 0, 0, 0, 0, {}
function init(args)
  for _, sequence in ipairs(work) do
    for _, one in ipairs(sequence) do
      if not one.open then one.ready = wrk.format(one.method, one.path, one.headers, one.body) end
    end
  end
  turn = math.floor(first * #work / connections) % #work + 1
  took, wrong = {}, ""
end

local function begin()
  local wait = opens - now()
  if wait > 0 then ffi.C.usleep(wait * 1e6) end
  started = now()
  ends = started + seconds
end

-- Anew each time: thirty megabytes in each of sixteen threads would be too much.
local function read(path)
  local file = assert(io.open(path, "rb"))
  local content = file:read("*a")
  file:close()
  return content
end

function request()
  if not started then begin() end
  local one = work[turn][step]
  if step == 1 then
    begun, made = now(), made + 1
    kept = { unique = nonce .. first .. "x" .. made }
  end
  if one.ready then return one.ready end
  if one.file then return wrk.format(one.method, one.path, one.headers, read(one.file)) end
  local path, body = one.path:gsub("{(%w+)}", kept), one.body and one.body:gsub("{(%w+)}", kept)
  return wrk.format(one.method, path, one.headers, body)
end

local function stop()
  last = now()
  wrk.thread:stop()
  io.write("wrk-thread-stopped\n")
  io.flush()
end

function response(status, headers, body)
  local one = work[turn][step]
  if status ~= one.status then
    wrong = one.method .. " " .. one.path .. " was answered " .. status .. ": " .. body:sub(1, 200)
    return stop()
  end
  for name, pattern in pairs(one.keep) do
    kept[name] = body:match(pattern)
    if not kept[name] then
      wrong = one.path .. " told no " .. name
      return stop()
    end
  end
  if step < #work[turn] then
    step = step + 1
    return
  end
  table.insert(took, now() - begun)
  step, turn = 1, turn % #work + 1
  if now() >= ends then stop() end
end

function done(summary, latency, requests)
  local all, wrong, first_start, last_end = {}, "", math.huge, 0
  for _, thread in ipairs(threads) do
    for _, one in ipairs(thread:get("took")) do table.insert(all, one) end
    if not thread:get("last") then wrong = "a connection came to no end" end
    if thread:get("wrong") ~= "" then wrong = thread:get("wrong") end
    first_start = math.min(first_start, thread:get("started") or math.huge)
    last_end = math.max(last_end, thread:get("last") or 0)
  end
  table.sort(all)
  local function part(share) return #all > 0 and all[math.max(1, math.ceil(#all * share))] * 1e6 or 0 end
  local e = summary.errors
  io.write(string.format('wrk-summary {"requests": %d, "duration_us": %d, "bytes": %d, "connect": %d, ' ..
    '"read": %d, "write": %d, "status": 0, "timeout": %d, "p50_us": %d, "p99_us": %d}\n',
    #all, (last_end - first_start) * 1e6, summary.bytes, e.connect, e.read, e.write, e.timeout,
    part(0.5), part(0.99)))
  if wrong ~= "" then io.write("wrk-wrong " .. wrong:gsub("\n", " ") .. "\n") end
end
"""


@dataclass(frozen=True)
class Step(Request):
    """A request of a sequence.

    `{unique}` in a path or a body becomes a word that no other sequence has, `{name}` what an earlier answer
    told.
    """

    # What to take from the answer's body, by a pattern of Lua with one group.
    keep: Mapping[str, str] = field(default_factory=dict)
    # The path of a file that is the body.
    file: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it depends on what an earlier answer told."""
        return any(_PLACE.search(text) for text in (self.path, self.body))


def load_sequences(
    service: Service, work: Sequence[Sequence[Step]], *, seconds: float, connections: int = 16
) -> Load:
    """Take sequences in turn on each connection, until the time is over; each begun one is ended.

    Raises:
        UnmeasurableError: an answer was another one than the right one, or a connection failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(lua_script(work, seconds, connections))
        script.flush()
        url = service.address + "/"
        sizes = {"threads": connections, "connections": connections, "timeout_s": PATIENCE_S}
        said = _run(
            wrk.command(url, script.name, seconds=LEAD_S + seconds + PATIENCE_S, **sizes), connections
        )
    wrong = [line.removeprefix("wrk-wrong ") for line in said.splitlines() if line.startswith("wrk-wrong ")]
    if wrong:
        raise UnmeasurableError(f"{service.name}: {wrong[0]}")
    counted = wrk.read_summary(said, "")
    wrk.refuse_errors(service.name, counted)
    return as_load(counted)


def lua_script(work: Sequence[Sequence[Step]], seconds: float, connections: int) -> str:
    """What wrk runs."""
    sequences = ",\n".join("{" + ", ".join(map(_lua_step, sequence)) + "}" for sequence in work)
    known = {"seconds": f"{seconds:g}", "lead": str(LEAD_S), "connections": str(connections)}
    known["nonce"] = quoted(token_hex(3) + "t")
    globals_ = "\n".join(f"{name} = {value}" for name, value in known.items())
    return f"{wrk.prologue()}{globals_}\nwork = {{\n{sequences}\n}}\n{_SCRIPT}"


def _lua_step(step: Step) -> str:
    def table(values: Mapping[str, str]) -> str:
        return "{" + ", ".join(f"[{quoted(name)}]={quoted(value)}" for name, value in values.items()) + "}"

    members = {
        "method": quoted(step.method),
        "path": quoted(step.path),
        "headers": table(step.headers),
        "body": quoted(step.body) if step.body else "nil",
        "file": quoted(step.file) if step.file else "nil",
        "status": str(step.status),
        "keep": table(step.keep),
        "open": "true" if step.is_open or step.file else "false",
    }
    return "{" + ", ".join(f"{name}={value}" for name, value in members.items()) + "}"


def _run(command: Sequence[str], threads: int) -> str:
    """What wrk said; it is told to end once every thread has stopped."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said, stopped = [], 0
        for line in _lines(process):
            said.append(line)
            if line.startswith(_STOPPED):
                stopped += 1
                if stopped == threads:
                    process.send_signal(signal.SIGINT)
        return "".join(said)


def _lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Its output until it ends, which it has to in time."""
    assert process.stdout is not None
    guard = threading.Timer(PATIENCE_S * 2, process.kill)
    guard.start()
    try:
        yield from process.stdout
    finally:
        guard.cancel()
