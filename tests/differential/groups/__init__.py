"""The groups of commands that sequences are drawn from, one module each."""

from tests.differential.groups import (
    bitmap,
    expiry,
    hash,
    hash_expiry,
    keys,
    list,
    notifications,
    pubsub,
    server,
    set,
    sorted_set,
    string,
    transactions,
)
from tests.differential.groups.group import Group

__all__ = ["GROUPS", "Group"]

GROUPS: dict[str, Group] = {
    module.GROUP.name: module.GROUP
    for module in (string, bitmap, list, set, sorted_set, hash, hash_expiry, keys, transactions, pubsub, notifications, expiry, server)
}
