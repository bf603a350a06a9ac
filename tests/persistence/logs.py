"""Append-only files: what tests of them look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis

from tests.servers import ServerProcess
from tests.waiting import wait_until

NEVER = ("--rdb-key-save-delay", "10000000")
"""A base of some keys takes half a minute, longer than anybody waits here: it ends by being killed or given up."""

Contents = dict[tuple[int, bytes], tuple[Any, ...]]


def client(server: ServerProcess) -> redis.Redis:
    """One connection, so that SELECT holds."""
    return redis.Redis(server.host, server.port, single_connection_client=True)


def persistence(server: ServerProcess) -> dict[str, str]:
    """INFO persistence."""
    with server.client() as raw:
        return raw.info("persistence")


def is_rewriting(server: ServerProcess) -> bool:
    """Whether a rewrite is under way or to follow. By one look: it goes from the one to the other."""
    fields = persistence(server)
    return fields["aof_rewrite_in_progress"] == "1" or fields["aof_rewrite_scheduled"] == "1"


def wait_until_written(server: ServerProcess) -> None:
    """Until kill -9 loses nothing. Where the log is synced by a thread, writing is put off while it does so."""
    wait_until(lambda: persistence(server)["aof_buffer_length"] == "0")


def children(server: ServerProcess) -> list[int]:
    """The processes that the server has started."""
    assert server.process is not None
    pid = server.process.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def rewrite(server: ServerProcess) -> None:
    """BGREWRITEAOF, and waits until it is done."""
    with server.client() as raw:
        assert raw("BGREWRITEAOF").kind == "+"
    wait_until(lambda: not is_rewriting(server))
    assert persistence(server)["aof_last_bgrewrite_status"] == "ok"


def without_encodings(found: Contents) -> Contents:
    """7.0 packs sets of strings in no listpack, and embeds by other rules."""
    return {key: (kind, expiry, value) for key, (kind, _, expiry, value) in found.items()}


def log_folder(folder: Path) -> Path:
    """Where the files are."""
    return folder / "appendonlydir"


def increment(folder: Path) -> Path:
    """The only increment."""
    (path,) = log_folder(folder).glob("*.incr.aof")
    return path


def manifest(folder: Path) -> list[str]:
    """The lines of the manifest."""
    return (log_folder(folder) / "appendonly.aof.manifest").read_text().splitlines()


def requests(data: bytes) -> list[list[bytes]]:
    """The commands in a part of the log; times are left out."""
    found = []
    at = 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        line, at = data[at:end], end + 2
        if line[:1] == b"#":
            continue
        assert line[:1] == b"*"
        words = []
        for _ in range(int(line[1:])):
            end = data.index(b"\r\n", at)
            size, at = int(data[at + 1 : end]), end + 2
            words.append(data[at : at + size])
            assert data[at + size : at + size + 2] == b"\r\n"
            at += size + 2
        found.append(words)
    return found
