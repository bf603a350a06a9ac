"""Commands of clients and nodes of a cluster."""

from __future__ import annotations

from zippy.commandspec.spec import CommandSpec

COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="asking",
        handler="cluster.asking_command",
        arity=1,
        flags=("fast",),
        categories=("fast", "connection"),
        summary="Say that the next command follows an ASK redirection.",
        since="3.0.0",
        group="cluster",
        complexity="O(1)",
        reply="OK",
    ),
    CommandSpec(
        name="readonly",
        handler="cluster.readonly_command",
        arity=1,
        flags=("loading", "stale", "fast"),
        categories=("fast", "connection"),
        summary="Let a replica of a cluster answer this connection's reads.",
        since="3.0.0",
        group="cluster",
        complexity="O(1)",
        reply="OK",
    ),
    CommandSpec(
        name="readwrite",
        handler="cluster.readwrite_command",
        arity=1,
        flags=("loading", "stale", "fast"),
        categories=("fast", "connection"),
        summary="Have a replica of a cluster send this connection's reads to its primary again.",
        since="3.0.0",
        group="cluster",
        complexity="O(1)",
        reply="OK",
    ),
)
