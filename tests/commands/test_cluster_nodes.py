"""The group of CLUSTER, on a server that is no node of a cluster; tests/cluster has those that are."""

from __future__ import annotations

from typing import ClassVar

from tests.resp import RawClient, Reply

NONE = Reply("-", b"ERR This instance has cluster support disabled")


class Refused:
    """A subcommand without a cluster."""

    request: ClassVar[str]

    def test_without_a_cluster(self, raw: RawClient) -> None:
        """There is none, whatever else is asked."""
        assert raw("CLUSTER", *self.request.split()) == NONE

    def test_arity(self, raw: RawClient) -> None:
        """The number of words is looked at before."""
        word, *more = self.request.split()
        wrong = Reply("-", f"ERR wrong number of arguments for 'cluster|{word.lower()}' command".encode())
        if more:
            assert raw("CLUSTER", word) == wrong
        elif word not in ("FAILOVER", "RESET"):
            assert raw("CLUSTER", word, "x") == wrong


class TestClusterAddslots(Refused):
    """CLUSTER ADDSLOTS slot [slot ...]."""

    request = "ADDSLOTS 1"


class TestClusterAddslotsrange(Refused):
    """CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]."""

    request = "ADDSLOTSRANGE 1 2"


class TestClusterBumpepoch(Refused):
    """CLUSTER BUMPEPOCH."""

    request = "BUMPEPOCH"


class TestClusterCountFailureReports(Refused):
    """CLUSTER COUNT-FAILURE-REPORTS node-id."""

    request = "COUNT-FAILURE-REPORTS x"


class TestClusterCountkeysinslot(Refused):
    """CLUSTER COUNTKEYSINSLOT slot."""

    request = "COUNTKEYSINSLOT 1"


class TestClusterDelslots(Refused):
    """CLUSTER DELSLOTS slot [slot ...]."""

    request = "DELSLOTS 1"


class TestClusterDelslotsrange(Refused):
    """CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]."""

    request = "DELSLOTSRANGE 1 2"


class TestClusterFailover(Refused):
    """CLUSTER FAILOVER [FORCE | TAKEOVER]."""

    request = "FAILOVER"


class TestClusterFlushslots(Refused):
    """CLUSTER FLUSHSLOTS."""

    request = "FLUSHSLOTS"


class TestClusterForget(Refused):
    """CLUSTER FORGET node-id."""

    request = "FORGET x"


class TestClusterGetkeysinslot(Refused):
    """CLUSTER GETKEYSINSLOT slot count."""

    request = "GETKEYSINSLOT 1 1"


class TestClusterInfo(Refused):
    """CLUSTER INFO."""

    request = "INFO"


class TestClusterKeyslot(Refused):
    """CLUSTER KEYSLOT key."""

    request = "KEYSLOT a"


class TestClusterLinks(Refused):
    """CLUSTER LINKS."""

    request = "LINKS"


class TestClusterMeet(Refused):
    """CLUSTER MEET ip port [cluster-bus-port]."""

    request = "MEET 127.0.0.1 1"


class TestClusterMyid(Refused):
    """CLUSTER MYID."""

    request = "MYID"


class TestClusterMyshardid(Refused):
    """CLUSTER MYSHARDID."""

    request = "MYSHARDID"


class TestClusterNodes(Refused):
    """CLUSTER NODES."""

    request = "NODES"


class TestClusterReplicas(Refused):
    """CLUSTER REPLICAS node-id."""

    request = "REPLICAS x"


class TestClusterReplicate(Refused):
    """CLUSTER REPLICATE node-id."""

    request = "REPLICATE x"


class TestClusterReset(Refused):
    """CLUSTER RESET [HARD | SOFT]."""

    request = "RESET"


class TestClusterSaveconfig(Refused):
    """CLUSTER SAVECONFIG."""

    request = "SAVECONFIG"


class TestClusterSetConfigEpoch(Refused):
    """CLUSTER SET-CONFIG-EPOCH config-epoch."""

    request = "SET-CONFIG-EPOCH 1"


class TestClusterSetslot(Refused):
    """CLUSTER SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>."""

    request = "SETSLOT 1 STABLE"


class TestClusterShards(Refused):
    """CLUSTER SHARDS."""

    request = "SHARDS"


class TestClusterSlaves(Refused):
    """CLUSTER SLAVES node-id."""

    request = "SLAVES x"


class TestClusterSlotStats(Refused):
    """CLUSTER SLOT-STATS <SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]>."""

    request = "SLOT-STATS SLOTSRANGE 0 1"


class TestClusterSlots(Refused):
    """CLUSTER SLOTS."""

    request = "SLOTS"
