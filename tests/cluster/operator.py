"""Who works on a simulated cluster: moves slots, fails over by hand, has replicas follow others, takes nodes out and in again. A work
is a list of commands with time between them, of which the later ones do not come when a tool dies or is refused something."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zippy.cluster.machine import Machine
from zippy.cluster.node import Node, bits

if TYPE_CHECKING:
    from tests.cluster.simulator import Member, Simulation

STEP_MS = 400  # between commands, at most
DIES = 0.04  # how probably a tool dies at a command
MOST_SLOTS = 3  # of a move
WAITS = 8  # commands' time, until a node that was met is known
MEND_MS = 3000  # between two attempts to mend

Work = list[Callable[[], bool]]
"""Commands; whether each was accepted."""


class Operator:
    """Has commands sent to the nodes of a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.chance = simulation.chance
        self.ends = False
        self.given = 0  # slots that their owner was told to be another's who had not got them, or by a lesser epoch

    # Works

    def work(self) -> None:
        """Begins to do something."""
        what = self.chance.randrange(10)
        if what < 5:
            self.begin("move", self.move())
        elif what < 7:
            self.begin("failover", self.fail_over(takeover=False))
        elif what == 7:
            self.begin("takeover", self.fail_over(takeover=True))
        elif what == 8:
            self.begin("replicate", self.replicate())
        else:
            self.begin("reset", self.renew())

    def begin(self, name: str, work: Work) -> None:
        """Does the first command of a work, and arranges the others."""
        if not work:
            return
        self.simulation.done[name] += 1
        self.step(work)

    def step(self, work: Work) -> None:
        """Does one command."""
        if self.ends or self.chance.random() < DIES:
            return
        if work[0]() and work[1:]:
            self.simulation.after(self.chance.randrange(STEP_MS), lambda: self.step(work[1:]))

    def move(self) -> Work:
        """Some slots of a primary go to another one, as redis-cli has it done."""
        source, target = self.some(lambda node: node.votes), self.some(lambda node: node.is_primary)
        if source is None or target is None or source is target:
            return []
        assert source.machine is not None
        slots = list(bits(source.machine.cluster.myself.slots))
        first = self.chance.randrange(len(slots))
        work: Work = []
        for slot in slots[first : first + self.chance.randint(1, MOST_SLOTS)]:
            work += self.move_one(source, target, slot)
        return work

    def move_one(self, source: Member, target: Member, slot: int) -> Work:
        """The commands that move a slot."""
        others = [other for other in self.simulation.members if other not in (source, target)]
        return [
            lambda: self.set_moving(target, slot, source, comes=True),
            lambda: self.set_moving(source, slot, target, comes=False),
            lambda: self.migrate_keys(source, target, slot),
            *(lambda member=member: self.assign(member, slot, target) for member in (target, source, *others)),  # type: ignore[misc]
        ]

    def ask(self, member: Member, command: Callable[[Machine], bool]) -> bool:
        """Sends a command to a node; whether it was accepted. Nodes that are down or hang do not answer."""
        accepted = False

        def work(machine: Machine) -> None:
            nonlocal accepted
            accepted = command(machine)

        self.simulation.act(member, work)
        return accepted

    def set_moving(self, member: Member, slot: int, other: Member, comes: bool) -> bool:
        """SETSLOT IMPORTING or MIGRATING."""

        def command(machine: Machine) -> bool:
            cluster = machine.cluster
            node = self.node_of(machine, other)
            if cluster.myself.is_replica or node is None or node.is_replica or comes == bool(cluster.myself.slots >> slot & 1):
                return False
            (cluster.set_importing if comes else cluster.set_migrating)(slot, node)
            return True

        return self.ask(member, command)

    def migrate_keys(self, source: Member, target: Member, slot: int) -> bool:
        """MIGRATE of all keys of a slot."""
        if source.machine is None or target.machine is None or not self.simulation.together(source, target):
            return False
        moving, coming = source.machine.cluster, target.machine.cluster
        if not moving.myself.slots >> slot & 1 or slot not in moving.migrating or slot not in coming.importing:
            return not source.keys >> slot & 1
        if source.keys >> slot & 1:
            source.keys &= ~(1 << slot)
            target.keys |= 1 << slot
        return True

    def assign(self, member: Member, slot: int, target: Member) -> bool:
        """SETSLOT NODE; a replica refuses it, and hears of it by its primary."""

        def command(machine: Machine) -> bool:
            me, node = machine.cluster.myself, self.node_of(machine, target)
            held = me.slots & member.keys & 1 << slot
            if me.is_replica:
                return member is not target
            if node is None or node.is_replica or (held and node is not me):
                return False
            theirs = target.machine.cluster.myself if target.machine is not None else me
            if me.slots >> slot & 1 and (not theirs.slots >> slot & 1 or theirs.config_epoch < me.config_epoch):
                self.given |= 1 << slot
            machine.assign(slot, node)
            return True

        return self.ask(member, command)

    def fail_over(self, takeover: bool) -> Work:
        """CLUSTER FAILOVER, also with FORCE or TAKEOVER."""
        replica = self.some(lambda node: node.primary is not None)
        if replica is None:
            return []
        force = self.chance.random() < 0.3

        def command(machine: Machine) -> bool:
            if machine.cluster.myself.primary is None:
                return False
            if takeover:
                machine.elections.take_without_asking()
            else:
                machine.elections.begin(force)
            return True

        return [lambda: self.ask(replica, command)]

    def replicate(self) -> Work:
        """A replica follows another primary."""
        replica, primary = self.some(lambda node: node.is_replica), self.some(lambda node: node.votes)
        if replica is None or primary is None:
            return []
        return [lambda: self.follow(replica, primary)]

    def follow(self, member: Member, primary: Member) -> bool:
        """CLUSTER REPLICATE."""

        def command(machine: Machine) -> bool:
            me, node = machine.cluster.myself, self.node_of(machine, primary)
            if node is None or node is me or node.is_replica or (me.is_primary and (me.slots or member.keys)):
                return False
            machine.become_replica(node)
            return True

        return self.ask(member, command)

    def renew(self) -> Work:
        """A replica leaves the cluster, comes back as another node and follows a primary."""
        replica, primary = self.some(lambda node: node.is_replica), self.some(lambda node: node.votes)
        if replica is None or primary is None:
            return []
        assert replica.machine is not None
        old = replica.machine.cluster.myself.id

        def reset(machine: Machine) -> bool:
            if machine.cluster.myself.is_replica:
                machine.reset(True, replica.keys)
            return machine.cluster.myself.id != old

        others = [member for member in self.simulation.members if member is not replica]
        return [
            lambda: self.ask(replica, reset),
            *(lambda member=member: self.forget(member, old) or True for member in others),  # type: ignore[misc]
            lambda: self.meet(primary, replica),
            *(lambda: True,) * WAITS,
            lambda: self.follow(replica, primary),
        ]

    def forget(self, member: Member, id: str) -> bool:
        """CLUSTER FORGET."""

        def command(machine: Machine) -> bool:
            cluster = machine.cluster
            node = cluster.find(id)
            if node is None or node is cluster.myself or node is cluster.myself.primary:
                return False
            cluster.forget(node)
            return True

        return self.ask(member, command)

    def meet(self, member: Member, other: Member) -> bool:
        """CLUSTER MEET."""

        def command(machine: Machine) -> bool:
            machine.meet(other.ip, 6379, 16379)
            return True

        return self.ask(member, command)

    # The end

    def end(self) -> None:
        """From now on what was left half done is mended, until all is well."""
        self.ends = True
        self.mend()

    def mend(self) -> None:
        """Nodes that nobody is any more are forgotten, those that are not known are met, slots are left where they are; those that a tool
        has given to who had not got them, a replica by then, and that nobody has any more, are the first primary's."""
        simulation = self.simulation
        if simulation.agree():
            return
        machines = [member.machine for member in simulation.members if member.machine is not None]
        ids = {machine.cluster.myself.id for machine in machines}
        first = simulation.members[0]
        for member in simulation.members:
            assert member.machine is not None
            cluster = member.machine.cluster
            known = {node.id for node in cluster.nodes.values()}
            for id in sorted(known - ids):
                if cluster.known(id) is not None:
                    self.forget(member, id)
            if not ids <= known or any(cluster.myself.id not in machine.cluster.nodes for machine in machines):
                self.meet(first, member)
            simulation.act(member, lambda machine: machine.cluster.end_moves())
            self.bring_home(member)
        primaries = [member for member in simulation.members if member.machine is not None and member.machine.cluster.myself.is_primary]
        for machine in machines:
            self.given &= ~machine.cluster.myself.slots
        if primaries and self.given:
            simulation.act(primaries[0], self.take_given)
        simulation.after(MEND_MS, self.mend)

    def take_given(self, machine: Machine) -> None:
        """CLUSTER DELSLOTS, ADDSLOTS and BUMPEPOCH, as redis-cli's --cluster fix says them."""
        machine.cluster.take_away(self.given)
        machine.cluster.give(machine.cluster.myself, self.given)
        machine.ownership.bump()

    def bring_home(self, member: Member) -> None:
        """Keys of slots that are another node's are moved there."""
        assert member.machine is not None
        me = member.machine.cluster.myself
        strays = member.keys & ~me.slots if me.is_primary else 0
        for other in self.simulation.members:
            assert other.machine is not None
            theirs = other.machine.cluster.myself
            if theirs.is_primary and other is not member:
                other.keys |= strays & theirs.slots
                member.keys &= ~(strays & theirs.slots)

    # Nodes

    def some(self, fits: Callable[[Node], bool]) -> Member | None:
        """A node that is up and thinks of itself that it fits."""
        found = [member for member in self.simulation.members if member.machine is not None and fits(member.machine.cluster.myself)]
        return self.chance.choice(found) if found else None

    @staticmethod
    def node_of(machine: Machine, member: Member) -> Node | None:
        """A member as another one knows it."""
        return machine.cluster.known(member.machine.cluster.myself.id) if member.machine is not None else None
