"""The state machine of a node, driven by hand."""

from __future__ import annotations

import random

import pytest

from tests.cluster.by_hand import ME, NOW, TIMEOUT, Hand, Outside, Peer, gossip_about
from zippy.cluster import machine
from zippy.cluster.decisions import Config, Deliver, Drop, Follow, Lead, Pause, Save, Send
from zippy.cluster.message import Failing, Flag, Kind, Mark, Published, Pulse, Update
from zippy.cluster.node import ALL_SLOTS, bits, ranges, slots_of, span
from zippy.cluster.nodes_file import Reader, render


@pytest.fixture
def hand() -> Hand:
    """A node in a cluster of three."""
    return Hand()


def as_replica(hand: Hand) -> None:
    """This node is a replica of `b` from now on, whose slots and its own are all `b`'s."""
    hand.machine.become_replica(hand.b.node)
    hand.cluster.give(hand.b.node, span(0, 10000))
    hand.b.slots = span(0, 10000)
    hand.take()
    hand.done.clear()


def fail(hand: Hand, peer: Peer, *others: Peer) -> None:
    """A peer stops to answer, and these others say that it fails."""
    hand.pass_time(TIMEOUT * 3, "nobody", *others)
    for other in others:
        hand.receive(other, Kind.PING, gossip_about(peer.node, Flag.PRIMARY | Flag.PFAIL))


class TestSlots:
    """Slots as numbers."""

    def test_ranges(self) -> None:
        """Runs, and what they are made of."""
        slots = slots_of([0, 1, 2, 5, 16383])
        assert list(ranges(slots)) == [(0, 2), (5, 5), (16383, 16383)]
        assert list(bits(slots)) == [0, 1, 2, 5, 16383]
        assert list(ranges(ALL_SLOTS)) == [(0, 16383)]
        assert list(ranges(0)) == []
        assert span(3, 5) == 0b111000


class TestFailures:
    """Who fails."""

    def test_one_is_no_majority(self, hand: Hand) -> None:
        """Who does not answer is suspected by this node alone."""
        hand.pass_time(TIMEOUT * 3, hand.c)
        assert hand.b.node.has(Flag.PFAIL)
        assert not hand.b.node.has(Flag.FAIL)
        assert not hand.sent(Kind.FAIL)

    def test_majority(self, hand: Hand) -> None:
        """Two of three make a failure, and all are told."""
        fail(hand, hand.b, hand.c)
        assert hand.b.node.has(Flag.FAIL) and not hand.b.node.has(Flag.PFAIL)
        assert [message.body for _, message in hand.sent(Kind.FAIL)][:1] == [Failing(hand.b.id)]
        assert hand.cluster.failed

    def test_reports_grow_old(self, hand: Hand) -> None:
        """What was said before long does not count."""
        hand.receive(hand.c, Kind.PING, gossip_about(hand.b.node, Flag.PRIMARY | Flag.PFAIL))
        assert hand.machine.failures.reports(hand.b.node) == 1
        hand.now += 2 * TIMEOUT + 1
        hand.machine.at(hand.now)
        assert hand.machine.failures.reports(hand.b.node) == 0

    def test_reports_are_taken_back(self, hand: Hand) -> None:
        """Who says that a node is well does not say any more that it fails."""
        for flags, count in ((Flag.PFAIL, 1), (0, 0)):
            hand.receive(hand.c, Kind.PING, gossip_about(hand.b.node, Flag.PRIMARY | flags))
            assert hand.machine.failures.reports(hand.b.node) == count

    def test_replicas_have_no_say(self, hand: Hand) -> None:
        """Reports of replicas do not count."""
        replica = hand.peer("d", 4, primary=hand.c.node)
        hand.receive(replica, Kind.PING, gossip_about(hand.b.node, Flag.PRIMARY | Flag.PFAIL))
        assert hand.machine.failures.reports(hand.b.node) == 0

    def test_heard_of(self, hand: Hand) -> None:
        """FAIL is believed."""
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        assert hand.b.node.has(Flag.FAIL)
        hand.receive(hand.c, Kind.FAIL, Failing(ME))
        assert not hand.me.has(Flag.FAIL)

    def test_undone(self, hand: Hand) -> None:
        """A primary with slots has to be well for some time; a replica is back at once."""
        replica = hand.peer("d", 4, primary=hand.c.node)
        for peer in (hand.b, replica):
            hand.receive(hand.c, Kind.FAIL, Failing(peer.id))
            hand.answer(peer)
        assert hand.b.node.has(Flag.FAIL) and not replica.node.has(Flag.FAIL)
        hand.pass_time(TIMEOUT * 2 + 1000)
        assert not hand.b.node.has(Flag.FAIL)

    def test_suspicion_ends_with_an_answer(self, hand: Hand) -> None:
        """Who answers again is suspected no more."""
        hand.pass_time(TIMEOUT * 3, hand.c)
        hand.answer(hand.b)
        assert not hand.b.node.is_failing


