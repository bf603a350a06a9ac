"""Snapshots of a core as Python sees them; what each function does is said in snapshot.pyx."""

from collections.abc import Callable
from typing import Any, final

from typing_extensions import disjoint_base

from zippy._core.session import Core, Session

class SnapshotError(Exception):
    problem: str
    offset: int
    db: int
    key: bytes | None
    unsupported: bool
    def __init__(self, problem: str, offset: int, db: int = -1, key: bytes | None = None, unsupported: bool = False) -> None: ...

@disjoint_base
class SaveRequest:
    def __init__(
        self,
        path: str,
        redis_version: str,
        compress: bool = True,
        checksum: bool = True,
        incremental_sync: bool = True,
        aof_base: bool = False,
        delay_us: int = 0,
    ) -> None: ...
    def write_commands(self, timestamp: bool) -> None: ...
    def set_replication(self, db: int, id: bytes, offset: int) -> None: ...
    @property
    def keys(self) -> int: ...
    @property
    def delay_us(self) -> int: ...

@final
class Progress:
    @property
    def total(self) -> int: ...
    @property
    def written(self) -> int: ...

def save_here(core: Core, request: SaveRequest) -> None: ...
def save_in_child(core: Core, request: SaveRequest) -> tuple[int, int, Progress]: ...
def child_outcome(report: bytes) -> tuple[int, int, int, int] | None: ...
def load_bytes(
    core: Core,
    data: bytes | bytearray | memoryview,
    keep_expired: bool = False,
    replace: bool = False,
    tell: Callable[[int], object] | None = None,
) -> dict[str, Any]: ...
def flush(core: Core) -> None: ...
def changes(core: Core) -> int: ...
def forget_changes(core: Core, count: int) -> None: ...
def deny_writes(core: Core, deny: bool) -> None: ...
def in_transaction(session: Session) -> bool: ...
