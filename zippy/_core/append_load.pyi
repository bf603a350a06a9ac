"""Loading the commands of an append-only file; what each function does is said in append_load.pyx."""

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
    def load(self, data: bytes | bytearray | memoryview, at: int) -> None: ...
