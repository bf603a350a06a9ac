"""Types of values.pyx."""

from typing import Any

from zippy._core.resp.kinds import Raw

def encoded(value: Any, protocol: int) -> Raw: ...
