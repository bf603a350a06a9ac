"""Functions in Python that FCALL runs, as Python sees them; what each does is said in python_functions.pyx."""

from typing import Any, final

from zippy._core.session import Core
from zippy.functions import Function

@final
class Call:
    def __call__(self, *words: bytes | str | int | float) -> Any: ...

def install(core: Core, functions: list[Function]) -> None: ...
