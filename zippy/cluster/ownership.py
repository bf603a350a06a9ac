"""Whose slots are whose, by the greatest epoch, and whom this node follows because of that. Without input and output."""

from __future__ import annotations

from zippy.cluster.decisions import Drop
from zippy.cluster.message import Kind, Message, Update
from zippy.cluster.node import Node, slots_of
from zippy.cluster.state import Cluster
from zippy.cluster.talk import Talk


class Ownership:
    """Slots and epochs, as one node sees them."""

    def __init__(self, cluster: Cluster, talk: Talk) -> None:
        self.cluster = cluster
        self.talk = talk

    # Epochs

    def greatest_epoch(self) -> int:
        """Of all that are known."""
        cluster = self.cluster
        return max(cluster.current_epoch, *(node.config_epoch for node in cluster.nodes.values()))

    def bump(self) -> bool:
        """Gives this node an epoch that nobody else has, without asking; False: it has the greatest one."""
        cluster = self.cluster
        greatest = self.greatest_epoch()
        if cluster.myself.config_epoch and cluster.myself.config_epoch == greatest:
            return False
        cluster.current_epoch = greatest + 1
        cluster.myself.config_epoch = cluster.current_epoch
        cluster.changed(sync=True)
        return True

    def learn_epochs(self, sender: Node, message: Message) -> None:
        """Keeps the epochs that a node tells, if they are greater."""
        cluster = self.cluster
        if message.current_epoch > cluster.current_epoch:
            cluster.current_epoch = message.current_epoch
            cluster.save = True
        if message.config_epoch > sender.config_epoch:
            sender.config_epoch = message.config_epoch
            cluster.changed()

    def settle_collision(self, sender: Node) -> None:
        """Of two primaries with the same epoch the one with the lesser id takes another one."""
        cluster = self.cluster
        me = cluster.myself
        if not (sender.is_primary and me.is_primary) or sender.config_epoch != me.config_epoch or sender.id <= me.id:
            return
        cluster.current_epoch += 1
        me.config_epoch = cluster.current_epoch
        cluster.changed(sync=True)
        cluster.note(
            f"WARNING: configEpoch collision with node {sender.id} ({sender.human_name}). configEpoch set to {me.config_epoch}"
        )

    # Slots

    def hear_denials(self, sender: Node, epoch: int, slots: int) -> None:
        """Remembers which of its slots a primary says that it has no more, as long as it says so in its present epoch."""
        cluster = self.cluster
        denied = cluster.denied & ~sender.slots | sender.slots & ~slots
        if epoch == sender.config_epoch and denied != cluster.denied:
            cluster.denied = denied
            cluster.changed()

    def claim(self, sender: Node, epoch: int, slots: int) -> None:
        """A primary says that it has these slots, by this epoch. It gets those that nobody has, or somebody by a lesser one.

        And those of which the owner itself says that it has them no more: its epoch must not keep them from who serves them.
        """
        cluster = self.cluster
        me = cluster.myself
        if sender is me:
            return
        leader = me.leader
        self.follow_sources(sender, slots)
        # of what comes here only the source, or who has taken its place, is believed
        coming = slots_of(slot for slot, source in cluster.importing.items() if source is not sender)
        wanted = slots & ~sender.slots & ~coming
        taken = wanted & (~cluster.assigned | cluster.denied)
        of_leader = mine = 0
        for owner in list(cluster.nodes.values()):
            part = wanted & owner.slots if owner.config_epoch < epoch else 0
            taken |= part
            if owner is leader:
                of_leader = part
            if owner is me:
                mine = part
        if not taken:
            return
        for slot in [slot for slot in cluster.migrating if mine >> slot & 1]:
            cluster.set_migrating(slot, None)
        occupied = cluster.outside.occupied(mine) if mine else 0
        cluster.give(sender, taken)
        moves = leader is not None and of_leader and not leader.slots
        if moves and (cluster.config.replica_migration or sender.slots == of_leader):
            cluster.note(f"Configuration change detected. Reconfiguring myself as a replica of {sender.id} ({sender.human_name})")
            self.follow(sender)
        elif occupied:
            cluster.note("Slots that this node had keys of are another node's now: the keys are deleted", warning=True)
            cluster.tell(Drop(occupied))

    def follow_sources(self, sender: Node, slots: int) -> None:
        """Where a slot that comes here was taken over by another node of the same shard, it comes from that."""
        cluster = self.cluster
        for slot, source in list(cluster.importing.items()):
            if slots >> slot & 1 and source is not sender and source.shard_id and source.shard_id == sender.shard_id:
                cluster.set_importing(slot, sender)

    def correct(self, sender: Node, epoch: int, slots: int) -> None:
        """Tells a node that claims slots which others have by a greater epoch who they are."""
        for owner in list(self.cluster.nodes.values()):
            held = self.cluster.held(owner)
            if owner is not sender.leader and held & slots and owner.config_epoch > epoch:
                self.talk.send(sender.link, Kind.UPDATE, Update(owner.config_epoch, owner.id, held))

    def update(self, told: Update) -> None:
        """UPDATE: this node was behind."""
        node = self.cluster.find(told.id)
        if node is None or node is self.cluster.myself or node.config_epoch >= told.config_epoch:
            return
        self.cluster.set_as_primary(node)
        node.config_epoch = told.config_epoch
        self.cluster.changed()
        self.hear_denials(node, told.config_epoch, told.slots)
        self.claim(node, told.config_epoch, told.slots)

    # Roles

    def follow(self, primary: Node) -> None:
        """This node is a replica of another one from now on."""
        self.cluster.end_moves()
        self.cluster.set_as_replica(self.cluster.myself, primary)

    def flatten(self) -> None:
        """A replica of a replica follows the primary of both."""
        me = self.cluster.myself
        above = me.primary.primary if me.is_replica and me.primary is not None else None
        if above is not None and above is not me:
            self.cluster.note(f"I'm a sub-replica! Reconfiguring myself from {me.primary.id if me.primary else ''} to {above.id}")
            self.follow(above)

    def replace_primary(self) -> None:
        """This replica is the primary now, with all slots of the old one."""
        cluster = self.cluster
        old = cluster.myself.primary
        if old is None:
            return
        cluster.set_as_primary(cluster.myself)
        cluster.give(cluster.myself, cluster.held(old))
        cluster.changed(sync=True)
        self.talk.tell_all()
