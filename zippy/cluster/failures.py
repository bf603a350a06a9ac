"""Who fails: what this node sees, what others report, and what a majority says. Without input and output."""

from __future__ import annotations

from zippy.cluster.message import Failing, Flag, Kind
from zippy.cluster.node import Node
from zippy.cluster.state import REPORT_TIMEOUTS, UNDO_TIMEOUTS, Cluster
from zippy.cluster.talk import Talk


class Failures:
    """The failure detector of one node."""

    def __init__(self, cluster: Cluster, talk: Talk) -> None:
        self.cluster = cluster
        self.talk = talk

    def cron(self) -> None:
        """Suspects who has been silent for too long."""
        cluster = self.cluster
        for node in list(cluster.others()):
            if node.has(Flag.HANDSHAKE | Flag.NOADDR) or not node.ping_sent or node.is_failing:
                continue
            silence = min(cluster.now - node.ping_sent, cluster.now - node.data_received)
            if silence > cluster.config.node_timeout:
                node.flags |= Flag.PFAIL
                cluster.look = True
                cluster.version += 1
                if cluster.myself.votes and cluster.size == 1:
                    # nobody else could agree
                    self.mark_if_agreed(node)

    def reports(self, node: Node) -> int:
        """How many say that a node fails, of late."""
        oldest = self.cluster.now - REPORT_TIMEOUTS * self.cluster.config.node_timeout
        for reporter in [reporter for reporter, moment in node.reports.items() if moment < oldest]:
            del node.reports[reporter]
        return len(node.reports)

    def report(self, node: Node, reporter: Node, fails: bool) -> None:
        """A primary says whether a node fails."""
        if not fails:
            node.reports.pop(reporter, None)
            return
        node.reports[reporter] = self.cluster.now
        self.mark_if_agreed(node)

    def mark_if_agreed(self, node: Node) -> None:
        """A node fails when this one cannot reach it and a majority says the same."""
        cluster = self.cluster
        if not node.has(Flag.PFAIL) or node.has(Flag.FAIL):
            return
        if self.reports(node) + int(cluster.myself.votes) < cluster.majority:
            return
        cluster.note(f"Marking node {node.id} ({node.human_name}) as failing (quorum reached).")
        self.mark(node)
        self.talk.broadcast(Kind.FAIL, Failing(node.id))

    def mark(self, node: Node) -> None:
        """A node fails, a majority says so."""
        node.flags = node.flags & ~Flag.PFAIL | Flag.FAIL
        node.failed_at = self.cluster.now
        self.cluster.changed()

    def heard_of(self, node: Node, sender: Node) -> None:
        """FAIL: somebody knows that a majority says so."""
        if not node.has(Flag.FAIL | Flag.MYSELF):
            self.cluster.note(f"FAIL message received from {sender.id} ({sender.human_name}) about {node.id} ({node.human_name})")
            self.mark(node)

    def answered(self, node: Node) -> None:
        """A node has answered a ping."""
        if node.has(Flag.PFAIL):
            node.flags &= ~Flag.PFAIL
            self.cluster.look = True
            self.cluster.version += 1
        if node.has(Flag.FAIL):
            self.undo(node)

    def undo(self, node: Node) -> None:
        """A node that failed is back. A primary whose slots nobody has taken has to wait: others may be about to."""
        cluster = self.cluster
        if node.votes and cluster.now - node.failed_at <= UNDO_TIMEOUTS * cluster.config.node_timeout:
            return
        what = "is already reachable and nobody is serving its slots after some time" if node.votes else "is reachable again"
        cluster.note(f"Clear FAIL state for node {node.id} ({node.human_name}): {what}.")
        node.flags &= ~Flag.FAIL
        cluster.changed()
