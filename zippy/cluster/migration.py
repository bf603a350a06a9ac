"""Replicas move to primaries that have none left. Without input and output."""

from __future__ import annotations

from zippy.cluster.message import Flag
from zippy.cluster.node import Node
from zippy.cluster.ownership import Ownership
from zippy.cluster.state import Cluster

DELAY_MS = 5000  # for which a primary has to be without replicas


class Migration:
    """The moves of one node, as long as it is a replica."""

    def __init__(self, cluster: Cluster, ownership: Ownership) -> None:
        self.cluster = cluster
        self.ownership = ownership

    def cron(self) -> None:
        """Moves, if this is the replica that has to."""
        cluster = self.cluster
        me = cluster.myself
        if not me.is_replica or cluster.failed:
            return
        counts = {node: cluster.good_replicas(node) for node in cluster.nodes.values() if node.is_primary}
        orphans = [node for node, count in counts.items() if self.is_orphan(node, count)]
        for node in counts:
            if node not in orphans:
                node.orphaned_at = 0
            elif not node.orphaned_at:
                node.orphaned_at = cluster.now
        config = cluster.config
        if not orphans or not config.replica_migration or config.no_failover or me.primary is None:
            return
        most = max(counts.values())
        if counts.get(me.primary, 0) != most or most < 2 or most <= config.migration_barrier or me.is_failing:
            return
        target = next((node for node in orphans if cluster.now - node.orphaned_at > DELAY_MS), None)
        if target is not None and me is self.candidate(counts, most):
            cluster.note(f"Migrating to orphaned master {target.id}")
            self.ownership.follow(target)

    def is_orphan(self, node: Node, replicas: int) -> bool:
        """Whether a primary has lost its replicas, and works."""
        return node.slots != 0 and not replicas and node.has(Flag.MIGRATE_TO) and not node.has(Flag.FAIL)

    def candidate(self, counts: dict[Node, int], most: int) -> Node | None:
        """The replica that moves: of those whose primaries have the most, the one of the least id."""
        donors = (
            node
            for node in self.cluster.nodes.values()
            if node.is_replica and not node.is_failing and node.primary is not None and counts.get(node.primary, 0) == most
        )
        return min(donors, key=lambda node: node.id, default=None)
