"""The groups of commands that sequences are drawn from, one module each."""

from tests.differential.groups import (
    acl,
    cluster,
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

__all__ = ["ALL_GROUPS", "GROUPS", "Group"]

OTHERS = (
    hash_expiry.GROUP, stream.GROUP, transactions.GROUP, pubsub.GROUP, scripting.GROUP, functions.GROUP, notifications.GROUP, expiry.GROUP,
    tracking.GROUP, server.GROUP, acl.GROUP,
)  # fmt: skip

GROUPS: dict[str, Group] = {group.name: group for group in (*DATA, *OTHERS)}

ALL_GROUPS: dict[str, Group] = {**GROUPS, cluster.GROUP.name: cluster.GROUP}
"""Those, too, that are about more than any server has: `nodes` starts servers for the group of clusters."""
