"""Commands of callers in this process, as Python sees them; what each does is said in local.pyx."""

from collections.abc import Iterable
from threading import RLock
from typing import Any, Protocol, final

from zippy._core.session import Core, Session, Transport

NOT_RUN: object

class _Host(Protocol):  # zippy.inprocess.host.Host
    core: Core
    lock: RLock
    def do_chores(self) -> None: ...
    def end_failed(self) -> None: ...
    def new_session(self, transport: Transport | None) -> Session: ...
    def refuse_fork(self) -> None: ...

@final
class Line:
    session: Session
    touched: bool
    decode: bool
    loop: object
    running_loop: object
    errors: str
    def __init__(self, session: Session) -> None: ...

@final
class Unread:
    connection: Any
    def __new__(cls, connection: object) -> Unread: ...

@final
class Caller:
    def __init__(self, host: _Host, pool: object, connection_class: type, socket_name: str, callbacks_class: type) -> None: ...

@final
class Direct:
    def __init__(self, host: _Host) -> None: ...

def try_command(client: object, args: tuple[Any, ...], options: dict[str, Any]) -> Any: ...
def run_pipeline(
    pipeline: Any, is_transaction: bool, errors: type[Exception] | tuple[type[Exception], ...]
) -> Any: ...
def queue_command(self: Any, *args: Any, **options: Any) -> Any: ...
def execute_command(self: Any, *args: Any, **options: Any) -> Any: ...
def set_value(self: Any, name: Any, value: Any, *options: Any, **named_options: Any) -> Any: ...
def execute(self: Any, *args: bytes | bytearray | memoryview | str | int | float) -> Any: ...
def execute_many(self: Any, commands: Iterable[Iterable[bytes | bytearray | memoryview | str | int | float]]) -> list[Any]: ...
