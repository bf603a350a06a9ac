"""Functions in Python, which FCALL calls inside of the server, as one step.

A module of the operator's marks them; a server is given it with `--functions-module my_functions`, an engine in process with
`zippy.Engine(functions=[my_functions])`:

    import zippy

    @zippy.function(flags=["no-writes"])
    def best_of(call, keys, args):
        "The highest scores over all of the keys."
        scores = [pair for key in keys for pair in call("ZRANGE", key, 0, -1, "WITHSCORES")]
        return [member for member, score in sorted(scores, key=lambda pair: -pair[1])][: int(args[0])]

`keys` and `args` are lists of bytes. `call` runs a command, its words bytes, str, int or float, and returns its reply: None, int, float,
bool, bytes, and lists, dicts and sets of them (RESP3's kinds; a simple string is bytes too). An error is raised as zippy.ReplyError. What
the function returns is the reply; ReplyError, raised or returned, is an error reply, and any other exception is one too and is logged. What
was written until then stays, as in Lua.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, Protocol, get_args, overload

Flag = Literal["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"]
FLAGS: tuple[str, ...] = get_args(Flag)

NAME = re.compile(r"[A-Za-z0-9_]+")


class Call(Protocol):
    """What a function runs commands with, while it runs."""

    def __call__(self, *words: bytes | str | int | float) -> Any:
        """Runs a command, under the rules of scripts; its reply. ReplyError."""


Body = Callable[[Call, list[bytes], list[bytes]], Any]


class Function:
    """A function that FCALL can call. Called from Python it is the function that was decorated."""

    def __init__(self, body: Body, name: str, library: str, description: str | None, flags: Sequence[Flag]) -> None:
        functools.update_wrapper(self, body)
        for what, text in (("function", name), ("library", library)):
            if not NAME.fullmatch(text):
                raise ValueError(f"the name of a {what} has letters, digits and underscores only, one at least: {text!r}")
        unknown = set(flags) - set(FLAGS)
        if unknown:
            raise ValueError(f"{min(unknown)!r} is no flag of a function; there are {', '.join(FLAGS)}")
        inspect = import_module("inspect")
        if inspect.iscoroutinefunction(body) or inspect.isgeneratorfunction(body):
            raise TypeError(f"{name} would wait, and nobody is served while a function runs")
        self.body = body
        self.name = name
        self.library = library
        self.description = description
        self.flags = tuple(flag for flag in FLAGS if flag in flags)

    def __call__(self, call: Call, keys: list[bytes], args: list[bytes]) -> Any:
        return self.body(call, keys, args)


@overload
def function(body: Body, /) -> Function: ...


@overload
def function(
    *, name: str | None = None, library: str | None = None, description: str | None = None, flags: Sequence[Flag] = ()
) -> Callable[[Body], Function]: ...


def function(
    body: Body | None = None,
    /,
    *,
    name: str | None = None,
    library: str | None = None,
    description: str | None = None,
    flags: Sequence[Flag] = (),
) -> Function | Callable[[Body], Function]:
    """Marks a function for FCALL: `@function` or `@function(name=..., flags=[...])`.

    name: what FCALL calls it, its own unless given. library: what FUNCTION LIST shows it under, the last part of its module's name unless
    given. description: the first line of its docstring unless given. flags: as of redis.register_function.
    """

    def mark(body: Body) -> Function:
        module = re.sub(r"[^A-Za-z0-9_]", "_", body.__module__.rpartition(".")[2])
        told = description if description is not None else (body.__doc__ or "").strip().partition("\n")[0].rstrip() or None
        return Function(body, body.__name__ if name is None else name, module if library is None else library, told, flags)

    return mark if body is None else mark(body)


def functions_of(given: Iterable[ModuleType | Function]) -> list[Function]:
    """The functions given, and those that the modules have. ValueError and TypeError when that cannot be all."""
    found: dict[str, Function] = {}
    for item in given:
        if isinstance(item, Function):
            some = [item]
        elif isinstance(item, ModuleType):
            some = [value for value in vars(item).values() if isinstance(value, Function)]
            if not some:
                raise ValueError(f"the module {item.__name__} has no function that is marked with zippy.function")
        else:
            raise TypeError(f"{item!r} is neither a module nor marked with zippy.function")
        for one in some:
            # a module may import another one's functions
            other = found.setdefault(one.name.lower(), one)
            if other is not one:
                raise ValueError(f"there are two functions of the name {one.name!r}, in the libraries {other.library} and {one.library}")
    return list(found.values())


def import_modules(names: Iterable[str]) -> list[ModuleType]:
    """The modules of these names, which may lie in the current folder. What importing one raises is raised."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    return [import_module(name) for name in names]
