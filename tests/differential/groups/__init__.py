"""The groups of commands that sequences are drawn from, one module each."""

from tests.differential.groups import (
    acl,
    expiry,
    functions,
    hash_expiry,
    notifications,
    pubsub,
    scripting,
    server,
    stream,
    tracking,
    transactions,
)
from tests.differential.groups.data import DATA
from tests.differential.groups.group import Group

__all__ = ["GROUPS", "Group"]

OTHERS = (
    hash_expiry.GROUP, stream.GROUP, transactions.GROUP, pubsub.GROUP, scripting.GROUP, functions.GROUP, notifications.GROUP, expiry.GROUP,
    tracking.GROUP, server.GROUP, acl.GROUP,
)  # fmt: skip

GROUPS: dict[str, Group] = {group.name: group for group in (*DATA, *OTHERS)}
