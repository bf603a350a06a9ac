"""A replica's side of the link, driven without a connection: whatever way the bytes are cut, the decisions are the same."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zippy.replication.link import (
    Continue,
    Copied,
    Copy,
    Decision,
    Declined,
    Failed,
    Introduction,
    Link,
    Note,
    Piece,
    Send,
    Size,
    Step,
    Stream,
    request,
)

ID = "a" * 40
MARK = b"0123456789" * 4
PLAIN = Introduction(7000)
HELLO = b"+PONG\r\n+OK\r\n+OK\r\n"


def run(link: Link, *pieces: bytes) -> list[Decision]:
    """What a link decides, but for notes; neighbours of one kind joined. A copy is loaded when all pieces are there, and no stream comes
    before that."""
    found = link.begin()
    for piece in pieces:
        found += link.receive(piece)
    if link.step is Step.LOADING:
        assert not any(isinstance(decision, Stream) for decision in found)
        found += link.loaded()
    joined: list[Decision] = []
    for decision in found:
        if isinstance(decision, Note):
            continue
        if joined and isinstance(decision, Piece | Stream | Send) and type(joined[-1]) is type(decision):
            joined[-1] = type(decision)(joined[-1].data + decision.data)  # type: ignore[union-attr]
        else:
            joined.append(decision)
    return joined


def words(*after: Decision, introduction: Introduction = PLAIN) -> list[Decision]:
    """What is said before PSYNC's reply, and what comes after."""
    said = request("PING") + request("REPLCONF", "listening-port", str(introduction.port))
    said += request("REPLCONF", "capa", "eof", "capa", "psync2") + request("PSYNC", introduction.id, str(introduction.offset))
    return [Send(said), *after]


COPIES = {
    b"$5\r\nREDIS*1\r\n": [Copy(ID, 7), Size(5), Piece(b"REDIS"), Copied(), Stream(b"*1\r\n")],
    b"$EOF:" + MARK + b"\r\nREDIS" + MARK + b"*1\r\n": [Copy(ID, 7), Size(None), Piece(b"REDIS"), Copied(), Stream(b"*1\r\n")],
    b"\n\n$0\r\n": [Copy(ID, 7), Size(0), Copied()],
}


@given(st.sampled_from(sorted(COPIES)), st.sets(st.integers(1, 200)))
def test_full_copy(copy: bytes, cuts: set[int]) -> None:
    """In either framing, with signs of life before it, cut anywhere."""
    data = HELLO + b"\n+FULLRESYNC " + ID.encode() + b" 7\r\n" + copy
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(places)]
    assert run(Link(Introduction(7000)), *pieces) == words(*COPIES[copy])


def test_goes_on() -> None:
    """A part of the history is there already."""
    introduction = Introduction(7000, id=ID, offset=8)
    for reply, id in ((b"+CONTINUE\r\n", None), (b"+CONTINUE " + b"b" * 40 + b"\r\n", "b" * 40)):
        link = Link(introduction)
        assert run(link, HELLO, reply, b"*1\r\n") == words(Continue(id), Stream(b"*1\r\n"), introduction=introduction)
        assert link.step is Step.STREAM


def test_introduces_itself() -> None:
    """With a password, a user and an address of its own; an old primary may not understand all of it."""
    link = Link(Introduction(7000, "1.2.3.4", "user", "secret"))
    found = run(link, b"-NOAUTH Authentication required.\r\n", b"+OK\r\n+OK\r\n-ERR what?\r\n-ERR what?\r\n")
    assert request("AUTH", "user", "secret") + request("REPLCONF", "listening-port", "7000") in found[0].data  # type: ignore[union-attr]
    assert request("REPLCONF", "ip-address", "1.2.3.4") in found[0].data  # type: ignore[union-attr]
    assert link.step is Step.PSYNC
    assert isinstance(run(Link(Introduction(1, password="x")), b"+PONG\r\n", b"-WRONGPASS\r\n")[-1], Failed)


def test_failures() -> None:
    """What no primary says ends the link."""
    full = HELLO + b"+FULLRESYNC " + ID.encode() + b" 7\r\n"
    for bad in (
        b"-ERR no\r\n", b"nonsense\r\n", b"x" * 5000, HELLO + b"-NOMASTERLINK no\r\n", HELLO + b"-LOADING\r\n", HELLO + b"+FULLRESYNC\r\n",
        HELLO + b"+FULLRESYNC " + ID.encode() + b" 18446744073709551616\r\n", HELLO + b"+FULLRESYNC " + b"\xff" * 40 + b" 7\r\n",
        HELLO + b"+WHAT\r\n", full + b"-ERR no\r\n", full + b"$x\r\n", full + b"$-1\r\n", full + b"$EOF:short\r\n", full + b"*1\r\n",
    ):  # fmt: skip
        link = Link(Introduction(7000))
        assert isinstance(run(link, bad)[-1], Failed), bad
        assert link.receive(b"more") == [] and link.step is Step.OVER


def test_is_declined() -> None:
    """Who is to be the primary answers PSYNC as one, or does not take over, whatever it says; before PSYNC it has not been asked."""
    introduction = Introduction(7000, id=ID, offset=8, failover=True)
    for reply in (b"-ERR no\r\n", b"-NOMASTERLINK no\r\n", b"-LOADING\r\n", b"+FULLRESYNC\r\n", b"nonsense\r\n", b" \r\n"):
        assert isinstance(run(Link(introduction), HELLO, reply)[-1], Declined), reply
    assert isinstance(run(Link(introduction), b"-ERR no\r\n")[-1], Failed)


def test_old_primary() -> None:
    """One that knows no PSYNC is asked for SYNC."""
    found = run(Link(Introduction(7000)), HELLO, b"-ERR unknown command\r\n", b"$1\r\nx")
    assert found[1:] == [Copy(None, -1), Send(b"SYNC\r\n"), Size(1), Piece(b"x"), Copied()]


@given(st.lists(st.binary(max_size=80)))
def test_nonsense(pieces: list[bytes]) -> None:
    """Any bytes come to decisions, and nothing is kept that grows."""
    link = Link(Introduction(7000))
    for piece in pieces:
        link.receive(piece)
    assert len(link.buffer) <= sum(map(len, pieces))
