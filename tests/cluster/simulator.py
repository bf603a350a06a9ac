"""A cluster in one process and in simulated time: state machines whose messages are lost, late, doubled and reordered, whose clocks
jump, and who crash and forget what was not on disk. All of it follows from a seed, so a failure replays exactly.

    python -m tests.cluster.simulator --seeds 1000
    python -m tests.cluster.simulator --seed 17 --verbose

Checked all the time: one owner of a slot in an epoch, one winner of an election in an epoch. In the end, when all faults are mended: all
nodes agree on slots, roles and epochs, and the cluster serves.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from zippy.cluster.decisions import Close, Config, Deliver, Drop, Follow, Lead, Note, Open, Pause, Save, Send
from zippy.cluster.machine import Machine
from zippy.cluster.message import Flag
from zippy.cluster.node import ALL_SLOTS, Link, Node, span
from zippy.cluster.nodes_file import Reader, render

START = 1_700_000_000_000  # ms
NODE_TIMEOUT = 2000
PRIMARIES = 3
CHAOS_MS = 40_000
QUIET_MS = 60_000
CRON_MS = 100
DELAYS = (2, 100, 700)  # of messages that are not late


class Violation(AssertionError):
    """What must never be."""


@dataclass
class Faults:
    """How bad the network is, as probabilities of each message, and delays in ms."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    delay: int = 2
    lateness: int = 3000


@dataclass(eq=False)
class Member:
    """One node: its machine while it is up, its disk, and what it replicates."""

    number: int
    chance: random.Random
    config: Config
    machine: Machine | None = None
    peers: dict[Link, tuple[Member, Link]] = field(default_factory=dict)
    on_disk: str = ""  # for sure
    written: str = ""  # perhaps
    skew: int = 0  # of the clock, ms
    life: int = 0
    data: int = 0  # offset
    heard_at: int = 0
    now: Callable[[], int] = lambda: 0
    was_replica: bool = False
    paused: bool = False

    def offset(self) -> int:
        """Of the replication."""
        return self.data

    def data_age(self) -> int | None:
        """Since the primary was heard of."""
        return self.now() - self.heard_at if self.heard_at else None

    def occupied(self, slots: int) -> int:
        """There are no keys."""
        return 0

    @property
    def ip(self) -> str:
        """Where it is."""
        return f"10.0.0.{self.number + 1}"


