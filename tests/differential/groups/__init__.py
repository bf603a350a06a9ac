"""The groups of commands that sequences are drawn from, one module each."""

from tests.differential.groups import expiry, hash_expiry, notifications, pubsub, scripting, server, stream, transactions
from tests.differential.groups.data import DATA
from tests.differential.groups.group import Group

__all__ = ["GROUPS", "Group"]

GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        *DATA,
        hash_expiry.GROUP,
        stream.GROUP,
        transactions.GROUP,
        pubsub.GROUP,
        scripting.GROUP,
        notifications.GROUP,
        expiry.GROUP,
        server.GROUP,
    )
}