class TestState:
    """Whether the cluster serves."""

    def test_coverage(self, hand: Hand) -> None:
        """Each slot has to have somebody, unless that is not asked for."""
        hand.cluster.take_away(1)
        hand.take()
        assert hand.cluster.failed
        hand.config.full_coverage = False
        hand.pass_time(6000)
        assert not hand.cluster.failed

    def test_minority(self, hand: Hand) -> None:
        """Who reaches no majority serves nobody, and waits when that is back."""
        hand.pass_time(TIMEOUT * 3, "nobody")
        assert hand.cluster.failed
        hand.answer(hand.b)
        hand.answer(hand.c)
        assert hand.cluster.failed
        hand.pass_time(TIMEOUT + 200)
        assert not hand.cluster.failed

    def test_begins_late(self) -> None:
        """A primary that has just begun serves nobody for two seconds."""
        hand = Hand()
        hand.cluster.failed, hand.cluster.began_at = True, hand.now
        hand.pass_time(1900)
        assert hand.cluster.failed
        hand.pass_time(300)
        assert not hand.cluster.failed


class TestHandshake:
    """Getting to know each other."""

    def test_meet(self, hand: Hand) -> None:
        """The first message is a MEET, and the answer's sender is the node."""
        hand.machine.meet("10.0.0.9", 6379, 16379)
        hand.pass_time(100)
        (node,) = [node for node in hand.cluster.nodes.values() if node.has(Flag.HANDSHAKE)]
        assert [link.node for link, _ in hand.sent(Kind.MEET)] == [node]
        answering = Peer("9" * 40, node, hand.machine.accepted("10.0.0.9"))
        hand.answer(answering)
        assert node.id == "9" * 40 and node.is_primary and not node.has(Flag.HANDSHAKE)

    def test_who_never_answers_is_forgotten(self, hand: Hand) -> None:
        """A handshake lasts a node timeout."""
        hand.machine.meet("10.0.0.9", 6379, 16379)
        hand.pass_time(TIMEOUT + 300)
        assert len(hand.cluster.nodes) == 3

    def test_strangers(self, hand: Hand) -> None:
        """Who is not known is answered and not believed; with a MEET it is asked who it is."""
        before = dict(hand.cluster.nodes)
        stranger = Peer("9" * 40, hand.b.node, hand.machine.accepted("10.0.0.9"), epoch=99, slots=ALL_SLOTS)
        hand.receive(stranger, Kind.PING, Pulse())
        assert hand.cluster.nodes == before and hand.b.node.slots == hand.b.slots
        assert hand.sent(Kind.PONG)[-1][0] is stranger.link
        for kind, body in ((Kind.FAIL, Failing(hand.b.id)), (Kind.UPDATE, Update(100, hand.b.id, ALL_SLOTS)), (Kind.AUTH_ACK, None)):
            hand.receive(stranger, kind, body)
        assert not hand.b.node.is_failing and hand.b.node.config_epoch == 2
        hand.receive(stranger, Kind.MEET, Pulse())
        assert len(hand.cluster.nodes) == 4

    def test_gossip_brings_nodes(self, hand: Hand) -> None:
        """A node that one of the cluster tells of is known, unless it was forgotten a short time ago."""
        other = Hand().peer("e", 5).node
        hand.receive(hand.b, Kind.PING, gossip_about(other, Flag.PRIMARY))
        hand.cluster.forget(hand.cluster.nodes[other.id])
        hand.receive(hand.b, Kind.PING, gossip_about(other, Flag.PRIMARY))
        assert other.id not in hand.cluster.nodes
        hand.pass_time(60_100)
        hand.receive(hand.b, Kind.PING, gossip_about(other, Flag.PRIMARY))
        assert other.id in hand.cluster.nodes

    def test_a_flood_of_handshakes(self, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many addresses a stranger names, so many are tried at once and no more; what it says of others is nothing."""
        monkeypatch.setattr(machine, "MOST_HANDSHAKES", 20)
        link = hand.machine.accepted("10.0.0.9")
        stranger = Peer("9" * 40, hand.b.node, link)
        other = Hand().peer("e", 5).node
        for port in range(1, 30):
            hand.b.node.bus_port = port
            hand.receive(stranger, Kind.MEET, gossip_about(other, Flag.PRIMARY))
        assert len(hand.cluster.nodes) == 3 + 20
        assert other.id not in hand.cluster.nodes

    def test_forgotten_by_another(self, hand: Hand) -> None:
        """Who is forgotten by one is forgotten by all."""
        hand.peer("d", 4)
        hand.receive(hand.b, Kind.PING, Pulse(shard_id=hand.b.id, forgotten=(("d" * 40, 60), (ME, 60))))
        assert "d" * 40 not in hand.cluster.nodes
        assert hand.cluster.is_banned("d" * 40)
        assert ME in hand.cluster.nodes

    def test_another_at_the_address(self, hand: Hand) -> None:
        """Where somebody else answers, the node's address is not known any more."""
        assert hand.b.node.link is not None
        hand.machine.receive(hand.b.node.link, hand.c.message(Kind.PONG, Pulse()), "")
        hand.take()
        assert hand.b.node.has(Flag.NOADDR) and hand.b.node.link is None

    def test_moved(self, hand: Hand) -> None:
        """A node whose address is another connects anew there."""
        hand.b.node.ip, old = "10.0.0.77", hand.b.node.ip
        message = hand.b.message(Kind.PING, Pulse())
        hand.b.node.ip = old
        hand.machine.receive(hand.b.link, message, "")
        assert hand.b.node.ip == "10.0.0.77"


class TestOwnership:
    """Whose slots are whose."""

    def test_the_greater_epoch_has_them(self, hand: Hand) -> None:
        """A claim by a lesser epoch is corrected, one by a greater is taken."""
        hand.outside.keys = 0b1111
        hand.b.slots |= 0b11
        hand.b.epoch = 0
        hand.receive(hand.b, Kind.PING, Pulse())
        assert hand.me.slots & 0b11
        ((_, update),) = hand.sent(Kind.UPDATE)
        assert isinstance(update.body, Update) and (update.body.id, update.body.config_epoch) == (ME, 1)
        hand.b.epoch = 7
        hand.receive(hand.b, Kind.PING, Pulse())
        assert not hand.me.slots & 0b11 and hand.b.node.slots & 0b11 == 0b11
        assert hand.of(Drop) == [Drop(0b11)]

    def test_all_is_lost(self, hand: Hand) -> None:
        """Who loses its last slot follows who has it."""
        hand.b.slots |= hand.me.slots
        hand.b.epoch = 7
        hand.receive(hand.b, Kind.PING, Pulse())
        assert hand.me.is_replica and hand.me.primary is hand.b.node
        assert [follow.primary for follow in hand.of(Follow)] == [hand.b.node]
        assert not hand.of(Drop)

    def test_update(self, hand: Hand) -> None:
        """A node that was behind believes what it is told, if it is later."""
        hand.receive(hand.b, Kind.UPDATE, Update(3, hand.c.id, span(0, 16383)))
        assert hand.me.slots
        hand.receive(hand.b, Kind.UPDATE, Update(9, hand.c.id, span(5001, 16383)))
        assert hand.c.node.slots == span(5001, 16383) and hand.b.node.slots == 0

    @pytest.mark.parametrize(("epochs", "gets"), [((9,), True), ((8,), False), ((9, 9), False)])
    def test_denied(self, hand: Hand, epochs: tuple[int, ...], gets: bool) -> None:
        """Who says that it has not got a slot keeps nobody from it by its epoch, unless it said so in an earlier one or has it again."""
        slot = 1 << 12000
        hand.c.node.config_epoch = 9
        for number, epoch in enumerate(epochs):
            hand.c.epoch = epoch
            hand.c.slots = hand.c.slots | slot if number else hand.c.slots & ~slot
            hand.receive(hand.c, Kind.PING, Pulse())
        assert hand.c.node.slots & slot
        hand.b.slots |= slot
        hand.receive(hand.b, Kind.PING, Pulse())
        assert bool(hand.b.node.slots & slot) is gets

    def test_epoch_of_a_replica_is_its_primarys(self, hand: Hand) -> None:
        """Who becomes a primary without having been elected has the epoch that it tells itself."""
        replica = hand.peer("d", 4, primary=hand.c.node)
        replica.epoch = 9
        hand.receive(replica, Kind.PING, Pulse())
        replica.primary, replica.epoch, replica.slots = "", 4, 0
        hand.receive(replica, Kind.PING, Pulse())
        assert replica.node.is_primary
        assert replica.node.config_epoch == 4

    def test_denied_slots_go_no_further(self, hand: Hand) -> None:
        """Nobody is told of a slot that its owner says it has not got, and it is not kept: it would be the owner's by an epoch in which
        that has never claimed it, and its true owner would believe that."""
        slot = 1 << 12000
        hand.c.epoch = 9
        hand.c.slots &= ~slot
        hand.receive(hand.c, Kind.PING, Pulse())
        assert hand.c.node.slots & slot
        reader = Reader(hand.config, hand.now, random.Random(1))
        reader.read(render(hand.cluster))
        assert reader.nodes[hand.c.id].slots == hand.c.slots
        hand.b.slots |= 1 << 12001
        hand.receive(hand.b, Kind.PING, Pulse())
        assert [message.body for _, message in hand.sent(Kind.UPDATE)] == [Update(9, hand.c.id, hand.c.slots)]
        hand.cluster.give(hand.b.node, hand.me.slots)
        hand.machine.become_replica(hand.c.node)
        assert hand.machine.talk.message(Kind.PING, Pulse()).slots == hand.c.slots
        hand.machine.ownership.replace_primary()
        assert hand.me.slots == hand.c.slots

    def test_denied_by_hearsay(self, hand: Hand) -> None:
        """What others say of a node's later epoch counts until it says so itself."""
        slot = 1 << 12000
        hand.receive(hand.b, Kind.UPDATE, Update(9, hand.c.id, hand.c.slots & ~slot))
        assert hand.c.node.slots & slot
        hand.b.slots |= slot
        hand.receive(hand.b, Kind.PING, Pulse())
        assert hand.b.node.slots & slot

    def test_what_comes_in_stays(self, hand: Hand) -> None:
        """A slot that is being imported is not taken by gossip."""
        hand.cluster.set_importing(6000, hand.b.node)
        hand.c.slots |= 1 << 6000
        hand.c.epoch = 50
        hand.receive(hand.c, Kind.PING, Pulse())
        assert hand.b.node.slots >> 6000 & 1

    def test_its_source_is_another(self, hand: Hand) -> None:
        """A slot that is being imported is the replica's that took its source's place, and comes from that: the cluster serves."""
        hand.cluster.set_importing(6000, hand.b.node)
        replica = hand.peer("d", 4, primary=hand.b.node)
        replica.epoch = 9
        hand.receive(replica, Kind.PING, Pulse())
        assert hand.cluster.owner(6000) is hand.b.node
        replica.primary = ""
        hand.receive(replica, Kind.PING, Pulse())
        assert hand.cluster.owner(6000) is replica.node and hand.cluster.importing == {6000: replica.node}
        hand.b.primary = replica.id
        hand.receive(hand.b, Kind.PING, Pulse())
        assert hand.cluster.assigned == ALL_SLOTS and not hand.cluster.failed

    @pytest.mark.parametrize(("epoch", "other", "changes"), [(1, "b" * 40, True), (1, "1" * 40, False), (2, "b" * 40, False)])
    def test_collisions(self, hand: Hand, epoch: int, other: str, changes: bool) -> None:
        """Of two with one epoch the one with the lesser id takes the next."""
        peer = hand.peer(other[0], 8)
        peer.epoch = epoch
        peer.node.config_epoch = epoch
        hand.receive(peer, Kind.PING, Pulse())
        assert (hand.me.config_epoch == 4) == changes

    def test_assign(self, hand: Hand) -> None:
        """A slot that has come in is this node's by a new epoch, which all are told."""
        hand.cluster.set_importing(6000, hand.b.node)
        hand.machine.assign(6000, hand.me)
        hand.take()
        assert hand.me.slots >> 6000 & 1 and hand.me.config_epoch == 4 and not hand.cluster.importing
        assert {link.node for link, _ in hand.sent(Kind.PONG)} >= {hand.b.node, hand.c.node}

    def test_replicas_of_replicas(self, hand: Hand) -> None:
        """Who follows a replica follows its primary."""
        as_replica(hand)
        hand.b.primary, hand.b.slots = hand.c.id, hand.c.slots
        hand.receive(hand.b, Kind.PING, Pulse())
        assert hand.me.primary is hand.c.node


class TestVotes:
    """A primary that is asked for its vote."""

    def candidate(self, hand: Hand) -> Peer:
        """A replica of `b`, which fails."""
        peer = hand.peer("d", 4, primary=hand.b.node)
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        hand.done.clear()
        return peer

    def test_once_an_epoch(self, hand: Hand) -> None:
        """One vote, which is on disk before it is sent."""
        peer, other = self.candidate(hand), hand.peer("e", 5, primary=hand.b.node)
        found = hand.receive(peer, Kind.AUTH_REQUEST, current=9)
        assert found[0] == Save(True)
        assert [link.node for link, _ in hand.sent(Kind.AUTH_ACK)] == [peer.node]
        assert (hand.cluster.last_vote, hand.cluster.current_epoch) == (9, 9)
        hand.receive(other, Kind.AUTH_REQUEST, current=9)
        hand.receive(peer, Kind.AUTH_REQUEST, current=9)
        assert len(hand.sent(Kind.AUTH_ACK)) == 1

    def test_not_twice_a_while(self, hand: Hand) -> None:
        """In the next epoch too there is no vote for the same primary's replicas, until two timeouts have passed."""
        peer = self.candidate(hand)
        hand.receive(peer, Kind.AUTH_REQUEST, current=9)
        hand.receive(peer, Kind.AUTH_REQUEST, current=10)
        assert len(hand.sent(Kind.AUTH_ACK)) == 1
        hand.now += 2 * TIMEOUT
        hand.receive(peer, Kind.AUTH_REQUEST, current=11)
        assert len(hand.sent(Kind.AUTH_ACK)) == 2

    def test_refused(self, hand: Hand) -> None:
        """The primary is well; the epoch is old; the slots are another's by a greater epoch; a primary asks."""
        well = hand.peer("e", 5, primary=hand.c.node)
        peer = self.candidate(hand)
        hand.receive(well, Kind.AUTH_REQUEST, current=9)
        hand.receive(peer, Kind.AUTH_REQUEST, current=2)
        peer.epoch = 1
        hand.receive(peer, Kind.AUTH_REQUEST, current=10)
        hand.receive(hand.c, Kind.AUTH_REQUEST, current=11)
        assert not hand.sent(Kind.AUTH_ACK)
        hand.receive(well, Kind.AUTH_REQUEST, current=12, marks=Mark.FORCEACK)
        assert len(hand.sent(Kind.AUTH_ACK)) == 1

    def test_only_primaries_with_slots(self, hand: Hand) -> None:
        """Who has no slots has no vote."""
        peer = self.candidate(hand)
        hand.cluster.take_away(hand.me.slots)
        hand.receive(peer, Kind.AUTH_REQUEST, current=9)
        assert not hand.sent(Kind.AUTH_ACK)


class TestElection:
    """A replica whose primary fails."""

    def test_wins(self, hand: Hand) -> None:
        """It waits, asks in a new epoch that is on disk, and has all slots when a majority has voted."""
        as_replica(hand)
        d = hand.peer("d", 4, epoch=5)
        d.slots = span(10001, 10001)
        hand.cluster.give(d.node, d.slots)
        hand.c.slots &= ~d.slots
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        hand.done.clear()
        hand.pass_time(400, hand.c, d)
        assert not hand.sent(Kind.AUTH_REQUEST)
        hand.pass_time(900, hand.c, d)
        requests = hand.sent(Kind.AUTH_REQUEST)
        assert {link.node for link, _ in requests} >= {hand.c.node, d.node}
        assert requests[0][1].slots == span(0, 10000)
        epoch = hand.cluster.current_epoch
        hand.receive(hand.c, Kind.AUTH_ACK, current=epoch)
        hand.receive(hand.c, Kind.AUTH_ACK, current=epoch)
        assert hand.me.is_replica
        hand.receive(d, Kind.AUTH_ACK, current=epoch)
        assert hand.me.is_primary and hand.me.slots == span(0, 10000) and hand.me.config_epoch == epoch
        assert hand.b.node.slots == 0
        assert len(hand.of(Lead)) == 1

    def test_votes_of_old_epochs(self, hand: Hand) -> None:
        """A vote for an epoch before this one's counts for nothing."""
        as_replica(hand)
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        hand.pass_time(1300, hand.c)
        assert hand.sent(Kind.AUTH_REQUEST)
        hand.receive(hand.c, Kind.AUTH_ACK, current=hand.cluster.current_epoch - 1)
        assert not hand.machine.elections.votes

    def test_rank(self, hand: Hand) -> None:
        """Who has less data than another waits a second longer."""
        as_replica(hand)
        better = hand.peer("d", 4, primary=hand.b.node)
        better.offset, hand.outside.at = 100, 50
        hand.receive(better, Kind.PING, Pulse())
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        hand.pass_time(1200, hand.c)
        assert hand.machine.elections.rank == 1
        assert not hand.sent(Kind.AUTH_REQUEST)
        hand.pass_time(1000, hand.c)
        assert hand.sent(Kind.AUTH_REQUEST)

    @pytest.mark.parametrize(
        ("age", "factor", "asks"), [(0, 10, True), (40_000, 10, False), (None, 10, False), (40_000, 0, True), (None, 0, True)]
    )
    def test_age_of_data(self, hand: Hand, age: int | None, factor: int, asks: bool) -> None:
        """Old data disqualifies, unless the factor is 0."""
        as_replica(hand)
        hand.outside.age, hand.config.validity_factor = age, factor
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        hand.pass_time(1500, hand.c)
        assert bool(hand.sent(Kind.AUTH_REQUEST)) == asks

    def test_no_failover(self, hand: Hand) -> None:
        """cluster-replica-no-failover keeps it from that, and others are told."""
        as_replica(hand)
        hand.config.no_failover = True
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        hand.pass_time(1500, hand.c)
        assert not hand.sent(Kind.AUTH_REQUEST)
        assert hand.me.has(Flag.NOFAILOVER)

    def test_tried_again(self, hand: Hand) -> None:
        """Without a majority it is tried again, in another epoch."""
        as_replica(hand)
        hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
        hand.pass_time(TIMEOUT * 10, hand.c)
        assert len({message.current_epoch for _, message in hand.sent(Kind.AUTH_REQUEST)}) >= 2
        assert hand.me.is_replica


class TestByHand:
    """CLUSTER FAILOVER."""

    def test_replica(self, hand: Hand) -> None:
        """The primary is asked to wait; when this one has all its data, it asks for votes though the primary is well."""
        as_replica(hand)
        hand.outside.at = 90
        hand.machine.elections.begin(force=False)
        hand.take()
        assert [link.node for link, _ in hand.sent(Kind.MFSTART)] == [hand.b.node]
        hand.pass_time(300)
        hand.b.offset = 100
        hand.receive(hand.b, Kind.PING, Pulse(), marks=Mark.PAUSED)
        hand.pass_time(300)
        assert not hand.sent(Kind.AUTH_REQUEST)
        hand.outside.at = 100
        hand.pass_time(200)
        ((_, request), *_) = hand.sent(Kind.AUTH_REQUEST)
        assert request.marks & Mark.FORCEACK
        for voter in (hand.b, hand.c):
            hand.receive(voter, Kind.AUTH_ACK, current=hand.cluster.current_epoch)
        assert hand.me.is_primary and not hand.machine.elections.manual_until

    def test_force(self, hand: Hand) -> None:
        """Nobody is asked to wait."""
        as_replica(hand)
        hand.machine.elections.begin(force=True)
        hand.pass_time(200)
        assert not hand.sent(Kind.MFSTART) and hand.sent(Kind.AUTH_REQUEST)

    def test_another_primary_meanwhile(self, hand: Hand) -> None:
        """Votes for the place of one primary are none for the place of the other that it follows by then."""
        as_replica(hand)
        hand.machine.elections.begin(force=True)
        hand.pass_time(200)
        assert hand.sent(Kind.AUTH_REQUEST)
        hand.c.slots, hand.c.epoch = ALL_SLOTS, 9
        hand.receive(hand.c, Kind.PING, Pulse())
        assert hand.me.primary is hand.c.node
        hand.receive(hand.c, Kind.AUTH_ACK, current=hand.cluster.current_epoch)
        assert hand.me.primary is hand.c.node
        assert not hand.machine.elections.manual_until
        hand.machine.elections.begin(force=True)
        hand.pass_time(200)
        hand.receive(hand.c, Kind.AUTH_ACK, current=hand.cluster.current_epoch)
        assert hand.me.is_primary

    def test_takeover(self, hand: Hand) -> None:
        """Nobody is asked at all."""
        as_replica(hand)
        hand.machine.elections.take_without_asking()
        hand.take()
        assert hand.me.is_primary and hand.me.config_epoch == 4 and not hand.sent(Kind.AUTH_REQUEST)

    def test_time_is_over(self, hand: Hand) -> None:
        """After five seconds all is as it was."""
        as_replica(hand)
        hand.machine.elections.begin(force=False)
        hand.pass_time(5300)
        assert not hand.machine.elections.manual_until and hand.me.is_replica

    def test_primary(self, hand: Hand) -> None:
        """It has writes wait, tells its offset, and goes on when its replica has taken over, or time is over."""
        replica = hand.peer("d", 4, primary=hand.me)
        hand.outside.at = 77
        for taken_over in (False, True):
            hand.done.clear()
            hand.receive(replica, Kind.MFSTART)
            assert hand.of(Pause) == [Pause(True)]
            ((_, ping), *_) = [found for found in hand.sent(Kind.PING) if found[0].node is replica.node]
            assert ping.marks & Mark.PAUSED and ping.offset == 77
            if taken_over:
                replica.primary, replica.epoch = "", 9
                hand.receive(replica, Kind.PING, Pulse())
                assert hand.me.primary is replica.node
            else:
                hand.pass_time(5300, hand.b, hand.c, replica)
            assert hand.of(Pause) == [Pause(True), Pause(False)]

    def test_strangers(self, hand: Hand) -> None:
        """Only its own replica may ask."""
        hand.receive(hand.b, Kind.MFSTART)
        assert not hand.of(Pause)


class TestMigration:
    """A replica that moves."""

    def test_moves(self, hand: Hand) -> None:
        """Of three replicas the one with the least id goes to a primary that lost its own."""
        as_replica(hand)
        peers = [hand.b, hand.c, *(hand.peer(letter, number, primary=hand.b.node) for letter, number in (("6", 6), ("7", 7)))]
        hand.c.node.flags |= Flag.MIGRATE_TO
        hand.pass_time(4000, *peers)
        assert hand.me.primary is hand.b.node
        hand.pass_time(1500, *peers)
        assert hand.me.primary is hand.c.node

    @pytest.mark.parametrize("leaves", [False, True])
    def test_who_had_a_replica(self, hand: Hand, leaves: bool) -> None:
        """A primary whose replica fails gets another one; not one whose replica has left it."""
        as_replica(hand)
        peers = [hand.b, hand.c, *(hand.peer(letter, number, primary=hand.b.node) for letter, number in (("6", 6), ("7", 7)))]
        own = hand.peer("8", 8)
        for primary in (hand.c, hand.b) if leaves else (hand.c,):
            own.primary, own.slots, own.epoch = primary.id, primary.slots, primary.epoch
            hand.receive(own, Kind.PING, Pulse())
        hand.pass_time(TIMEOUT + 6000, *peers)
        assert hand.me.primary is (hand.b if leaves else hand.c).node

    @pytest.mark.parametrize("barrier", [3, 0])
    def test_barrier(self, hand: Hand, barrier: int) -> None:
        """As many as the barrier says have to stay; 0 replica migration off."""
        as_replica(hand)
        peers = [hand.b, hand.c, *(hand.peer(letter, number, primary=hand.b.node) for letter, number in (("6", 6), ("7", 7)))]
        hand.c.node.flags |= Flag.MIGRATE_TO
        hand.config.migration_barrier = barrier
        hand.config.replica_migration = barrier != 0
        hand.pass_time(5800, *peers)
        assert hand.me.primary is hand.b.node


class TestTalk:
    """What is sent, and when."""

    def test_header(self, hand: Hand) -> None:
        """A replica tells its primary's slots and epoch."""
        as_replica(hand)
        hand.outside.at = 12
        message = hand.machine.talk.message(Kind.PING, Pulse())
        assert (message.slots, message.config_epoch, message.primary, message.offset) == (span(0, 10000), 2, hand.b.id, 12)

    def test_everybody_is_pinged_in_time(self, hand: Hand) -> None:
        """Half a timeout after its last answer at the latest."""
        hand.pass_time(10_000)
        for peer in (hand.b, hand.c):
            moments = sum(link.node is peer.node for link, _ in hand.sent(Kind.PING))
            assert moments >= 9

    def test_ping_interval(self, hand: Hand) -> None:
        """The setting says how long a node may be silent until it is pinged; each second one is in any case."""
        counts = []
        for hand.config.ping_interval in (0, 300, 5000):
            hand.done.clear()
            hand.pass_time(10 * TIMEOUT)
            counts.append(len(hand.sent(Kind.PING)))
        assert counts[0] > counts[2] >= 18
        assert counts[1] > 2 * counts[0]

    def test_asked_again(self, hand: Hand) -> None:
        """A node that has not answered and is heard of nevertheless is asked again, and still owes the first answer."""
        hand.pass_time(2 * TIMEOUT, hand.c)
        hand.done.clear()
        first = hand.b.node.ping_sent
        for _ in range(4):
            hand.receive(hand.b, Kind.PING, Pulse())
            hand.pass_time(TIMEOUT // 2, hand.c)
        assert 1 <= sum(link is hand.b.node.link for link, _ in hand.sent(Kind.PING)) <= 2
        assert hand.b.node.ping_sent == first > 0

    def test_a_silent_link_is_opened_again(self, hand: Hand) -> None:
        """A link without an answer for half a timeout is given up."""
        before = hand.b.node.link
        hand.pass_time(TIMEOUT * 2, hand.c)
        assert hand.b.node.link is not before

    def test_published(self, hand: Hand) -> None:
        """What a node published is given to those who listen here."""
        hand.receive(hand.b, Kind.PUBLISH, Published(b"channel", b"text"))
        hand.receive(hand.b, Kind.PUBLISHSHARD, Published(b"channel", b"text"))
        assert hand.of(Deliver) == [Deliver(b"channel", b"text", False), Deliver(b"channel", b"text", True)]

    def test_extensions(self, hand: Hand) -> None:
        """What a node says of itself is known, and this one says it to those who understand."""
        hand.receive(hand.b, Kind.PING, Pulse(hostname="host", human_name="name", shard_id="7" * 40))
        assert (hand.b.node.hostname, hand.b.node.human_name, hand.b.node.shard_id) == ("host", "name", "7" * 40)
        hand.config.hostname = "mine"
        assert hand.machine.talk.pulse_body(hand.b.node).hostname == "mine"
        hand.b.node.flags &= ~Flag.EXTENSIONS
        assert hand.machine.talk.pulse_body(hand.b.node).hostname == ""

    def test_suspects_are_told_of(self, hand: Hand) -> None:
        """Whoever may fail is in each pulse."""
        hand.pass_time(TIMEOUT * 3, hand.c)
        body = hand.machine.talk.pulse_body(hand.c.node)
        assert any(entry.id == hand.b.id and entry.flags & Flag.PFAIL for entry in body.gossip)


def test_reset(hand: Hand) -> None:
    """A node of no cluster, with another id if that is wished."""
    hand.machine.reset(hard=False, occupied=0)
    assert list(hand.cluster.nodes) == [ME] and hand.me.slots == 0 and hand.me.config_epoch == 1
    hand.machine.reset(hard=True, occupied=0)
    assert list(hand.cluster.nodes) == [hand.me.id] != [ME] and hand.cluster.current_epoch == 0


def test_nothing_is_sent_before_it_is_written() -> None:
    """Whatever is to be saved is saved before all messages of the same step."""
    hand = Hand(Outside(), Config(node_timeout=TIMEOUT, ip="10.0.0.1", port=6379, bus_port=16379), NOW)
    hand.receive(hand.c, Kind.FAIL, Failing(hand.b.id))
    hand.b.epoch = 20
    found = hand.receive(hand.b, Kind.PING, Pulse())
    assert isinstance(found[0], Save)
    assert any(isinstance(decision, Send) for decision in found[1:])