class Simulation:
    """One cluster's life."""

    def __init__(self, seed: int, verbose: bool = False, replicas: int = 1) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.verbose = verbose
        self.time = START
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.count = 0
        self.faults = Faults(delay=self.chance.choice(DELAYS))
        self.steps = self.faulty = self.delivered = self.elections = 0
        self.split: dict[int, int] = {}  # sides of a partition by number; empty: there is none
        self.owners: dict[int, list[tuple[str, int]]] = {}  # by epoch: who had which slots
        self.winners: dict[int, str] = {}  # by epoch
        self.members = [self.member(number) for number in range(PRIMARIES * (1 + replicas))]
        self.by_ip = {member.ip: member for member in self.members}

    def member(self, number: int) -> Member:
        """A node that is new."""
        config = Config(node_timeout=NODE_TIMEOUT, port=6379, bus_port=16379, ip=f"10.0.0.{number + 1}")
        member = Member(number, random.Random(self.chance.random()), config)
        member.now = lambda: self.time + member.skew
        node = Node(member.chance.randbytes(20).hex(), Flag.MYSELF | Flag.PRIMARY, START, shard_id=member.chance.randbytes(20).hex())
        member.machine = Machine(node, config, member, member.chance, START)
        member.machine.follow_settings()
        self.obey(member)
        self.after(self.chance.randrange(CRON_MS), lambda: self.cron(member, member.life))
        return member

    # Time

    def after(self, milliseconds: int, work: Callable[[], None]) -> None:
        """Has something done later."""
        self.count += 1
        heapq.heappush(self.events, (self.time + milliseconds, self.count, work))

    def run_for(self, milliseconds: int) -> None:
        """Lets time pass."""
        end = self.time + milliseconds
        while self.events and self.events[0][0] <= end:
            self.time, _, work = heapq.heappop(self.events)
            self.steps += 1
            work()
        self.time = end

    def say(self, member: Member | None, text: str) -> None:
        """Tells what happens, if that is wished."""
        if self.verbose:
            print(f"{self.time - START:8d} {'--' if member is None else member.number} {text}")

    def act(self, member: Member, work: Callable[[Machine], object]) -> None:
        """Gives a machine an input."""
        if member.machine is None:
            return
        member.machine.at(member.now())
        work(member.machine)
        self.obey(member)
        self.look_at(member)

    def cron(self, member: Member, life: int) -> None:
        """A node's time."""
        if member.machine is None or member.life != life:
            return
        self.replicate(member)
        self.act(member, lambda machine: machine.cron())
        self.after(CRON_MS, lambda: self.cron(member, life))

    def replicate(self, member: Member) -> None:
        """A primary is written to, and a replica gets what its primary has, if it can."""
        assert member.machine is not None
        cluster = member.machine.cluster
        if cluster.myself.is_primary:
            member.data += 0 if member.paused else self.chance.randrange(100)
        elif cluster.following is not None:
            primary = self.by_ip.get(cluster.following[0])
            if primary is not None and primary.machine is not None and self.together(member, primary):
                member.data = primary.data
                member.heard_at = member.now()

    # Decisions

    def obey(self, member: Member) -> None:
        """Does what a machine has decided."""
        assert member.machine is not None
        for decision in member.machine.cluster.take():
            if isinstance(decision, Save):
                member.written = render(member.machine.cluster)
                if decision.sync:
                    member.on_disk = member.written
            elif isinstance(decision, Open):
                self.open(member, decision.link)
            elif isinstance(decision, Send):
                self.send(member, decision.link, decision.data)
            elif isinstance(decision, Close):
                self.hang_up(member, decision.link)
            elif isinstance(decision, Pause):
                member.paused = decision.paused
            elif isinstance(decision, Note):
                self.say(member, decision.text)
            else:
                assert isinstance(decision, Deliver | Drop | Follow | Lead)

    def together(self, one: Member, other: Member) -> bool:
        """Whether two nodes can reach each other."""
        return self.split.get(one.number, 0) == self.split.get(other.number, 0)

    def delay(self) -> int:
        """Of a message."""
        if self.chance.random() < self.faults.late:
            self.faulty += 1
            return self.chance.randrange(self.faults.lateness)
        return 1 + self.chance.randrange(self.faults.delay)

    def open(self, member: Member, link: Link) -> None:
        """A connection is made, or fails."""
        node, life = link.node, member.life
        assert node is not None
        other = self.by_ip.get(node.ip)

        def connect() -> None:
            if member.machine is None or member.life != life or link.node is None:
                return
            if other is None or other.machine is None or not self.together(member, other):
                self.act(member, lambda machine: machine.link_down(link))
                return
            theirs = other.machine.accepted(member.ip)
            member.peers[link] = other, theirs
            other.peers[theirs] = member, link
            self.act(member, lambda machine: machine.link_up(link))

        self.after(self.delay(), connect)

    def send(self, member: Member, link: Link, data: bytes) -> None:
        """A message leaves."""
        found = member.peers.get(link)
        if found is None:
            return
        other, theirs = found
        copies = 1
        if self.chance.random() < self.faults.lost:
            copies = 0
        elif self.chance.random() < self.faults.doubled:
            copies = 2
        self.faulty += copies != 1
        for _ in range(copies):
            self.after(self.delay(), lambda: self.arrive(member, other, theirs, data))

    def arrive(self, sender: Member, member: Member, link: Link, data: bytes) -> None:
        """A message comes."""
        if member.machine is not None and link in member.peers and self.together(sender, member):
            self.delivered += 1
            self.act(member, lambda machine: machine.receive(link, data, member.ip))

    def hang_up(self, member: Member, link: Link) -> None:
        """A connection is closed by one side."""
        found = member.peers.pop(link, None)
        if found is None:
            return
        other, theirs = found

        def notice() -> None:
            if other.peers.pop(theirs, None) is not None:
                self.act(other, lambda machine: machine.link_down(theirs))

        self.after(self.delay(), notice)

    # Faults

    def crash(self, member: Member) -> None:
        """A node dies; what was not on disk may be lost."""
        if member.machine is None:
            return
        self.say(member, "crashes")
        self.faulty += 1
        member.machine = None
        member.life += 1
        if self.chance.random() < 0.5:
            member.written = member.on_disk
        else:
            member.on_disk = member.written
        for link in list(member.peers):
            self.hang_up(member, link)

    def restart(self, member: Member) -> None:
        """A node comes back with what its disk has."""
        if member.machine is not None:
            return
        self.say(member, "restarts")
        reader = Reader(member.config, member.now(), member.chance)
        reader.read(member.on_disk)
        assert reader.myself is not None
        machine = Machine(reader.myself, member.config, member, member.chance, member.now())
        reader.fill(machine.cluster)
        member.machine = machine
        member.heard_at = 0
        member.paused = False
        member.was_replica = machine.cluster.myself.is_replica
        life = member.life
        self.after(self.chance.randrange(CRON_MS), lambda: self.cron(member, life))

    def disturb(self) -> None:
        """Something goes wrong, or is mended."""
        member = self.chance.choice(self.members)
        what = self.chance.randrange(10)
        if what < 3:
            up = [one for one in self.members if one.machine is not None and one.machine.cluster.myself.votes]
            if up and self.chance.random() < 0.7:
                # elections are what is looked at
                member = self.chance.choice(up)
            self.crash(member)
            self.after(self.chance.randrange(15_000), lambda: self.restart(member))
        elif what < 5:
            self.split = {number: self.chance.randrange(2) for number in range(len(self.members))}
            self.say(None, f"partition {self.split}")
            self.after(self.chance.randrange(10_000), self.split.clear)
        elif what < 7:
            member.skew += self.chance.randrange(-5000, 5000)
            self.say(member, f"clock is off by {member.skew}")
        elif what < 9 and member.machine is not None and member.machine.cluster.myself.is_replica:
            primary = member.machine.cluster.myself.primary
            if primary is not None:
                force = self.chance.random() < 0.3
                self.act(member, lambda machine: machine.elections.begin(force))
        else:
            self.faults = Faults(
                self.chance.random() * 0.2, self.chance.random() * 0.2, self.chance.random() * 0.3, self.chance.choice(DELAYS)
            )  # fmt: skip
        self.faulty += 1

    # The whole

    def set_up(self) -> None:
        """Makes a cluster of the nodes."""
        first = self.members[0]
        for other in self.members[1:]:
            self.act(first, lambda machine, ip=other.ip: machine.meet(ip, 6379, 16379))  # type: ignore[misc]
        self.run_until(lambda: all(len(member.nodes) == len(self.members) for member in self.views()), 60_000)
        share = 16384 // PRIMARIES
        for number, member in enumerate(self.members):
            if number < PRIMARIES:
                last = 16383 if number == PRIMARIES - 1 else (number + 1) * share - 1
                slots = span(number * share, last)
                self.act(member, lambda machine, slots=slots: machine.cluster.give(machine.cluster.myself, slots))  # type: ignore[misc]
            else:
                self.act(member, lambda machine, of=self.members[number % PRIMARIES]: self.follow(machine, of))  # type: ignore[misc]
        self.run_until(self.agree, 60_000)

    def follow(self, machine: Machine, primary: Member) -> None:
        """A node is a replica of another one."""
        assert primary.machine is not None
        node = machine.cluster.find(primary.machine.cluster.myself.id)
        assert node is not None
        machine.become_replica(node)

    def run_until(self, condition: Callable[[], bool], most: int) -> None:
        """Lets time pass until something is so."""
        end = self.time + most
        while not condition():
            if self.time > end:
                raise Violation(f"seed {self.seed}: the cluster does not come to rest: {self.describe()}")
            self.run_for(500)

    def run(self) -> None:
        """The cluster's life. Violation."""
        self.set_up()
        self.say(None, "chaos begins")
        end = self.time + CHAOS_MS
        while self.time < end:
            self.disturb()
            self.run_for(self.chance.randrange(3000))
        self.say(None, "all is mended")
        self.faults = Faults()
        self.split.clear()
        for member in self.members:
            self.restart(member)
        self.run_until(self.agree, QUIET_MS)
        self.elections = len(self.winners)

    # What is checked

    def look_at(self, member: Member) -> None:
        """Looks at what a node claims."""
        if member.machine is None:
            return
        me = member.machine.cluster.myself
        if member.was_replica and me.is_primary and me.config_epoch:
            winner = self.winners.setdefault(me.config_epoch, me.id)
            if winner != me.id:
                raise Violation(f"seed {self.seed}: {winner} and {me.id} have won the election of epoch {me.config_epoch}")
        member.was_replica = me.is_replica
        if me.is_primary and me.slots:
            claims = self.owners.setdefault(me.config_epoch, [])
            if (me.id, me.slots) not in claims:
                for id, slots in claims:
                    if id != me.id and slots & me.slots:
                        raise Violation(f"seed {self.seed}: {id} and {me.id} own the same slots in epoch {me.config_epoch}")
                claims.append((me.id, me.slots))

    def views(self) -> list[View]:
        """What each node thinks."""
        return [View(member) for member in self.members if member.machine is not None]

    def agree(self) -> bool:
        """Whether all nodes think the same, and the cluster serves."""
        views = self.views()
        first = views[0]
        return len(views) == len(self.members) and all(view.is_well and view.tables == first.tables for view in views)

    def describe(self) -> str:
        """What each node thinks, in words."""
        found = []
        for member in self.members:
            if member.machine is None:
                found.append(f"{member.number} is down")
                continue
            cluster = member.machine.cluster
            nodes = [
                f"{node.ip}:{node.flag_words()}:{node.config_epoch}:{node.slots.bit_count()}:{node.primary.ip if node.primary else '-'}"
                for node in cluster.nodes.values()
            ]
            found.append(f"{member.number} epoch={cluster.current_epoch} failed={cluster.failed} {' '.join(nodes)}")
        return "\n".join(found)


