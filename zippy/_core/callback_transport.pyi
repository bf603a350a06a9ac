"""A transport that is Python functions, as Python sees it; what it does is said in callback_transport.pyx."""

from collections.abc import Callable
from typing import final

from zippy._core.session import Session, Transport

@final
class CallbackTransport(Transport):
    def __init__(
        self,
        on_output: Callable[[Session], object],
        on_close: Callable[[Session], object],
        on_more: Callable[[Session], object] | None = None,
    ) -> None: ...
