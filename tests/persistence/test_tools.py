"""zippy check, export, import and restore: on files of zippy and of real servers, whole, cut at any byte, and damaged."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zippy
from tests import needs, servers
from tests.persistence.encodings import contents, fill, redis_7
from tests.resp import request
from tests.servers import ServerProcess
from zippy._core import snapshot
from zippy.cli import tools
from zippy.inprocess.engine import host_of
from zippy.persistence.check import Checker, Report, cut
from zippy.persistence.convert import convert
from zippy.persistence.data_files import DataFileError, find_log
from zippy.persistence.json_lines import as_line, read_keys, read_lines, write_key
from zippy.persistence.moments import parse_moment, restore
from zippy.persistence.scratch import Progress, Scratch

QUIET = Progress()
T0 = 1_700_000_000


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The real command line."""
    command = [sys.executable, "-m", "zippy", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60)


def second(number: int) -> bytes:
    """A time as it stands in a log."""
    return b"#TS:%d\r\n" % number


def make_log(folder: Path, *increments: bytes, base: bytes | None = None) -> Path:
    """A log of these increments."""
    folder.mkdir(parents=True)
    lines = []
    if base is not None:
        (folder / "appendonly.aof.1.base.rdb").write_bytes(base)
        lines.append("file appendonly.aof.1.base.rdb seq 1 type b\n")
    for number, data in enumerate(increments, 1):
        (folder / f"appendonly.aof.{number}.incr.aof").write_bytes(data)
        lines.append(f"file appendonly.aof.{number}.incr.aof seq {number} type i\n")
    (folder / "appendonly.aof.manifest").write_text("".join(lines))
    return folder


def check(path: Path) -> list[Report]:
    """The reports on a file or folder."""
    return Checker(QUIET).check(path)


def problems(path: Path) -> list[str]:
    """All that is wrong with a file or folder."""
    return [problem for report in check(path) for problem in report.problems]


def values(scratch: Scratch) -> list[dict[str, Any]]:
    """What a store holds, in an order of its own."""
    found = list(read_keys(scratch))
    for record in found:
        if record["type"] == "set":
            record["value"].sort(key=json.dumps)
        if record["type"] == "hash":
            pairs = record["value"].items() if isinstance(record["value"], dict) else record["value"]
            record["value"] = sorted(([name, value] for name, value in pairs), key=json.dumps)
    return sorted(found, key=lambda record: (record["db"], json.dumps(record["key"])))


def digest(path: Path) -> bytes:
    """DEBUG DIGEST of a snapshot's data."""
    engine = zippy.Engine(enable_debug_command="yes", databases=32)
    try:
        snapshot.load_bytes(host_of(engine).core, path.read_bytes(), keep_expired=True)
        found: bytes = zippy.connect(engine).execute_command("DEBUG", "DIGEST")
        return found
    finally:
        engine.close()


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    """An empty store."""
    made = Scratch()
    yield made
    made.close()


