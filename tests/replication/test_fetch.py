"""zippy export and import take a copy of a running server as a replica would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.replication.load import Load
from tests.replication.servers import OLD, REDIS, ZIPPY, Node, Start, contents
from tests.replication.test_pairs import fill
from tests.waiting import wait_until


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """A tool's end."""
    command = [sys.executable, "-m", "zippy", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def address(node: Node, user: str = "") -> str:
    """Of a server."""
    return f"redis://{user}127.0.0.1:{node.port}"


@pytest.mark.parametrize("kind", [ZIPPY, REDIS, OLD])
def test_snapshot(start: Start, kind: str, tmp_path: Path) -> None:
    """What a server holds at one moment, while it is written to: a transaction of every client is in it as a whole or not at all."""
    node = start(kind)
    fill(node)
    target = tmp_path / "copy.rdb"
    with Load(node):
        done = run("export", address(node), target)
    assert done.returncode == 0, done.stderr
    assert run("check", target).returncode == 0
    lines = [json.loads(line) for line in run("export", target).stdout.splitlines()]
    strings = {(line["db"], line["key"]): line["value"] for line in lines if line.get("type") == "string"}
    lists = {(line["db"], line["key"]): line["value"] for line in lines if line.get("type") == "list"}
    for db in range(3):
        assert min(int(strings.get((db, "both"), 0)), 51) == len(lists.get((db, "transactions"), []))
    wait_until(lambda: node.info()["connected_slaves"] == 0)
    assert run("export", address(node), target).stderr.endswith("copy.rdb is there already; --force replaces it\n")


def test_other_forms(start: Start, tmp_path: Path) -> None:
    """To a log, as lines, and into another server."""
    node, other = start(ZIPPY), start(REDIS)
    node.client.mset({"a": 1, "b": 2})
    assert run("export", address(node), tmp_path / "log").returncode == 0
    assert '"a"' in run("export", tmp_path / "log").stdout
    assert len(run("export", address(node)).stdout.splitlines()) == 2
    assert run("import", address(node), address(other)).returncode == 0
    assert contents(node) == contents(other)
    assert not list(tmp_path.glob("*.rdb"))


def test_rate(start: Start, tmp_path: Path) -> None:
    """No more bytes a second than were allowed."""
    node = start(ZIPPY, "--rdbcompression", "no")
    node.client.set("long", "x" * 300_000)
    began = time.monotonic()
    assert run("export", "--rate", "200kb", address(node), tmp_path / "copy.rdb").returncode == 0
    assert time.monotonic() - began > 300_000 / (200 << 10) * 0.9
    assert "is no number of bytes" in run("export", "--rate", "much", address(node)).stderr


def test_no_copy(start: Start, tmp_path: Path) -> None:
    """A server that gives none is read key by key, and that is said; one that cannot be reached is an error."""
    node = start(ZIPPY)
    node.client.set("key", 1)
    node("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-psync", "-sync")
    done = run("export", address(node, "reader:secret@"), tmp_path / "copy.rdb")
    assert done.returncode == 0 and "the keys are read one by one" in done.stderr
    assert '"key"' in run("export", tmp_path / "copy.rdb").stdout
    assert "WRONGPASS" in run("export", address(node, "reader:wrong@")).stderr
    port = node.port
    node.process.kill()
    done = run("export", f"redis://127.0.0.1:{port}")
    assert done.returncode == 2 and "Connection refused" in done.stderr
