"""Types of report.pyx."""

from collections.abc import Callable
from typing import Any, final

from typing_extensions import Self, disjoint_base

from zippy._core.resp.kinds import Verbatim

@disjoint_base
class Source:
    def fields(self) -> dict[str, Any]: ...

@final
class Given(Source):
    def __new__(cls, given: dict[str, Any] | Callable[[], dict[str, Any]]) -> Self: ...

@final
class Section:
    def __new__(cls, title: str) -> Self: ...
    def add(self, given: Source | dict[str, Any] | Callable[[], dict[str, Any]]) -> None: ...
    def is_empty(self) -> bool: ...

def report(sections: list[Section]) -> Verbatim: ...
def size_text(size: int) -> str: ...
