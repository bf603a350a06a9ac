"""The nodes' file: Redis's format, read and written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cluster.by_hand import Outside
from zippy.cluster.decisions import Config
from zippy.cluster.machine import Machine
from zippy.cluster.message import Flag
from zippy.cluster.nodes_file import NodesFile, NodesFileError, Reader, render
from zippy.cluster.state import Cluster

A, B, C, SHARD = "a1" * 20, "b2" * 20, "c3" * 20, "d4" * 20
OF_8 = f"""\
{A} 127.0.0.1:7000@17000,host.example,tls-port=0,nodename=node-A,shard-id={SHARD} myself,master - 0 0 3 connected 0-100 200 [200->-{B}] [300-<-{B}]
{B} 127.0.0.1:7001@17001,,tls-port=0,shard-id={B} master,fail? - 5 1795732494903 2 connected 201-16383
{C} ::1:7002@17002,,tls-port=0,shard-id={SHARD} slave {A} 0 1795732494903 3 disconnected
vars currentEpoch 7 lastVoteEpoch 6
"""  # noqa: E501
OF_7 = f"""\
{B} 127.0.0.1:56123@31010 master - 0 1795732500751 2 connected 200-16383
{C} 127.0.0.1:35273@35273 slave,noaddr {A} 0 1795732500249 0 connected
{A} 127.0.0.1:46449@20238,host.example myself,master - 0 1795732498000 1 connected 0-100
vars currentEpoch 2 lastVoteEpoch 0
"""


def read(text: str) -> Cluster:
    """A cluster from a file's text."""
    chance, config = random.Random(1), Config()
    reader = Reader(config, 1000, chance)
    reader.read(text)
    assert reader.myself is not None
    cluster = Machine(reader.myself, config, Outside(), chance, 1000).cluster
    reader.fill(cluster)
    return cluster


class TestText:
    """Lines."""

    def test_of_redis_8(self) -> None:
        """All that a line has."""
        cluster = read(OF_8)
        a, b, c = (cluster.nodes[id] for id in (A, B, C))
        assert cluster.myself is a
        assert (a.ip, a.port, a.bus_port, a.hostname, a.human_name, a.shard_id) == (
            "127.0.0.1", 7000, 17000, "host.example", "node-A", SHARD
        )  # fmt: skip
        assert (a.slots.bit_count(), b.slots.bit_count(), a.config_epoch) == (102, 16183, 3)
        assert b.has(Flag.PFAIL) and c.primary is a and c.ip == "::1"
        assert (cluster.migrating, cluster.importing) == ({200: b}, {300: b})
        assert (cluster.current_epoch, cluster.last_vote) == (7, 6)

    def test_of_redis_7(self) -> None:
        """Lines in any order, without shards."""
        cluster = read(OF_7)
        assert cluster.nodes[C].primary is cluster.myself
        assert cluster.nodes[C].has(Flag.NOADDR)
        assert cluster.nodes[C].shard_id and len(cluster.myself.shard_id) == 40

    def test_there_and_back(self) -> None:
        """What is written is what was read, but for moments and links."""
        text = render(read(OF_8))
        assert render(read(text)) == text
        assert text.splitlines()[0] == OF_8.splitlines()[0]

    def test_moves(self) -> None:
        """Slots that move are told in their order, those that do both ways once."""
        cluster = read(OF_8)
        cluster.end_moves()
        other = next(cluster.others())
        for slot in (5, 2):
            cluster.set_migrating(slot, other)
        for slot in (5, 3):
            cluster.set_importing(slot, other)
        assert f" [2->-{other.id}] [3-<-{other.id}] [5->-{other.id}]\n" in render(cluster)

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=200, deadline=None)
    def test_harmed(self, chance: random.Random) -> None:
        """Whatever is in the file: it is read, or refused with a reason."""
        text = list(OF_8)
        for _ in range(chance.randrange(1, 6)):
            text[chance.randrange(len(text))] = chance.choice(" \n,-@:[]<>0a9xz")
        try:
            read("".join(text))
        except NodesFileError:
            return

    @pytest.mark.parametrize(
        "text", ["vars currentEpoch 1 lastVoteEpoch 0\n", OF_7.replace("myself,", ""), OF_7.replace("0-100", "0-99999")]
    )
    def test_refused(self, text: str) -> None:
        """Nobody is this node; a slot that there is not."""
        with pytest.raises(NodesFileError):
            read(text)


class TestFile:
    """The file itself."""

    def test_one_owner(self, tmp_path: Path) -> None:
        """A second server is refused until the first one has gone."""
        first, second = NodesFile(tmp_path / "nodes.conf"), NodesFile(tmp_path / "nodes.conf")
        first.lock()
        with pytest.raises(NodesFileError, match="already used"):
            second.lock()
        first.close()
        second.lock()
        second.close()

    @pytest.mark.parametrize("sync", [False, True])
    def test_in_its_place(self, tmp_path: Path, sync: bool) -> None:
        """The old text stays until the new one is whole, and nothing is left over."""
        file = NodesFile(tmp_path / "nodes.conf")
        assert file.read() == ""
        file.write("one", sync)
        file.write("two", sync)
        assert file.read() == "two"
        assert [path.name for path in tmp_path.iterdir()] == ["nodes.conf"]
        with pytest.raises(OSError):
            NodesFile(tmp_path / "none" / "nodes.conf").write("x", sync)
