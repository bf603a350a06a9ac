"""How a replica takes its primary's place: by the votes of a majority, or by hand. Without input and output."""

from __future__ import annotations

from zippy.cluster.message import Flag, Kind, Mark, Message
from zippy.cluster.node import Node
from zippy.cluster.ownership import Ownership
from zippy.cluster.state import Cluster
from zippy.cluster.talk import Talk

DELAY_MS = 500  # before votes are asked for, so that FAIL has come to all, and as much again at random
RANK_MS = 1000  # more for each replica that has more data
LEAST_ELECTION_MS = 2000
MANUAL_MS = 5000  # for a manual failover
VOTE_TIMEOUTS = 2  # node timeouts between two votes for replicas of one primary


class Elections:
    """The elections of one node: as a voter, and as a replica that wants to be elected."""

    def __init__(self, cluster: Cluster, talk: Talk, ownership: Ownership) -> None:
        self.cluster = cluster
        self.talk = talk
        self.ownership = ownership
        self.primary: Node | None = None  # whose place this replica wants to take
        # of an election that this node has arranged
        self.at = 0  # moment at which votes are asked for; 0: none
        self.asked = False
        self.votes: set[Node] = set()
        self.rank = 0
        self.epoch = 0
        # of a manual failover
        self.manual_until = 0  # 0: there is none
        self.manual_ready = False
        self.manual_offset = -1  # that the primary, which waits, has; -1: not known
        self.replica: Node | None = None  # that takes over from this primary
        self.complaint = ""  # why no election is held; that was told last

    # Voting

    def vote(self, sender: Node, request: Message) -> None:
        """AUTH_REQUEST: votes for a replica, at most once an epoch."""
        cluster = self.cluster
        reason = self.objection(sender, request)
        if reason:
            cluster.note(f"Failover auth denied to {sender.id} ({sender.human_name}): {reason}")
            return
        primary = sender.primary
        assert primary is not None
        primary.voted_at = cluster.now
        cluster.last_vote = cluster.current_epoch
        cluster.changed(sync=True)
        self.talk.send(sender.link, Kind.AUTH_ACK)
        cluster.note(f"Failover auth granted to {sender.id} ({sender.human_name}) for epoch {cluster.current_epoch}")

    def objection(self, sender: Node, request: Message) -> str:
        """Why a replica does not get this node's vote, "": it does."""
        cluster = self.cluster
        primary = sender.primary
        if not cluster.myself.votes:
            return "I have no vote"
        if request.current_epoch < cluster.current_epoch:
            return f"reqEpoch ({request.current_epoch}) < curEpoch({cluster.current_epoch})"
        if cluster.last_vote >= cluster.current_epoch:
            return f"already voted for epoch {cluster.current_epoch}"
        if not sender.is_replica:
            return "it is a primary node"
        if primary is None:
            return "I don't know its primary"
        if not primary.has(Flag.FAIL) and not request.marks & Mark.FORCEACK:
            return "its primary is up"
        wait = VOTE_TIMEOUTS * cluster.config.node_timeout
        if primary.voted_at and cluster.now - primary.voted_at < wait:
            return f"can't vote for any replica of {primary.id} within {wait} milliseconds"
        if any(cluster.held(node) & request.slots and node.config_epoch > request.config_epoch for node in cluster.nodes.values()):
            return "its slots have an owner of a greater epoch"
        return ""

    def count(self, sender: Node, answer: Message) -> None:
        """AUTH_ACK: somebody votes for this node."""
        if sender.votes and self.asked and answer.current_epoch >= self.epoch:
            self.votes.add(sender)

    # Being elected

    def cron(self) -> None:
        """Takes an election or a manual failover one step further."""
        cluster = self.cluster
        if self.manual_until and cluster.now > self.manual_until:
            cluster.note("Manual failover timed out.", warning=True)
            self.end_manual()
        if not cluster.myself.is_replica:
            return
        if self.primary is not cluster.myself.primary:
            # votes for the place of the one that it followed are none for the place of another
            self.end_manual()
            self.forget_election()
            self.primary = cluster.myself.primary
        if self.manual_until and not self.manual_ready and 0 <= self.manual_offset <= cluster.outside.offset():
            self.manual_ready = True
            cluster.note("All master replication stream processed, manual failover can start.")
        self.run()

    def run(self) -> None:
        """Arranges an election where one is needed, asks for votes when it is time, and takes over when there are enough."""
        cluster = self.cluster
        me, now = cluster.myself, cluster.now
        manual = bool(self.manual_until) and self.manual_ready
        if not self.may_run(manual):
            return
        lasts = max(2 * cluster.config.node_timeout, LEAST_ELECTION_MS)
        if now - self.at > 2 * lasts:
            self.arrange(manual)
            return
        if not self.asked and not manual:
            self.wait_for_better()
        if now < self.at or now - self.at > lasts:
            return
        if not self.asked:
            self.ask(manual)
        elif len(self.votes) >= cluster.majority:
            cluster.note(f"Failover election won: I'm the new master. configEpoch set to {self.epoch} after successful failover")
            me.config_epoch = max(me.config_epoch, self.epoch)
            self.take_over()

    def may_run(self, manual: bool) -> bool:
        """Whether this replica is one that is to take over."""
        cluster = self.cluster
        primary = cluster.myself.primary
        if primary is None or not primary.slots or not (manual or primary.has(Flag.FAIL)):
            self.complaint = ""
            return False
        if manual:
            return True
        if cluster.config.no_failover:
            return False
        age, factor, timeout = cluster.outside.data_age(), cluster.config.validity_factor, cluster.config.node_timeout
        if factor and (age is None or max(age - timeout, 0) > cluster.config.ping_replicas + timeout * factor):
            self.complain("Disconnected from master for longer than allowed. Please check the 'cluster-replica-validity-factor' option.")
            return False
        return True

    def complain(self, reason: str) -> None:
        """Says why no election is held, once."""
        if reason != self.complaint:
            self.complaint = reason
            self.cluster.note(f"Currently unable to failover: {reason}", warning=True)

    def arrange(self, manual: bool) -> None:
        """An election is to be held, the later the more replicas have more data."""
        cluster = self.cluster
        self.asked = False
        self.votes = set()
        self.rank = 0 if manual else self.rank_now()
        delay = 0 if manual else DELAY_MS + cluster.chance.randrange(DELAY_MS) + self.rank * RANK_MS
        self.at = cluster.now + delay
        cluster.note(f"Start of election delayed for {delay} milliseconds (rank #{self.rank}, offset {cluster.outside.offset()}).")
        self.talk.tell_shard()
        if manual:
            self.ask(manual)

    def rank_now(self) -> int:
        """How many replicas of the same primary have more data."""
        cluster = self.cluster
        mine, primary = cluster.outside.offset(), cluster.myself.primary
        return sum(
            node is not cluster.myself and not node.has(Flag.NOFAILOVER) and node.offset > mine
            for node in (cluster.replicas_of(primary) if primary is not None else ())
        )

    def wait_for_better(self) -> None:
        """Waits longer when others turn out to have more data."""
        rank = self.rank_now()
        if rank > self.rank:
            self.at += (rank - self.rank) * RANK_MS
            self.rank = rank
            self.cluster.note(f"Replica rank updated to #{rank}, added {RANK_MS} milliseconds of delay each.")

    def ask(self, manual: bool) -> None:
        """Asks for votes, in an epoch of its own."""
        cluster = self.cluster
        cluster.current_epoch += 1
        self.epoch = cluster.current_epoch
        self.asked = True
        cluster.changed(sync=True)
        cluster.note(f"Starting a failover election for epoch {self.epoch}.")
        self.talk.broadcast(Kind.AUTH_REQUEST, marks=Mark.FORCEACK if manual else 0)

    def take_over(self) -> None:
        """This node is the primary now."""
        self.ownership.replace_primary()
        self.forget_election()
        self.end_manual()

    def forget_election(self) -> None:
        """None is arranged."""
        self.at = 0
        self.asked = False
        self.votes = set()

    # By hand

    def end_manual(self) -> None:
        """No manual failover is under way."""
        if self.replica is not None:
            self.cluster.pause_wanted = False
        self.replica = self.talk.pauses_for = None
        self.manual_until = 0
        self.manual_ready = False
        self.manual_offset = -1

    def begin(self, force: bool) -> None:
        """CLUSTER FAILOVER, on a replica; force: its primary is not asked to wait."""
        self.end_manual()
        self.forget_election()
        cluster = self.cluster
        self.manual_until = cluster.now + MANUAL_MS
        self.manual_ready = force
        self.primary = primary = cluster.myself.primary
        if not force and primary is not None:
            self.talk.send(primary.link, Kind.MFSTART)

    def take_without_asking(self) -> None:
        """CLUSTER FAILOVER TAKEOVER, on a replica."""
        self.end_manual()
        self.ownership.bump()
        self.take_over()

    def hand_over(self, sender: Node) -> None:
        """MFSTART: a replica of this primary wants its place. Writes wait until it has it, or until time is over."""
        cluster = self.cluster
        if not cluster.myself.is_primary or sender.primary is not cluster.myself:
            return
        self.end_manual()
        self.manual_until = cluster.now + MANUAL_MS
        self.replica = self.talk.pauses_for = sender
        cluster.pause_wanted = True
        cluster.note(f"Manual failover requested by replica {sender.id} ({sender.human_name}).")
        self.talk.pulse(sender.link, Kind.PING)

    def heard(self, sender: Node, message: Message) -> None:
        """A message has come: the primary may tell what it has, while it waits."""
        me = self.cluster.myself
        if self.manual_until and me.is_replica and sender is me.primary and message.marks & Mark.PAUSED and self.manual_offset < 0:
            self.manual_offset = message.offset
            self.cluster.note(f"Received replication offset for paused master manual failover: {message.offset}")
