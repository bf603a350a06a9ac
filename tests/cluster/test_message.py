"""The bus's messages: what real nodes sent, whatever we send, and damaged ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cluster.recorded import RECORDED
from zippy.cluster.message import (
    BARE,
    HEADER,
    PUBLISHING,
    PULSES,
    Body,
    Failing,
    Frames,
    Gossip,
    Kind,
    Mark,
    Message,
    MessageError,
    OfModule,
    Published,
    Pulse,
    Update,
    decode,
    encode,
)

ME, YOU = "a1" * 20, "b2" * 20

ids = st.text("0123456789abcdef", min_size=40, max_size=40)
addresses = st.sampled_from(["", "127.0.0.1", "::1", "10.1.2.3", "2001:db8::ff"])
names = st.text("abcxyz019.-", max_size=40)
u16, u32, u64, epochs = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64, 63))
slots = st.integers(0, 2**16384 - 1)
gossip = st.builds(Gossip, ids, u32, u32, addresses, u16, u16, u16, u16)
pulses = st.builds(
    Pulse, st.lists(gossip, max_size=5).map(tuple), names, names, ids | st.just(""), st.lists(st.tuples(ids, u64), max_size=3).map(tuple)
)
published = st.builds(Published, st.binary(max_size=50), st.binary(max_size=200))


def body_of(kind: Kind) -> st.SearchStrategy[Body]:
    """What a kind brings."""
    if kind in PULSES:
        return pulses
    if kind in PUBLISHING:
        return published
    if kind in BARE:
        return st.none()
    of_kind: dict[Kind, st.SearchStrategy[Body]] = {
        Kind.FAIL: st.builds(Failing, ids),
        Kind.UPDATE: st.builds(Update, epochs, ids, slots),
        Kind.MODULE: st.builds(OfModule, u64, st.integers(0, 255), st.binary(max_size=50)),
    }
    return of_kind[kind]


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message."""
    kind = draw(st.sampled_from(Kind))
    marks = draw(st.integers(0, 3)) | (Mark.EXTENDED if kind in PULSES else 0)
    return Message(
        kind, draw(ids), draw(epochs), draw(epochs), draw(u64), draw(slots), draw(ids | st.just("")), draw(addresses), draw(u16), draw(u16),
        draw(u16), draw(u16), draw(st.booleans()), marks, draw(body_of(kind)),
    )  # fmt: skip


class TestFormat:
    """Bytes and messages."""

    @pytest.mark.parametrize(("version", "kind", "data"), RECORDED)
    def test_of_real_nodes(self, version: str, kind: int, data: bytes) -> None:
        """They are understood, and written again they are the same, but for extensions that nobody here knows."""
        message = decode(data)
        assert message is not None
        assert message.kind == kind
        if not (isinstance(message.body, Pulse) and message.body.unknown):
            assert encode(message) == data
        else:
            assert version == "8.2.3"
            assert len(encode(message)) == len(data) - 48

    @given(messages())
    @settings(max_examples=200, deadline=None)
    def test_there_and_back(self, message: Message) -> None:
        """What is written is read as it was."""
        assert decode(encode(message)) == message

    def test_sizes(self) -> None:
        """Of the parts, as the format has them."""
        pulse = Pulse((Gossip(YOU, 1, 2, "127.0.0.1", 1, 2, 3),))
        sizes = {
            body: len(encode(Message(kind, ME, body=body))) - 2256
            for kind, body in (
                (Kind.PING, pulse), (Kind.FAIL, Failing(YOU)), (Kind.PUBLISH, Published(b"a", b"bc")), (Kind.UPDATE, Update(1, YOU, 3)),
                (Kind.MODULE, OfModule(1, 2, b"xyz")), (Kind.MFSTART, None),
            )
        }  # fmt: skip
        assert list(sizes.values()) == [104, 40, 11, 2096, 16, 0]

    def test_what_is_later(self) -> None:
        """Another version or kind is no error, and no message."""
        data = bytearray(encode(Message(Kind.PING, ME, body=Pulse())))
        data[9] = 2
        assert decode(bytes(data)) is None
        data[9], data[13] = 1, 200
        assert decode(bytes(data)) is None


