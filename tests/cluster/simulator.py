"""A cluster in one process and in simulated time: state machines whose messages are lost, late, doubled and reordered, whose clocks
jump, and who hang, crash, forget what was not on disk and come back at another address, while somebody moves slots, fails over by hand and
has replicas follow others (`operator`). All of it follows from a seed, so a failure replays exactly.

    python -m tests.cluster.simulator --seeds 1000
    python -m tests.cluster.simulator --seed 17 --verbose

Checked all the time: no node votes twice in an epoch, one winner of an election in an epoch, one owner of a slot in an epoch that was
voted for (who imports a slot, and TAKEOVER, takes an epoch without asking, as in Redis, so two may take the same). As in Redis, a primary
that has not heard of its successor votes beside it: then there may be a winner of one shard by the votes of one of them and a winner of
another shard by those of the other, whom the collision of their epochs tells apart later. In the end, when all
faults are mended: all nodes agree on slots, roles and epochs, no two primaries have the same epoch, each slot has an owner, keys are
where their slots are, and the cluster serves.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.cluster.operator import Operator
from zippy.cluster.decisions import Close, Config, Deliver, Drop, Follow, Lead, Note, Open, Pause, Save, Send
from zippy.cluster.machine import Machine
from zippy.cluster.message import HEADER, SLOTS, Flag, Kind
from zippy.cluster.node import ALL_SLOTS, Link, Node, slots_of, span
from zippy.cluster.nodes_file import Reader, render

START = 1_700_000_000_000  # ms
NODE_TIMEOUT = 2000
PRIMARIES = 3
CHAOS_MS = (5_000, 30_000)
QUIET_MS = 60_000
SET_UP_MS = 60_000
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
    hangs_until: int = 0
    keys: int = 0  # slots that have some
    moved: int = 0  # how often its address has changed

    def offset(self) -> int:
        """Of the replication."""
        return self.data

    def data_age(self) -> int | None:
        """Since the primary was heard of."""
        return self.now() - self.heard_at if self.heard_at else None

    def occupied(self, slots: int) -> int:
        """Those of the slots that have keys."""
        return self.keys & slots

    @property
    def ip(self) -> str:
        """Where it is."""
        return f"10.0.{self.moved}.{self.number + 1}"


class Simulation:
    """One cluster's life."""

    def __init__(self, seed: int, verbose: bool = False) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.verbose = verbose
        self.time = START
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.count = 0
        self.faults = Faults(delay=self.chance.choice(DELAYS))
        self.steps = self.delivered = 0
        self.done: Counter[str] = Counter()  # faults and operations by what they were
        self.cut: set[tuple[int, int]] = set()  # from whom to whom nothing comes
        self.owners: dict[int, list[tuple[str, int, bool]]] = {}  # by epoch: who had which slots, and whether it was elected
        self.winners: dict[int, dict[str, Member]] = {}  # by epoch and id
        self.voted: dict[tuple[str, int], Member] = {}  # by voter and epoch
        self.voters: dict[tuple[int, Member], int] = {}  # by epoch and candidate: slots of all who have voted for it
        self.members = [self.member(number) for number in range(PRIMARIES * (2 + seed % 2))]
        self.by_ip = {member.ip: member for member in self.members}
        self.operator = Operator(self) if seed % 4 >= 2 else None

    def member(self, number: int) -> Member:
        """A node that is new."""
        config = Config(node_timeout=NODE_TIMEOUT, port=6379, bus_port=16379, ip=f"10.0.0.{number + 1}")
        member = Member(number, random.Random(self.chance.random()), config)
        member.now = lambda: self.time + member.skew
        member.machine = Machine(new_node(member.chance), config, member, member.chance, START)
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

    def act(self, member: Member, work: Callable[[Machine], object], link: Link | None = None) -> None:
        """Gives a machine an input, of a link if it is one's, as soon as it does not hang."""
        if member.machine is None or (link is not None and link not in member.peers):
            return
        if self.time < member.hangs_until:
            life = member.life
            self.after(member.hangs_until - self.time, lambda: self.act(member, work, link) if member.life == life else None)
            return
        member.machine.at(member.now())
        work(member.machine)
        self.obey(member)
        self.look_at(member)

    def cron(self, member: Member, life: int) -> None:
        """A node's time."""
        if member.machine is None or member.life != life:
            return
        if self.time < member.hangs_until:
            self.after(member.hangs_until - self.time, lambda: self.cron(member, life))
            return
        self.replicate(member)
        self.act(member, lambda machine: machine.cron())
        self.after(CRON_MS, lambda: self.cron(member, life))

    def replicate(self, member: Member) -> None:
        """A primary is written to, and a replica gets what its primary has, if it can."""
        assert member.machine is not None
        cluster = member.machine.cluster
        if cluster.myself.is_primary:
            if not member.paused:
                member.data += self.chance.randrange(100)
                member.keys |= 1 << self.chance.randrange(SLOTS) & cluster.myself.slots & ~slots_of(cluster.migrating)
        elif cluster.following is not None:
            primary = self.by_ip.get(cluster.following[0])
            if primary is not None and self.follows(member, primary):
                member.data, member.keys = primary.data, primary.keys
                member.heard_at = member.now()

    def follows(self, member: Member, primary: Member) -> bool:
        """Whether a replica gets what its primary has: a replica of a replica does, too."""
        return primary.machine is not None and self.time >= primary.hangs_until and self.together(member, primary)

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
            elif isinstance(decision, Drop):
                member.keys &= ~decision.slots
            elif isinstance(decision, Follow):
                # of another primary nothing has been heard yet
                member.heard_at = 0
            else:
                assert isinstance(decision, Deliver | Lead)

    def together(self, one: Member, other: Member) -> bool:
        """Whether two nodes can reach each other."""
        return not self.cut or not {(one.number, other.number), (other.number, one.number)} & self.cut

    def delay(self) -> int:
        """Of a message."""
        if self.chance.random() < self.faults.late:
            self.done["late"] += 1
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
            if self.time < max(member.hangs_until, other.hangs_until if other is not None else 0):
                self.after(CRON_MS, connect)
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
        self.look_at_vote(member, other, data)
        copies = 1
        if self.chance.random() < self.faults.lost:
            copies = 0
            self.done["lost"] += 1
        elif self.chance.random() < self.faults.doubled:
            copies = 2
            self.done["doubled"] += 1
        for _ in range(copies):
            self.after(self.delay(), lambda: self.arrive(member, other, theirs, data))

    def arrive(self, sender: Member, member: Member, link: Link, data: bytes) -> None:
        """A message comes."""
        if member.machine is not None and link in member.peers and (sender.number, member.number) not in self.cut:
            self.delivered += 1
            self.act(member, lambda machine: machine.receive(link, data, member.ip), link)

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
        self.done["crash"] += 1
        member.machine = None
        member.life += 1
        member.hangs_until = 0
        if self.chance.random() < 0.5:
            member.written = member.on_disk
        else:
            member.on_disk = member.written
        for link in list(member.peers):
            self.hang_up(member, link)

    def restart(self, member: Member) -> None:
        """A node comes back with what its disk has, perhaps at another address."""
        if member.machine is not None:
            return
        if self.chance.random() < 0.15:
            self.done["address"] += 1
            del self.by_ip[member.ip]
            member.moved += 1
            member.config.ip = member.ip
            self.by_ip[member.ip] = member
        self.say(member, f"restarts at {member.ip}")
        reader = Reader(member.config, member.now(), member.chance)
        reader.read(member.on_disk)
        assert reader.myself is not None
        machine = Machine(reader.myself, member.config, member, member.chance, member.now())
        reader.fill(machine.cluster)
        member.machine = machine
        member.heard_at = 0
        member.paused = False
        member.was_replica = machine.cluster.myself.is_replica
        machine.follow_settings()
        machine.claim_occupied()
        machine.cluster.changed(sync=True)
        self.obey(member)
        life = member.life
        self.after(self.chance.randrange(CRON_MS), lambda: self.cron(member, life))

    def disturb(self) -> None:
        """Something goes wrong, or somebody works on the cluster."""
        member = self.chance.choice(self.members)
        what = self.chance.randrange(12)
        if what < 3:
            self.kill(member)
        elif what < 5:
            self.part()
        elif what < 7:
            member.skew += self.chance.randrange(-5000, 5000)
            self.say(member, f"clock is off by {member.skew}")
            self.done["clock"] += 1
        elif what == 7:
            member.hangs_until = self.time + self.chance.randrange(6000)
            self.say(member, f"hangs for {member.hangs_until - self.time} ms")
            self.done["hang"] += 1
        elif what == 8:
            self.faults = Faults(
                self.chance.random() * 0.2, self.chance.random() * 0.2, self.chance.random() * 0.3, self.chance.choice(DELAYS)
            )  # fmt: skip
            self.done["network"] += 1
        elif self.operator is not None:
            self.operator.work()
        elif member.machine is not None and member.machine.cluster.myself.primary is not None:
            self.done["failover"] += 1
            force = self.chance.random() < 0.3
            self.act(member, lambda machine: machine.elections.begin(force))

    def kill(self, member: Member) -> None:
        """A node crashes, rather a primary than a replica: elections are what is looked at."""
        up = [one for one in self.members if one.machine is not None and one.machine.cluster.myself.votes]
        if up and self.chance.random() < 0.7:
            member = self.chance.choice(up)
        self.crash(member)
        self.after(self.chance.randrange(15_000), lambda: self.restart(member))

    def part(self) -> None:
        """Some nodes cannot reach the others, or one way only."""
        side = {number: self.chance.randrange(2) for number in range(len(self.members))}
        ways = {(0, 1), (1, 0)} if self.chance.random() < 0.7 else {(0, 1)}
        self.cut = {(one, other) for one in side for other in side if (side[one], side[other]) in ways}
        self.say(None, f"partition {side} {'each way' if len(ways) == 2 else 'one way'}")
        self.done["partition"] += 1
        self.after(self.chance.randrange(10_000), self.cut.clear)

    # The whole

    def set_up(self) -> None:
        """Makes a cluster of the nodes."""
        while not all(len(view.nodes) == len(self.members) for view in self.views()):
            if self.time > START + SET_UP_MS:
                raise Violation(f"seed {self.seed}: the nodes do not get to know each other: {self.describe()}")
            self.meet_all()
            self.run_for(3000)
        share = 16384 // PRIMARIES
        for number, member in enumerate(self.members):
            if number < PRIMARIES:
                last = 16383 if number == PRIMARIES - 1 else (number + 1) * share - 1
                slots = span(number * share, last)
                self.act(member, lambda machine, slots=slots: machine.cluster.give(machine.cluster.myself, slots))  # type: ignore[misc]
            else:
                self.act(member, lambda machine, of=self.members[number % PRIMARIES]: self.follow(machine, of))  # type: ignore[misc]
        self.run_until(self.agree, SET_UP_MS)

    def meet_all(self) -> None:
        """The first node meets all others, once more where one of the two does not know the other: on a slow network a handshake may be
        over before its answer comes, for either of them."""
        first, *others = self.members
        assert first.machine is not None
        me = first.machine.cluster
        for other in others:
            assert other.machine is not None
            cluster = other.machine.cluster
            if me.known(cluster.myself.id) is None or cluster.known(me.myself.id) is None:
                self.act(first, lambda machine, ip=other.ip: machine.meet(ip, 6379, 16379))  # type: ignore[misc]

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
        end = self.time + self.chance.randrange(*CHAOS_MS)
        while self.time < end:
            self.disturb()
            self.run_for(self.chance.randrange(3000))
        self.say(None, "all is mended")
        self.faults = Faults()
        self.cut = set()
        for member in self.members:
            member.hangs_until = 0
            self.restart(member)
        if self.operator is not None:
            self.operator.end()
        self.run_until(self.agree, QUIET_MS)

    # What is checked

    def look_at(self, member: Member) -> None:
        """Looks at what a node claims."""
        if member.machine is None:
            return
        me = member.machine.cluster.myself
        if member.was_replica and me.is_primary and me.config_epoch and me.config_epoch == member.machine.elections.epoch:
            self.look_at_winner(member, me)
        member.was_replica = me.is_replica
        if me.is_primary and me.slots:
            elected = self.operator is None or me.id in self.winners.get(me.config_epoch, ())
            claims = self.owners.setdefault(me.config_epoch, [])
            if (me.id, me.slots, elected) not in claims:
                for id, slots, other_elected in claims:
                    if id != me.id and slots & me.slots and elected and other_elected:
                        raise Violation(f"seed {self.seed}: {id} and {me.id} own the same slots in epoch {me.config_epoch}")
                claims.append((me.id, me.slots, elected))

    def look_at_winner(self, member: Member, me: Node) -> None:
        """Looks at who has won: nobody else has, unless a primary has voted for the one and its successor for the other."""
        epoch = me.config_epoch
        winners = self.winners.setdefault(epoch, {})
        for id, other in winners.items():
            if id != me.id and not self.voters[epoch, other] & self.voters[epoch, member]:
                raise Violation(f"seed {self.seed}: {id} and {me.id} have won the election of epoch {epoch}")
        winners[me.id] = member
        self.done["two_winners"] += len(winners) > 1

    def look_at_vote(self, voter: Member, candidate: Member, data: bytes) -> None:
        """Looks at a message that leaves: a vote must be the voter's only one of its epoch."""
        fields = HEADER.unpack_from(data)
        if fields[4] == Kind.AUTH_ACK:
            voted = self.voted.setdefault((fields[9].decode(), fields[6]), candidate)
            if voted is not candidate:
                raise Violation(f"seed {self.seed}: {voter.number} votes for {voted.number} and {candidate.number} in epoch {fields[6]}")
            assert voter.machine is not None
            self.voters[fields[6], candidate] = self.voters.get((fields[6], candidate), 0) | voter.machine.cluster.myself.slots

    def views(self) -> list[View]:
        """What each node thinks."""
        return [View(member) for member in self.members if member.machine is not None]

    def agree(self) -> bool:
        """Whether all nodes think the same, and the cluster serves."""
        views = self.views()
        first = views[0]
        agreed = len(views) == len(self.members) and all(view.is_well and view.tables == first.tables for view in views)
        epochs = [epoch for slots, _, _, epoch in first.nodes.values() if slots]
        return agreed and len(set(epochs)) == len(epochs)

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
        leader = cluster.myself.leader
        strays = member.keys & ~leader.slots if leader is not None else member.keys
        self.is_well = not cluster.failed and not fails and cluster.assigned == ALL_SLOTS and not strays


def new_node(chance: random.Random) -> Node:
    """A node that has just been made up."""
    return Node(chance.randbytes(20).hex(), Flag.MYSELF | Flag.PRIMARY, START, shard_id=chance.randbytes(20).hex())


def main() -> int:
    """Runs many seeds, or one in words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    began, steps, messages, elections, failed = time.monotonic(), 0, 0, 0, []
    done: Counter[str] = Counter()
    for seed in seeds:
        simulation = Simulation(seed, options.verbose)
        try:
            simulation.run()
        except Violation as error:
            failed.append(seed)
            print(error, flush=True)
        steps, messages, elections = steps + simulation.steps, messages + simulation.delivered, elections + len(simulation.winners)
        done += simulation.done
    print(f"seeds={len(seeds)} events={steps} messages={messages} elections={elections} failed={failed} "
          f"seconds={time.monotonic() - began:.0f}")  # fmt: skip
    print(" ".join(f"{what}={count}" for what, count in sorted(done.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
