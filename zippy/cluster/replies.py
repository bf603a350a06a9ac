"""What CLUSTER's subcommands tell of nodes and slots."""

from __future__ import annotations

from typing import Any

from zippy.cluster.message import Flag
from zippy.cluster.node import Node, ranges
from zippy.cluster.slot_map import endpoint
from zippy.cluster.state import Cluster


def offset_of(cluster: Cluster, node: Node) -> int:
    """A node's replication offset."""
    return cluster.outside.offset() if node is cluster.myself else node.offset


def place(node: Node, port: int, preferred: str) -> list[Any]:
    """A node in CLUSTER SLOTS."""
    more: dict[str, Any] = {}
    if preferred != "ip":
        more["ip"] = node.ip
    if preferred != "hostname" and node.hostname:
        more["hostname"] = node.hostname
    return [endpoint(node, preferred), port, node.id, more]


def slots(cluster: Cluster, preferred: str, tls: bool) -> list[Any]:
    """CLUSTER SLOTS, for a client with TLS or without."""
    found = []
    for node in cluster.nodes.values():
        replicas = [
            place(other, other.port_for(tls), preferred)
            for other in cluster.replicas_of(node)
            if not other.has(Flag.FAIL) and offset_of(cluster, other)
        ]
        found += [
            [first, last, place(node, node.port_for(tls), preferred), *replicas] for first, last in ranges(node.slots)
        ]
    return sorted(found, key=lambda row: row[0])


def shards(cluster: Cluster, preferred: str) -> list[Any]:
    """CLUSTER SHARDS."""
    by_shard: dict[str, list[Node]] = {}
    for node in cluster.nodes.values():
        if not node.has(Flag.HANDSHAKE):
            by_shard.setdefault(node.shard_id, []).append(node)
    found = []
    for nodes in by_shard.values():
        numbers = [number for node in nodes for run in ranges(node.slots) for number in run]
        found.append({"slots": numbers, "nodes": [describe(cluster, node, preferred) for node in nodes]})
    return found


def describe(cluster: Cluster, node: Node, preferred: str) -> dict[str, Any]:
    """A node in CLUSTER SHARDS."""
    fields: dict[str, Any] = {"id": node.id}
    if node.port:
        fields["port"] = node.port
    if node.tls_port:
        fields["tls-port"] = node.tls_port
    fields |= {"ip": node.ip, "endpoint": endpoint(node, preferred) or ""}
    if node.hostname:
        fields["hostname"] = node.hostname
    offset = offset_of(cluster, node)
    health = "fail" if node.is_failing else "loading" if node.is_replica and not offset else "online"
    return {**fields, "role": "replica" if node.is_replica else "master", "replication-offset": offset, "health": health}


def info(cluster: Cluster, sent: dict[str, int], received: dict[str, int], beyond_limit: int) -> str:
    """CLUSTER INFO."""
    good = suspected = failed = 0
    for node in cluster.nodes.values():
        count = node.slots.bit_count()
        if node.has(Flag.FAIL):
            failed += count
        elif node.has(Flag.PFAIL):
            suspected += count
        else:
            good += count
    me = cluster.myself
    fields: dict[str, Any] = {
        "cluster_state": "fail" if cluster.failed else "ok",
        "cluster_slots_assigned": good + suspected + failed,
        "cluster_slots_ok": good,
        "cluster_slots_pfail": suspected,
        "cluster_slots_fail": failed,
        "cluster_known_nodes": len(cluster.nodes),
        "cluster_size": cluster.size,
        "cluster_current_epoch": cluster.current_epoch,
        "cluster_my_epoch": (me.leader or me).config_epoch,
    }
    for way, counts in (("sent", sent), ("received", received)):
        fields |= {f"cluster_stats_messages_{kind}_{way}": count for kind, count in counts.items()}
        fields[f"cluster_stats_messages_{way}"] = sum(counts.values())
    fields["total_cluster_links_buffer_limit_exceeded"] = beyond_limit
    return "".join(f"{name}:{value}\r\n" for name, value in fields.items())
