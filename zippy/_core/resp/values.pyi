"""Types of values.pyx."""

from collections.abc import Iterable, Iterator
from typing import Any, SupportsIndex, final, overload

from typing_extensions import Self

from zippy._core.resp.kinds import Raw

@final
class Words:
    """A command and its arguments, the command's name first; there until the handler has answered."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, place: SupportsIndex, /) -> bytes: ...
    @overload
    def __getitem__(self, place: slice, /) -> list[bytes]: ...
    def __iter__(self) -> Iterator[bytes]: ...

@final
class Vocabulary:
    """A set of names in lower case, of 1 to 63 bytes each; ValueError for others."""

    def __new__(cls, names: Iterable[bytes]) -> Self: ...
    def among(self, words: Words, first: int) -> list[bytes]: ...

def encoded(value: Any, protocol: int) -> Raw: ...