class View:
    """What one node thinks of its cluster."""

    def __init__(self, member: Member) -> None:
        assert member.machine is not None
        cluster = member.machine.cluster
        self.nodes = {
            node.id: (node.slots, node.is_replica, node.primary.id if node.primary is not None else "", node.config_epoch * node.is_primary)
            for node in cluster.nodes.values()
            if not node.has(Flag.HANDSHAKE)
        }
        self.tables = self.nodes, cluster.current_epoch
        fails = any(node.is_failing or node.has(Flag.NOADDR) for node in cluster.nodes.values())
        self.is_well = not cluster.failed and not fails and cluster.assigned == ALL_SLOTS


def main() -> int:
    """Runs many seeds, or one in words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    began, steps, faults, messages, elections, failed = time.monotonic(), 0, 0, 0, 0, []
    for seed in seeds:
        simulation = Simulation(seed, options.verbose, replicas=1 + seed % 2)
        try:
            simulation.run()
        except Violation as error:
            failed.append(seed)
            print(error)
        steps, faults, messages = steps + simulation.steps, faults + simulation.faulty, messages + simulation.delivered
        elections += len(simulation.winners)
    print(f"seeds={len(seeds)} events={steps} messages={messages} faults={faults} elections={elections} failed={failed} "
          f"seconds={time.monotonic() - began:.0f}")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
