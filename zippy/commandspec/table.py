"""The table of all commands, put together from the files of their groups."""

from __future__ import annotations

from zippy.commandspec import (
    acl,
    bitmap,
    cluster,
    cluster_nodes,
    connection,
    functions,
    generic,
    geo,
    hash,
    hyperloglog,
    list,
    pubsub,
    scripting,
    server,
    set,
    sorted_set,
    stream,
    string,
    transactions,
)
from zippy.commandspec.spec import CommandSpec

COMMANDS = (
    *connection.COMMANDS,
    *generic.COMMANDS,
    *string.COMMANDS,
    *bitmap.COMMANDS,
    *hyperloglog.COMMANDS,
    *list.COMMANDS,
    *set.COMMANDS,
    *sorted_set.COMMANDS,
    *hash.COMMANDS,
    *stream.COMMANDS,
    *geo.COMMANDS,
    *transactions.COMMANDS,
    *pubsub.COMMANDS,
    *scripting.COMMANDS,
    *functions.COMMANDS,
    *server.COMMANDS,
    *acl.COMMANDS,
    *cluster.COMMANDS,
    *cluster_nodes.COMMANDS,
)

_BY_NAME = {spec.name: spec for command in COMMANDS for spec in (command, *command.subcommands)}


def find_command(name: str) -> CommandSpec | None:
    """The spec called `name` in any letter case (`get`, `client|kill`), or None."""
    return _BY_NAME.get(name.lower())
