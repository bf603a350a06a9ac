"""zippy: an in-memory data store that speaks the Redis protocol, as a server and in process.

In process, with redis-py installed:

    import zippy
    r = zippy.connect()              # a redis.Redis whose server is inside of this process
    r.set("a", 1)

    engine = zippy.Engine()          # several clients on one engine
    first, second = zippy.connect(engine), zippy.connect(engine)

Functions in Python that FCALL calls, here and in a server: see zippy.functions.
"""

from importlib import import_module
from typing import Any

from zippy.version import __version__

__all__ = [
    "Engine",
    "FolderError",
    "FolderInUse",
    "ReplyError",
    "__version__",
    "connect",
    "connect_async",
    "function",
    "serve",
    "serve_async",
    "testing",
]

# redis-py is not needed by the server, and the core not by who imports a module of functions: all is loaded when it is asked for
_LAZY = {
    "Engine": "zippy.inprocess.engine",
    "FolderError": "zippy.persistence.folder_lock",
    "FolderInUse": "zippy.persistence.folder_lock",
    "ReplyError": "zippy._core.resp.kinds",
    "connect": "zippy.inprocess.sync",
    "connect_async": "zippy.inprocess.aio",
    "function": "zippy.functions",
    "serve": "zippy.inprocess.serve",
    "serve_async": "zippy.inprocess.serve",
    "testing": "zippy.testing",
}


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__file__", "__name__", "__path__"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'zippy' has no attribute {name!r}")
    try:
        module = import_module(_LAZY[name])
        if module.__name__ == f"zippy.{name}":
            return module
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise ModuleNotFoundError("zippy in process speaks through redis-py: pip install 'zippy[redis]'", name="redis") from None
    return getattr(module, name)
