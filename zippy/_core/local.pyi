"""Commands of callers in this process, as Python sees them; what each does is said in local.pyx."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, final

from zippy._core.session import Core, Session

NOT_RUN: object

@final
class Line:
    session: Session
    touched: bool
    decode: bool
    errors: str
    def __init__(self, session: Session) -> None: ...

@final
class Unread:
    connection: Any
    def __new__(cls, connection: object) -> Unread: ...

@final
class Caller:
    def __init__(
        self, engine: Any, core: Core, pool: object, connection_class: type, socket_name: str, callbacks_class: type
    ) -> None: ...

@final
class Direct:
    def __init__(self, engine: Callable[[], Any], core: Core, lock: threading.RLock) -> None: ...

def try_command(client: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any: ...
def execute_command(self: Any, *args: Any, **options: Any) -> Any: ...
def set_value(self: Any, name: Any, value: Any, *options: Any, **named_options: Any) -> Any: ...
def execute(self: Any, *args: bytes | bytearray | memoryview | str | int | float) -> Any: ...
def execute_many(self: Any, commands: Iterable[Iterable[bytes | bytearray | memoryview | str | int | float]]) -> list[Any]: ...
