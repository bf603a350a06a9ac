"""Types of values.pyx."""

from collections.abc import Iterator
from typing import Any, SupportsIndex, final, overload

from zippy._core.resp.kinds import Raw

@final
class Words:
    """A command and its arguments, the command's name first; there until the handler has answered."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, place: SupportsIndex) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __iter__(self) -> Iterator[bytes]: ...

def encoded(value: Any, protocol: int) -> Raw: ...
