"""Calls that zippy and a real Redis answer: many in one script, whose answers must be the same texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from tests.lua.cases import CASES
from tests.resp import RawClient
from zippy._core.testing.lua_shim import State

BATCH = 400

SCRIPT = rb"""
local function show(v, depth)
  local t = type(v)
  if t == 'number' then return v ~= v and 'nan' or string.format('%.17g', v) end
  if t == 'string' then return string.format('%q', v) end
  if t ~= 'table' then return t == 'function' and t or tostring(v) end
  if depth > 20 then return '...' end
  local o, ordered = {}, true
  for k, x in pairs(v) do
    -- a table has its address for a hash, and of long strings Redis's Lua hashes other bytes
    if type(k) == 'table' or type(k) == 'string' and #k > 31 then ordered = false end
    o[#o + 1] = '[' .. show(k, depth + 1) .. ']=' .. show(x, depth + 1)
  end
  if not ordered then table.sort(o) end
  return '{' .. table.concat(o, ',') .. '}'
end
local function shown(...)
  local o = {}
  for i = 1, math.min(select('#', ...), 100) do o[i] = show((select(i, ...)), 0) end
  return table.concat(o, ' ')
end
local answers = {}
for i, text in ipairs(ARGV) do answers[i] = shown(pcall(assert(loadstring(text)))) end
return answers
"""


class Difference(NamedTuple):
    """A call that is answered in two ways."""

    case: str
    ours: bytes
    theirs: bytes

    def __str__(self) -> str:
        return f"{self.case}\n  zippy: {self.ours!r}\n  Redis: {self.theirs!r}"


Answers = Callable[[list[bytes]], list[bytes]]


def by_state(state: State) -> Answers:
    """What a state without a server around it answers to chunks."""
    return lambda texts: state.run(SCRIPT, texts)


def by_server(client: RawClient) -> Answers:
    """What a server's EVAL answers."""
    return lambda texts: [reply.value for reply in client("EVAL", SCRIPT, "0", *texts).value]


def differences(library: str, seed: int, count: int, ours: Answers, theirs: Answers) -> Iterator[Difference]:
    """The calls of `library` that are answered differently, among `count` of them."""
    source = Random(seed)
    while count > 0:
        cases = [CASES[library](source) for _ in range(min(BATCH, count))]
        count -= len(cases)
        texts = [case.encode() for case in cases]
        for case, our, their in zip(cases, ours(texts), theirs(texts), strict=True):
            if our != their:
                yield Difference(case, our, their)
