"""Types of report.pyx."""

from typing import Any, final

from typing_extensions import Self

from zippy._core.resp.kinds import Verbatim

@final
class Section:
    def __new__(cls, title: str) -> Self: ...

@final
class Report:
    def __new__(cls) -> Self: ...
    def text(self, sections: list[tuple[str, dict[str, Any]]]) -> Verbatim: ...

def size_text(size: int) -> str: ...