@pytest.fixture(params=["8.2.3", "7.0.15"])
def theirs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """theirs(folder, options): a real Redis of each version."""
    program = servers.oracle_program() if request.param == "8.2.3" else redis_7()
    if program is None:
        needs.missing(f"Redis {request.param}")
    started: list[ServerProcess] = []

    def start(folder: Path, *options: str) -> ServerProcess:
        started.append(servers.start_oracle(*options, folder=folder, program=program))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of every type and encoding, as zippy saves it."""
    folder = tmp_path_factory.mktemp("filled")
    server = servers.start_server(folder=folder)
    try:
        with server.client() as client:
            fill(client)
            assert client("SAVE").value == b"OK"
    finally:
        server.stop()
    return folder / "dump.rdb"


class TestCheck:
    """What is whole is fine; what is not is told with its place."""

    def test_files_of_real_servers(self, theirs: Callable[..., ServerProcess], tmp_path: Path) -> None:
        server = theirs(tmp_path, "--appendonly", "yes", "--aof-timestamp-enabled", "yes")
        with server.client() as client:
            fill(client)
            keys = sum(client("DBSIZE").value for db in range(16) if client("SELECT", db))
            client("SAVE")
        server.terminate()
        reports = check(tmp_path)
        assert [problem for report in reports for problem in report.problems] == []
        rdb = next(report for report in reports if report.path.name == "dump.rdb")
        assert any(fact.startswith(f"{keys:,} keys") for fact in rdb.facts)
        assert any(report.path.name.endswith(".manifest") and "bring back" in report.notes[0] for report in reports)
        assert run("check", tmp_path).returncode == 0

    def test_says_what_a_snapshot_holds(self, tmp_path: Path) -> None:
        convert_lines(tmp_path / "d.rdb", {"key": "a", "value": "1"}, {"key": "b", "value": "2", "expires_at_ms": 4_000_000_000_000})
        (report,) = check(tmp_path / "d.rdb")
        assert report.good and report.what == "snapshot (RDB)"
        assert report.facts[0] == f"{(tmp_path / 'd.rdb').stat().st_size:,} bytes"
        assert "RDB version 10" in report.facts and "2 keys, 1 of which expire" in report.facts

    def test_names_the_key_with_the_damage(self, tmp_path: Path) -> None:
        rows = [{"key": f"k{i}", "type": "zset", "value": [["m", "1"], ["n", "2"]]} for i in range(3)]
        convert_lines(tmp_path / "d.rdb", *rows)
        data = bytearray((tmp_path / "d.rdb").read_bytes())
        at = data.index(b"\x02k1") + 4  # the listpack's own size
        data[at] ^= 0x55
        (tmp_path / "d.rdb").write_bytes(data)
        (problem,) = problems(tmp_path / "d.rdb")
        assert "the key b'k1' of database 0" in problem and "(at byte " in problem

    def test_every_flipped_bit_is_noticed(self, filled: Path, tmp_path: Path) -> None:
        chance = random.Random(5)
        data = filled.read_bytes()
        path = tmp_path / "dump.rdb"
        for _ in range(60):
            at = chance.randrange(len(data))
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
            assert problems(path) != [], at

    def test_every_cut_of_a_snapshot_is_noticed(self, tmp_path: Path) -> None:
        convert_lines(tmp_path / "d.rdb", {"key": "a", "value": "1" * 300})
        data = (tmp_path / "d.rdb").read_bytes()
        for size in range(len(data)):
            (tmp_path / "d.rdb").write_bytes(data[:size])
            (report,) = check(tmp_path / "d.rdb")
            assert not report.good and report.torn_at is None, size

    def test_nobody_is_told_that_what_is_unknown_is_damaged(self, tmp_path: Path) -> None:
        (tmp_path / "d.rdb").write_bytes(b"REDIS0099\xff" + bytes(8))
        result = run("check", tmp_path / "d.rdb")
        assert result.returncode == 2 and b"CANNOT BE READ" in result.stdout and b"DAMAGED" not in result.stdout

    @pytest.mark.parametrize("name", ["", "d.txt", "d.jsonl"])
    def test_what_is_no_data(self, tmp_path: Path, name: str) -> None:
        if name:
            (tmp_path / name).write_bytes(b"nothing of ours")
        result = run("check", tmp_path / name)
        assert result.returncode == 2 and result.stdout == b"" and result.stderr.count(b"\n") == 1, result.stderr

    @pytest.mark.parametrize("path", ["/nowhere/at/all", "/dev/null", "/dev/zero"])
    def test_what_cannot_be_read(self, path: str) -> None:
        result = run("check", path)
        assert result.returncode == 2 and result.stderr.count(b"\n") == 1, result.stderr

    def test_a_command_that_writes_nothing_is_not_run(self, tmp_path: Path) -> None:
        for words in (("SAVE",), ("SHUTDOWN",), ("CONFIG", "SET", "dir", "/"), ("DEBUG", "SLEEP", "100")):
            (tmp_path / "a.aof").write_bytes(request("SET", "a", 1) + request(*words))
            (problem,) = problems(tmp_path / "a.aof")
            assert "no command that writes data" in problem
        assert [path.name for path in tmp_path.iterdir()] == ["a.aof"]


class TestCheckLog:
    """A manifest and its files."""

    def test_a_torn_end_at_every_byte(self, tmp_path: Path) -> None:
        units = [second(T0), request("SET", "a", 1)]
        units.append(request("MULTI") + request("SET", "b", "x" * 100) + second(T0 + 1) + request("DEL", "a") + request("EXEC"))
        units += [request("RPUSH", "l", *range(10)), request("SET", "c", "y" * 50)]
        data = b"".join(units)
        ends = {sum(map(len, units[:count])) for count in range(len(units) + 1)}
        folder = make_log(tmp_path / "log", request("SET", "z", 1), b"")
        last = folder / "appendonly.aof.2.incr.aof"
        for size in range(max(len(data) - 300, 0), len(data) + 1):
            last.write_bytes(data[:size])
            reports = check(folder)
            if size in ends:
                assert all(report.good for report in reports), size
                continue
            (bad,) = (report for report in reports if not report.good)
            good = max(end for end in ends if end < size)
            # a line that gives a time belongs to what follows
            assert bad.path == last and bad.torn_at == good, size
            assert cut(bad) == size - good
            assert last.read_bytes() == data[:good]
            assert all(report.good for report in check(folder))

    def test_repair_cuts_only_if_told_to(self, tmp_path: Path) -> None:
        whole, torn = request("SET", "a", 1), request("SET", "b", 2)[:-3]
        folder = make_log(tmp_path / "log", whole + torn)
        last = folder / "appendonly.aof.1.incr.aof"
        result = run("check", folder)
        assert result.returncode == 1 and b"at byte %d" % len(whole) in result.stdout and b"--repair" in result.stdout
        result = run("check", folder, "--repair")
        assert result.returncode == 2 and last.read_bytes() == whole + torn
        result = run("check", folder, "--repair", "--yes")
        assert result.returncode == 0 and b"cut %d bytes" % len(torn) in result.stdout
        assert last.read_bytes() == whole
        assert run("check", folder).returncode == 0

    @pytest.mark.parametrize(("answer", "kept"), [("y", False), ("yes", False), ("", True), ("n", True)])
    def test_repair_asks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, kept: bool) -> None:
        whole, torn = request("SET", "a", 1), b"*3\r\n"
        (tmp_path / "a.aof").write_bytes(whole + torn)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _: answer)
        arguments = tools.parser().parse_args(["check", str(tmp_path / "a.aof"), "--repair"])
        assert tools.run_check(arguments) == (1 if kept else 0)
        assert (tmp_path / "a.aof").read_bytes() == (whole + torn if kept else whole)

    def test_only_the_last_file_can_be_torn(self, tmp_path: Path) -> None:
        torn = request("SET", "b", 2)[:-3]
        folder = make_log(tmp_path / "log", torn, request("SET", "a", 1))
        for path in (folder, folder / "appendonly.aof.1.incr.aof"):
            bad = [report for report in check(path) if not report.good]
            assert [report.torn_at for report in bad] == [None] and "backup" in bad[0].notes[-1]
            assert run("check", path, "--repair", "--yes").returncode == 1
        assert (folder / "appendonly.aof.1.incr.aof").read_bytes() == torn

    def test_damage_elsewhere_is_never_repaired(self, tmp_path: Path) -> None:
        data = request("SET", "a", 1) + b"nonsense" + request("SET", "b", 2) * 20 + b"*3\r\n"
        folder = make_log(tmp_path / "log", data)
        result = run("check", folder, "--repair", "--yes")
        assert result.returncode == 1 and b"at byte %d" % len(request("SET", "a", 1)) in result.stdout
        assert (folder / "appendonly.aof.1.incr.aof").read_bytes() == data

    def test_a_changed_length_is_no_torn_end(self, tmp_path: Path) -> None:
        data = request("SET", "a", 1) + request("SET", "b", 2).replace(b"$1\r\nb", b"$99999\r\nb") + request("SET", "c", 3) * 20
        (report,) = [report for report in check(make_log(tmp_path / "log", data)) if not report.good]
        assert report.torn_at is None

    def test_files_that_are_missing(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", request("SET", "a", 1), request("SET", "b", 1))
        (folder / "appendonly.aof.1.incr.aof").unlink()
        assert problems(folder) == ["it names appendonly.aof.1.incr.aof, which is not there"]
        assert run("check", tmp_path).returncode == 1

    def test_a_manifest_that_is_missing(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", request("SET", "a", 1))
        (folder / "appendonly.aof.manifest").unlink()
        assert problems(tmp_path) == ["there is no manifest beside it, without which no server reads it"]

    @pytest.mark.parametrize("text", ["", "file a\n", "file x seq 1 type q\n", "file ../x seq 1 type i\n", "no end", "\xff\n"])
    def test_manifests_that_are_wrong(self, tmp_path: Path, text: str) -> None:
        folder = make_log(tmp_path / "log", request("SET", "a", 1))
        (folder / "appendonly.aof.manifest").write_bytes(text.encode("latin-1"))
        result = run("check", folder)
        assert result.returncode == 1 and b"DAMAGED" in result.stdout and result.stderr == b""

    def test_files_that_nobody_reads(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", request("SET", "a", 1))
        (folder / "appendonly.aof.7.incr.aof").write_bytes(b"whatever")
        (folder / "temp-12.rdb").write_bytes(b"REDIS")
        reports = {report.path.name: report for report in check(folder)}
        assert all(report.good for report in reports.values())
        assert "does not name it" in reports["appendonly.aof.7.incr.aof"].notes[0]
        assert "half written" in reports["temp-12.rdb"].notes[0]

    def test_says_how_many_commands_failed(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", request("SET", "a", 1) + request("LPUSH", "a", 1))
        assert "1 of the commands were answered with an error" in check(folder)[1].notes


def convert_lines(path: Path, *rows: dict[str, Any]) -> None:
    """A data file of these keys."""
    lines = path.with_suffix(".jsonl")
    lines.write_bytes(b"".join(as_line(row) for row in rows))
    convert(lines, path, {".rdb": "rdb", ".aof": "aof-file"}[path.suffix], False, QUIET)
    lines.unlink()


TEXT = st.one_of(st.binary(max_size=12), st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")))
SCORE = st.floats(allow_nan=False).map(lambda score: score + 0.0)
VALUE = st.one_of(
    st.tuples(st.just(b"SET"), TEXT.map(lambda value: [value])),
    st.tuples(st.sampled_from([b"RPUSH", b"SADD"]), st.lists(TEXT, min_size=1, max_size=8)),
    st.tuples(st.just(b"HSET"), st.dictionaries(TEXT, TEXT, min_size=1, max_size=8).map(lambda all: [w for p in all.items() for w in p])),
    st.tuples(
        st.just(b"ZADD"),
        st.dictionaries(TEXT, SCORE, min_size=1, max_size=8).map(lambda all: [w for m, s in all.items() for w in (repr(s).encode(), m)]),
    ),
)


class TestConvert:
    """From form to form nothing is lost."""

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(keys=st.dictionaries(st.tuples(st.integers(0, 15), TEXT), st.tuples(VALUE, st.booleans()), max_size=12))
    def test_round_trip(self, tmp_path: Path, keys: dict[tuple[int, bytes], tuple[tuple[bytes, list[bytes]], bool]]) -> None:
        first, lines, second_path = tmp_path / "1.rdb", tmp_path / "1.jsonl", tmp_path / "2.rdb"
        store = Scratch()
        for (db, key), ((name, words), expires) in keys.items():
            requests = [[b"SELECT", b"%d" % db], [name, key, *words]]
            requests += [[b"PEXPIREAT", key, b"4000000000123"]] if expires else []
            assert not any(isinstance(reply, Exception) for reply in store.call(requests))
        store.save(first)
        store.close()
        convert(first, lines, "jsonl", True, QUIET)
        convert(lines, second_path, "rdb", True, QUIET)
        assert digest(second_path) == digest(first)

    def test_every_type_and_encoding_through_every_form(self, filled: Path, tmp_path: Path) -> None:
        steps = [("a.jsonl", "jsonl"), ("b", "aof"), ("c.aof", "aof-file"), ("d.jsonl", "jsonl"), ("e.rdb", "rdb")]
        source = filled
        for name, kind in steps:
            convert(source, tmp_path / name, kind, False, QUIET)
            source = tmp_path / name
            if kind != "jsonl":
                assert problems(source) == []
        assert digest(source) == digest(filled)

    def test_servers_read_what_was_made(self, filled: Path, theirs: Callable[..., ServerProcess], tmp_path: Path) -> None:
        convert(filled, tmp_path / "data.jsonl", "jsonl", False, QUIET)
        (tmp_path / "server").mkdir()
        assert run("import", tmp_path / "data.jsonl", tmp_path / "server" / "appendonlydir").returncode == 0
        server = theirs(tmp_path / "server", "--appendonly", "yes")
        with server.client() as client:
            client("SAVE")
        assert digest(tmp_path / "server" / "dump.rdb") == digest(filled)

    def test_from_server_to_server(
        self, theirs: Callable[..., ServerProcess], start_server: Callable[..., ServerProcess], tmp_path: Path
    ) -> None:
        from_server, to_server = theirs(tmp_path), start_server()
        with from_server.client() as client, to_server.client() as other:
            fill(client)
            expected = contents(client)
            address = f"redis://{to_server.host}:{to_server.port}"
            result = run("export", f"redis://{from_server.host}:{from_server.port}", address)
            assert result.returncode == 0, result.stderr
            assert contents(other) == expected
            assert run("export", address, tmp_path / "a.jsonl").returncode == run("export", address, tmp_path / "a.rdb").returncode == 0
            result = run("import", tmp_path / "a.jsonl", address)
            assert result.returncode == 2 and b"is there already" in result.stderr
            assert run("import", tmp_path / "a.jsonl", address, "--force").returncode == 0
            assert run("import", tmp_path / "a.rdb", address, "--force").returncode == 0
            assert contents(other) == expected

    def test_what_only_a_server_knows(self, oracle: ServerProcess, tmp_path: Path) -> None:
        """Fields go with their times."""
        address = f"redis://{oracle.host}:{oracle.port}"
        with oracle.client() as client:
            client("FLUSHALL")
            client("XADD", "x", "1-1", "f", "v")
            client("HSET", "h", "f", "v", "g", "w")
            client("HPEXPIREAT", "h", 4_000_000_000_000, "FIELDS", 1, "f")
            before = client("DEBUG", "DIGEST")
            assert run("export", address, tmp_path / "a.jsonl").returncode == 0
            client("FLUSHALL")
            assert run("import", tmp_path / "a.jsonl", address).returncode == 0
            assert client("DEBUG", "DIGEST") == before
            assert client("HPEXPIRETIME", "h", "FIELDS", 2, "f", "g").plain() == [4_000_000_000_000, -1]
            client("FLUSHALL")

    def test_pipes(self, filled: Path, tmp_path: Path) -> None:
        exported = run("export", filled)
        assert exported.returncode == 0
        imported = run("import", "-", tmp_path / "new.rdb", stdin=exported.stdout)
        assert imported.returncode == 0 and digest(tmp_path / "new.rdb") == digest(filled)

    def test_the_form_of_a_line(self, scratch: Scratch) -> None:
        for words in (
            [b"SET", b"s", b"\xff\n"], [b"RPUSH", b"l", b"b", b"a"], [b"HSET", b"h", b"f", "ü".encode()], [b"HSET", b"h2", b"\xfe", b"v"],
            [b"ZADD", b"z", b"inf", b"m", b"0.1", b"n"], [b"XADD", b"x", b"1-1", b"f", b"v"], [b"XGROUP", b"CREATE", b"x", b"g", b"0-1"],
            [b"XCLAIM", b"x", b"g", b"c", b"0", b"1-1", b"TIME", b"5", b"RETRYCOUNT", b"2", b"FORCE"],
        ):  # fmt: skip
            scratch.call([words])
        scratch.call([[b"PEXPIREAT", b"l", b"4000000000000"]])
        found = {record["key"]: as_line(record) for record in read_keys(scratch)}
        assert found == {
            "s": b'{"db":0,"key":"s","type":"string","value":{"base64":"/wo="}}\n',
            "l": b'{"db":0,"key":"l","type":"list","expires_at_ms":4000000000000,"value":["b","a"]}\n',
            "h": '{"db":0,"key":"h","type":"hash","value":{"f":"ü"}}\n'.encode(),
            "h2": b'{"db":0,"key":"h2","type":"hash","value":[[{"base64":"/g=="},"v"]]}\n',
            "x": (
                b'{"db":0,"key":"x","type":"stream","value":{"entries":[["1-1",[["f","v"]]]],"last_id":"1-1","max_deleted_id":"0-0",'
                b'"entries_added":1,"groups":[{"name":"g","last_id":"0-1","entries_read":null,"consumers":["c"],'
                b'"pending":[["1-1","c",5,2]]}]}}\n'
            ),
            "z": b'{"db":0,"key":"z","type":"zset","value":[["n","0.1"],["m","inf"]]}\n',
        }

    @pytest.mark.parametrize("score", [0.1, 5e-324, 1.7976931348623157e308, -1e22, 1 / 3, math.inf, -math.inf, -0.0, 123456789012345680])
    def test_scores_are_exact(self, scratch: Scratch, score: float) -> None:
        write_key(scratch, {"key": "a", "type": "zset", "value": [["m", repr(score)]]}, False, -1)
        (record,) = read_keys(scratch)
        assert float(record["value"][0][1]) == score

    @pytest.mark.parametrize("value", [{"base64": "text"}, {"base64": {"base64": "/w=="}}])
    def test_a_field_that_is_called_as_the_escape(self, scratch: Scratch, value: dict[str, Any]) -> None:
        write_key(scratch, {"key": "h", "type": "hash", "value": value}, False, -1)
        (record,) = read_keys(scratch)
        assert record["value"] == value

    def test_long_collections_come_in_parts(self, scratch: Scratch) -> None:
        items = [str(i) for i in range(2500)]
        write_key(scratch, {"key": "l", "type": "list", "value": items}, False, -1)
        (record,) = read_keys(scratch)
        assert record["value"] == items

    @pytest.mark.parametrize(
        "line",
        [
            b"no json", b"[]", b"5", b"{}", b'{"key":"a"}', b'{"key":1,"value":"x"}', b'{"key":"a","value":5}',
            b'{"key":"a","value":"x","tll":1}',
            b'{"key":"a","type":"stream","value":[]}', b'{"key":"a","type":"stream","value":{"entries":[]}}',
            b'{"key":"a","type":"stream","value":{"entries":[["1-x",[["f","v"]]]],"last_id":"1-1"}}',
            b'{"key":"a","type":"stream","value":{"entries":[["1-1",[["f"]]]],"last_id":"1-1"}}',
            b'{"key":"a","type":"stream","value":{"entries":[["1-1",[]]],"last_id":"1-1"}}',
            b'{"key":"a","type":"stream","value":{"entries":[],"last_id":"1-1","groups":[{}]}}',
            b'{"key":"a","type":"stream","value":{"entries":[],"last_id":"1-1","groups":[5]}}',
            b'{"key":"a","type":"stream","value":{"entries":[],"last_id":"1-1","groups":[{"name":"g","consumers":[],"pending":[[1]]}]}}',
            b'{"key":"a","type":"stream","value":{"entries":[["1-1",[["f","v"]]],["1-1",[["f","v"]]]],"last_id":"1-1"}}',
            b'{"key":"a","type":"list","value":[]}', b'{"key":"a","type":"list","value":"x"}',
            b'{"key":"a","type":"hash","value":[["f"]]}', b'{"key":"a","type":"zset","value":[["m","x"]]}',
            b'{"key":"a","type":[],"value":"x"}',
            b'{"key":"a","type":"zset","value":[["m","nan"]]}', b'{"key":"a","value":"x","db":-1}', b'{"key":"a","value":"x","db":99999}',
            b'{"key":"a","value":"x","expires_at_ms":"soon"}', b'{"key":{"base64":"?"},"value":"x"}', b'{"key":"a","dump":"AAAA"}',
            b'{"key":"a","dump":5}', b'{"key":"\\ud800","value":"x"}', b"\xff\xfe", b"[" * 100_000, b'{"key":"first","value":"twice"}',
            b'{"key":"a","type":"hash","value":{"base64":5}}', b'{"key":"a","type":"hash","value":{}}',
            b'{"key":"a","type":"zset","value":[["m",1e999,2]]}',
            b'{"key":"a","value":"x","field_expires_at_ms":[["f",5]]}', b'{"key":"a","type":"zset","value":[["m","\\u0000"]]}',
        ],
    )  # fmt: skip
    def test_lines_that_are_wrong(self, tmp_path: Path, line: bytes) -> None:
        (tmp_path / "in.jsonl").write_bytes(b'{"key":"first","value":"x"}\n\n' + line + b"\n")
        with pytest.raises(DataFileError, match=r"^line 3: "):
            convert(tmp_path / "in.jsonl", tmp_path / "out.rdb", "rdb", False, QUIET)
        assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]

    def test_nothing_is_replaced_unasked(self, filled: Path, tmp_path: Path) -> None:
        target = tmp_path / "out.jsonl"
        target.write_text("mine")
        result = run("export", filled, target)
        assert result.returncode == 2 and b"--force" in result.stderr and target.read_text() == "mine"
        assert run("export", filled, target, "--force").returncode == 0 and target.stat().st_size > 1000
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "mine").touch()
        assert run("export", filled, folder, "--force").returncode == 2
        assert [path.name for path in folder.iterdir()] == ["mine"]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["export"], b"required: SOURCE"),
            (["export", "/nowhere"], b"/nowhere: No such file"),
            (["export", "FILLED", "/nowhere/x.rdb"], b"No such file"),
            (["export", "FILLED", "x.txt"], b"--format"),
            (["export", "FILLED", "-", "--format", "rdb"], b"standard output"),
            (["import", "/dev/null", "x.rdb"], b"no regular file"),
            (["export", "redis://127.0.0.1:1"], b"Connection refused"),
            (["export", "redis://127.0.0.1:port"], b"redis://127.0.0.1:port: "),
            (["restore", "FILLED", "x.rdb", "--until", "yesterday"], b"no moment"),
            (["restore", "FILLED", "x.rdb", "--until", "1700000000"], b"no times"),
            (["restore", "/tmp", "x.rdb"], b"--until"),
        ],
    )
    def test_what_cannot_be_done_is_said(self, filled: Path, arguments: list[str], said: bytes) -> None:
        result = run(*(filled if word == "FILLED" else word for word in arguments))
        assert result.returncode == 2 and said in result.stderr and b"Traceback" not in result.stderr, result.stderr

    def test_a_damaged_source_makes_nothing(self, filled: Path, tmp_path: Path) -> None:
        data = bytearray(filled.read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / "bad.rdb").write_bytes(data)
        result = run("export", tmp_path / "bad.rdb", tmp_path / "out.jsonl")
        assert result.returncode == 2 and b"is damaged" in result.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["bad.rdb"]

    def test_keys_whose_time_is_over(self, tmp_path: Path) -> None:
        (tmp_path / "in.jsonl").write_bytes(b'{"key":"old","value":"x","expires_at_ms":5}\n{"key":"new","value":"x"}\n')
        outcome = convert(tmp_path / "in.jsonl", tmp_path / "out.rdb", "rdb", False, QUIET)
        assert (outcome.keys, outcome.gone) == (1, 1)


class TestRestore:
    """Back to what was at the end of a second."""

    def restored(self, folder: Path, until: int) -> dict[Any, Any]:
        """Keys and values at the end of that second."""
        scratch = Scratch()
        try:
            restore(scratch, find_log(folder), until, QUIET)
            return {record["key"]: record["value"] for record in values(scratch)}
        finally:
            scratch.close()

    def test_every_second_equals_a_model(self, tmp_path: Path) -> None:
        chance = random.Random(3)
        model: dict[str, str] = {}
        at: dict[int, dict[str, str]] = {}
        increments = [b""]
        for now in range(T0, T0 + 60):
            if chance.random() < 0.1:
                increments.append(b"")
            if chance.random() < 0.7:
                increments[-1] += second(now)
                for _ in range(chance.randrange(1, 5)):
                    key, value = f"k{chance.randrange(6)}", str(chance.random())
                    if chance.random() < 0.2:
                        # a transaction is not parted, whatever its lines say
                        increments[-1] += request("MULTI") + request("SET", key, 0) + request("SET", key, value) + request("EXEC")
                        model[key] = value
                    elif chance.random() < 0.8:
                        increments[-1] += request("SET", key, value)
                        model[key] = value
                    else:
                        increments[-1] += request("DEL", key)
                        model.pop(key, None)
            at[now] = dict(model)
        first = min(int(data[4:14]) for data in increments if data)
        folder = make_log(tmp_path / "log", *increments)
        for now in range(first, T0 + 60):
            assert self.restored(folder, now) == at[now], now

    def test_a_transaction_belongs_to_its_beginning(self, tmp_path: Path) -> None:
        data = second(T0) + request("MULTI") + request("SET", "a", 1) + second(T0 + 5) + request("SET", "b", 2) + request("EXEC")
        folder = make_log(tmp_path / "log", data + second(T0 + 9) + request("SET", "c", 3))
        assert self.restored(folder, T0 + 1) == {"a": "1", "b": "2"}

    def test_around_a_base(self, tmp_path: Path) -> None:
        convert_lines(tmp_path / "base.rdb", {"key": "base", "value": "1"})
        base = (tmp_path / "base.rdb").read_bytes()
        made = snapshot_time(base)
        folder = make_log(tmp_path / "log", second(made + 10) + request("SET", "a", 1), base=base)
        assert self.restored(folder, made) == self.restored(folder, made + 9) == {"base": "1"}
        assert self.restored(folder, made + 10) == {"base": "1", "a": "1"}
        with pytest.raises(DataFileError, match="is before"):
            self.restored(folder, made - 1)
        assert f"({made}) to " in check(folder)[0].notes[-1] and f"({made + 10})" in check(folder)[0].notes[-1]

    def test_commands_without_a_time(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", request("SET", "a", 1), second(T0) + request("SET", "b", 2), request("SET", "c", 3))
        with pytest.raises(DataFileError, match="is before 2023-11-14T22:13:20Z, the first moment"):
            self.restored(folder, T0 - 1)
        assert self.restored(folder, T0) == {"a": "1", "b": "2", "c": "3"}

    def test_no_times_at_all(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", request("SET", "a", 1))
        with pytest.raises(DataFileError, match="holds no times"):
            self.restored(folder, T0)
        assert "no times" in check(folder)[0].notes[-1]

    def test_later_than_the_end(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", second(T0) + request("SET", "a", 1))
        result = run("restore", folder, tmp_path / "out.jsonl", "--until", "2033-01-01T00:00:00Z")
        assert result.returncode == 0 and b"The log ends at 2023-11-14T22:13:20Z" in result.stderr
        assert (tmp_path / "out.jsonl").read_bytes() == b'{"db":0,"key":"a","type":"string","value":"1"}\n'

    def test_damage_behind_the_moment_does_not_matter(self, tmp_path: Path) -> None:
        data = second(T0) + request("SET", "a", 1) + second(T0 + 2) + b"nonsense"
        folder = make_log(tmp_path / "log", data)
        assert self.restored(folder, T0 + 1) == {"a": "1"}
        with pytest.raises(DataFileError, match=r"is damaged: no command begins here \(at byte "):
            self.restored(folder, T0 + 2)
        assert (folder / "appendonly.aof.1.incr.aof").read_bytes() == data

    def test_a_torn_end_is_left_out(self, tmp_path: Path) -> None:
        folder = make_log(tmp_path / "log", second(T0) + request("SET", "a", 1) + request("SET", "b", 1)[:-4])
        result = run("restore", folder, tmp_path / "out.rdb", "--until", T0)
        assert result.returncode == 0 and b"left out" in result.stderr
        assert digest(tmp_path / "out.rdb") != b"0" * 40

    def test_keys_keep_their_times_of_expiry(self, tmp_path: Path, scratch: Scratch) -> None:
        past = T0 * 1000 + 500
        folder = make_log(tmp_path / "log", second(T0) + request("SET", "a", 1, "PXAT", past) + second(T0 + 5) + request("DEL", "a"))
        restore(scratch, find_log(folder), T0, QUIET)
        assert scratch.counts == (1, 1)

    def test_a_log_of_a_real_server(self, theirs: Callable[..., ServerProcess], tmp_path: Path) -> None:
        server = theirs(tmp_path, "--appendonly", "yes", "--aof-timestamp-enabled", "yes", "--appendfsync", "always")
        with server.client() as client:
            client("SET", "a", 1)
            client("RPUSH", "l", 1, 2)
        server.terminate()
        (path,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
        stamp = int(path.read_bytes()[4:14])
        with path.open("ab") as file:
            file.write(second(stamp + 100) + request("DEL", "a"))
        result = run("restore", tmp_path, tmp_path / "new", "--until", stamp + 99)
        assert result.returncode == 0, result.stderr
        shutil.rmtree(tmp_path / "appendonlydir")
        (tmp_path / "new").rename(tmp_path / "appendonlydir")
        server.start()
        with server.client() as client:
            assert client("GET", "a").value == b"1" and client("LLEN", "l").value == 2

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("1700000000", T0),
            ("2023-11-14T22:13:20Z", T0),
            ("2023-11-14T22:13:20", T0),
            ("2023-11-15T00:13:20+02:00", T0),
            ("2023-11-14 22:13:20.999", T0),
        ],
    )
    def test_moments(self, text: str, found: int) -> None:
        assert parse_moment(text) == found

    @pytest.mark.parametrize("text", ["", "now", "1700000000000", "-5", "2023-13-01", "1950-01-01T00:00:00Z", "٣"])
    def test_what_is_no_moment(self, text: str) -> None:
        with pytest.raises(ValueError):
            parse_moment(text)


def snapshot_time(data: bytes) -> int:
    """When a snapshot says that it was taken."""
    engine = zippy.Engine()
    try:
        found: int = snapshot.load_bytes(host_of(engine).core, data)["saved_at"]
        return found
    finally:
        engine.close()


def test_the_server_still_starts_as_ever(tmp_path: Path) -> None:
    """Only the bare word is a tool's: a path is a configuration file, whatever its name."""
    (tmp_path / "check").write_text("nonsense here\n")
    result = run(tmp_path / "check")
    assert result.returncode == 1 and b"nonsense here" in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["export", "--help"], ["import", "--help"], ["restore", "--help"]])
def test_help(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 0 and b"zippy" in result.stdout and result.stderr == b""


def test_a_reader_that_has_enough(filled: Path) -> None:
    """`zippy export ... | head` ends without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        process = subprocess.run([sys.executable, "-m", "zippy", "export", str(filled)], stdout=closed, stderr=subprocess.PIPE, timeout=60)
    assert process.stderr == b""


def test_the_lines_of_a_file_are_numbered_from_one() -> None:
    rows = list(read_lines([b'{"key":"a","value":"x"}\n', b"\n", b'{"key":"b","value":"x"}\n']))
    assert [number for number, _ in rows] == [1, 3]
