"""The whole state of an engine, taken and put back: what Engine.snapshot and Engine.restore do.

It is the bytes of an RDB file, without checksum and compression: every type has been written and read that way, and tested, already.
"""

from __future__ import annotations

from zippy._core import snapshot
from zippy._core.snapshot import SaveRequest, Walk
from zippy.inprocess.host import Host
from zippy.version import REDIS_VERSION

STEP_US = 1_000_000
STEP_KEYS = 1 << 30


class Snapshot:
    """What was in an engine at one moment; Engine.restore takes it, of any engine of this process and as often as wished."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __repr__(self) -> str:
        return f"<zippy snapshot of {len(self._data)} bytes>"


def refuse_in_turn(host: Host) -> None:
    """RuntimeError when a command is being run."""
    if host.core.in_turn:
        raise RuntimeError("a command is being run: the engine cannot be called from inside of it")


def take_snapshot(host: Host) -> Snapshot:
    """What is in the engine now."""
    host.refuse_fork()
    with host.lock:
        refuse_in_turn(host)
        walk = Walk(host.core, SaveRequest("unused", REDIS_VERSION, compress=False, checksum=False))
        parts = []
        try:
            while not walk.finished:
                walk.step(STEP_US, STEP_KEYS)
                parts.append(walk.take())
            parts.append(walk.take())
        finally:
            walk.end()
        return Snapshot(b"".join(parts))


def put_snapshot(host: Host, taken: Snapshot) -> None:
    """Replaces what is in the engine."""
    host.refuse_fork()
    with host.lock:
        refuse_in_turn(host)
        if host.kept is not None:
            raise RuntimeError("the store is kept in a folder, which would not have what is put back")
        snapshot.replace_all(host.core, taken._data)
        host.do_chores()
