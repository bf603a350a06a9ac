"""Stores by URL: which engine `zippy.connect` and `zippy.connect_async` speak to.

    file:///var/lib/app/store      a folder, by its absolute path
    file:store, file:~/store       relative to the working folder, or to a home
    mem://name                     a store in memory, one a name in this process

A store is there for as long as somebody refers to it; whoever names it meanwhile gets the same one. Settings follow as `?name=value&...`,
with dashes or underscores.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from zippy.inprocess.engine import Engine, is_closed, is_shared

OF_SERVERS = {"redis", "rediss", "unix", "valkey", "valkeys", "redis+socket", "redis+sentinel"}
WINDOWS = re.compile(r"/?[A-Za-z]:[/\\]|.*\\")
AUTHORITY = {"", "localhost"}

_stores: weakref.WeakValueDictionary[str, Engine] = weakref.WeakValueDictionary()
_settings: weakref.WeakKeyDictionary[Engine, dict[str, str]] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def engine_for(target: Engine | str | None, share: bool = False) -> Engine:
    """The engine that is given, or the store of a URL; None: a new engine. share: it is a folder's that is shared. ValueError says what is
    wrong with a URL, or with sharing, TypeError that it is none."""
    if target is None or isinstance(target, Engine):
        if share and (target is None or not is_shared(target)):
            raise ValueError("share=True: what is shared is a store in a folder, zippy.Engine(path, share=True) or file:///path/to/folder")
        return Engine() if target is None else target
    if not isinstance(target, str):
        raise TypeError(f"a zippy.Engine or a URL such as file:///path or mem://name, not {type(target).__name__}")
    return store_of(target, share)


def store_of(url: str, share: bool = False) -> Engine:
    """The store of a URL, made if it is not there."""
    parts = split(url)
    settings = settings_of(url, parts)
    path = path_of(url, parts) if parts.scheme == "file" else None
    name = name_of(url, parts) if path is None else f"file:{os.path.realpath(path)}"
    if share and path is None:
        raise ValueError(f"{url!r}: share=True: what is shared is a store in a folder, file:///path/to/folder")
    with _making:
        store = _stores.get(name)
        if store is None or is_closed(store):
            _stores[name] = store = Engine(path, share=share, functions=(), **settings)
            _settings[store] = settings
        elif share and not is_shared(store):
            raise ValueError(f"{url!r}: this store is open in this process without share=True")
        elif settings and settings != _settings[store]:
            raise ValueError(f"{url!r}: this store is open with other settings: {_settings[store] or 'none given'}")
    return store


def split(url: str) -> SplitResult:
    """The parts of a URL of one of our schemes."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{url!r}: {error}") from None
    if parts.scheme in OF_SERVERS:
        raise ValueError(f"{url!r} is the address of a server: redis.Redis.from_url connects to it, this opens a store in this process")
    if parts.scheme not in ("file", "mem"):
        raise ValueError(f"{url!r} is no URL of a store: file:///path/to/folder, mem://name")
    if "#" in url:
        raise ValueError(f"{url!r}: a # in a name is written %23")
    return parts


def settings_of(url: str, parts: SplitResult) -> dict[str, str]:
    """The settings of an engine that a URL gives."""
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else []
    except ValueError:
        raise ValueError(f"{url!r}: settings are given as ?name=value&name=value") from None
    settings = {name.replace("-", "_").lower(): value for name, value in pairs}
    if len(settings) != len(pairs):
        raise ValueError(f"{url!r}: a setting is given twice")
    for name in {"path", "share", "functions"} & set(settings):
        raise ValueError(f"{url!r}: there is no setting {name!r}")
    return settings


def path_of(url: str, parts: SplitResult) -> str:
    """The folder of a file: URL."""
    if parts.netloc not in AUTHORITY:
        where = f"{parts.netloc}{parts.path}"
        raise ValueError(f"{url!r} names a host, {parts.netloc!r}: file:///{where} is an absolute path, file:{where} a relative one")
    if WINDOWS.match(parts.path):
        raise ValueError(f"{url!r} looks like a path of Windows; a backslash in a name is written %5C")
    path = unquote(parts.path, errors="surrogateescape")
    if not path or "\0" in path:
        raise ValueError(f"{url!r} names no folder")
    return os.path.expanduser(path) if path.startswith("~") else path


def name_of(url: str, parts: SplitResult) -> str:
    """The key of a mem: store."""
    if not parts.netloc or parts.path not in ("", "/"):
        raise ValueError(f"{url!r}: a store in memory has a name alone, mem://name; the database is given as db=1")
    return f"mem:{unquote(parts.netloc, errors='surrogateescape')}"
