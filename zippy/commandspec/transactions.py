"""Commands that group others into one step."""

from __future__ import annotations

from zippy.commandspec.spec import Argument, CommandSpec, KeySpec, Range

COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="discard",
        arity=1,
        flags=("noscript", "loading", "stale", "fast", "allow_busy"),
        categories=("fast", "transaction"),
        summary="Throw the queued commands away and leave the transaction.",
        since="2.0.0",
        group="transactions",
        complexity="O(Q) for Q queued commands",
        reply="OK",
    ),
    CommandSpec(
        name="exec",
        arity=1,
        flags=("noscript", "loading", "stale", "skip_slowlog"),
        categories=("slow", "transaction"),
        summary="Run the queued commands as one, unless a watched key has changed.",
        since="1.2.0",
        group="transactions",
        complexity="That of the queued commands together",
        reply="array or nil",
    ),
    CommandSpec(
        name="multi",
        arity=1,
        flags=("noscript", "loading", "stale", "fast", "allow_busy"),
        categories=("fast", "transaction"),
        summary="Start queueing commands for a transaction.",
        since="1.2.0",
        group="transactions",
        complexity="O(1)",
        reply="OK",
    ),
    CommandSpec(
        name="unwatch",
        arity=1,
        flags=("noscript", "loading", "stale", "fast", "allow_busy"),
        categories=("fast", "transaction"),
        summary="Stop watching all keys.",
        since="2.2.0",
        group="transactions",
        complexity="O(1)",
        reply="OK",
    ),
    CommandSpec(
        name="watch",
        arity=-2,
        flags=("noscript", "loading", "stale", "fast", "allow_busy"),
        first_key=1,
        last_key=-1,
        key_step=1,
        categories=("fast", "transaction"),
        keys=(KeySpec(("RO",), find=Range(-1, 1, 0)),),
        summary="Make the next EXEC depend on these keys staying unchanged.",
        since="2.2.0",
        group="transactions",
        complexity="O(1) a key",
        reply="OK",
        arguments=(Argument("key", "key", key_spec=0, flags=("multiple",)),),
    ),
)
