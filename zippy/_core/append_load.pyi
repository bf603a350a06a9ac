"""Loading the commands of an append-only file; what each function does is said in append_load.pyx."""

from collections.abc import Callable

from typing_extensions import disjoint_base

from zippy._core.session import Session

class AppendError(Exception):
    problem: str
    offset: int
    torn: bool
    def __init__(self, problem: str, offset: int, torn: bool = False) -> None: ...

@disjoint_base
class RequestLoader:
    def __init__(self, session: Session) -> None: ...
    @property
    def requests(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def good(self) -> int: ...
    @property
    def untimed(self) -> int: ...
    @property
    def first_second(self) -> int: ...
    @property
    def last_second(self) -> int: ...
    @property
    def stopped(self) -> bool: ...
    def load(
        self,
        data: bytes | bytearray | memoryview,
        at: int,
        until: int = ...,
        data_only: bool = False,
        tell: Callable[[int], object] | None = None,
    ) -> None: ...