class TestDamage:
    """Bytes that are none."""

    @given(messages(), st.randoms(use_true_random=False))
    @settings(max_examples=300, deadline=None)
    def test_harmed(self, message: Message, chance: random.Random) -> None:
        """Whatever is changed, cut off or added: a message or an error."""
        data = bytearray(encode(message))
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data)) if chance.random() < 0.5 else chance.randrange(16)] = chance.randrange(256)
        if chance.random() < 0.5:
            data = data[: chance.randrange(len(data))] + chance.randbytes(chance.randrange(40))
        try:
            decode(bytes(data))
        except MessageError:
            return

    @pytest.mark.parametrize("kind", Kind)
    def test_cut(self, kind: Kind) -> None:
        """No kind is understood that lacks its last byte, or has one more."""
        bodies: dict[Kind, Body] = {
            Kind.FAIL: Failing(YOU), Kind.UPDATE: Update(1, YOU, 2), Kind.MODULE: OfModule(1, 1, b"x"), Kind.PUBLISH: Published(b"a", b"b"),
            Kind.PUBLISHSHARD: Published(b"a", b"b"), Kind.PING: Pulse((), "host", "name", YOU), Kind.PONG: Pulse(), Kind.MEET: Pulse(),
        }  # fmt: skip
        data = encode(Message(kind, ME, body=bodies.get(kind)))
        for harmed in (data[:-1], data + b"\0"):
            told = harmed[:4] + len(harmed).to_bytes(4, "big") + harmed[8:]
            with pytest.raises(MessageError):
                decode(told)

    @pytest.mark.parametrize("ip", ["1 2", "a,b", "a\nb", "\x7f"])
    def test_addresses_that_would_break_the_file(self, ip: str) -> None:
        """Blanks, commas and line ends are in no address."""
        with pytest.raises(MessageError):
            decode(encode(Message(Kind.PING, ME, ip=ip, body=Pulse())))

    def test_ids(self) -> None:
        """An id is forty digits."""
        with pytest.raises(MessageError):
            decode(encode(Message(Kind.PING, "x" * 40, body=Pulse())))


class TestFrames:
    """A connection's bytes."""

    @given(st.lists(messages(), max_size=4), st.randoms(use_true_random=False))
    @settings(max_examples=50, deadline=None)
    def test_in_pieces(self, some: list[Message], chance: random.Random) -> None:
        """However the bytes come, the messages are whole."""
        data = b"".join(map(encode, some))
        frames = Frames(lambda id: False)
        found = []
        while data:
            size = chance.randrange(1, 5000)
            found += frames.feed(data[:size])
            data = data[size:]
        assert [decode(one) for one in found] == some

    @pytest.mark.parametrize("data", [b"RCmx" + bytes(20), b"GET / HTTP/1.1\r\n", b"RCmb" + (5).to_bytes(4, "big") + bytes(10)])
    def test_nonsense(self, data: bytes) -> None:
        """What is no beginning is an error at once."""
        with pytest.raises(MessageError):
            Frames(lambda id: True).feed(data)

    def test_long_ones(self) -> None:
        """Only nodes may send what is long, and only what is published."""
        head = bytearray(encode(Message(Kind.PUBLISH, ME, body=Published(b"", b"")))[: HEADER.size])
        head[4:8] = (100 << 20).to_bytes(4, "big")
        assert Frames(lambda id: id == ME).feed(bytes(head)) == []
        with pytest.raises(MessageError):
            Frames(lambda id: False).feed(bytes(head))
        head[13] = Kind.PING
        with pytest.raises(MessageError):
            Frames(lambda id: True).feed(bytes(head))
