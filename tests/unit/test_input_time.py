"""A long pipeline is divided: other clients have their turn between its commands. The time that a client has is set to none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.resp import request
from tests.unit.peer import Peer
from zippy._core.callback_transport import CallbackTransport
from zippy._core.session import Core, Session

PIPELINE = 5


class Divided(Peer):
    """A client whose transport divides its input."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.waiting = False
        self.session.close()
        self.session = Session(core, CallbackTransport(self.take, self.end, self.later))

    def later(self, session: Session) -> None:
        """The transport's run_later."""
        self.waiting = True

    def go_on(self) -> bytes:
        """The next turn; what it brought."""
        self.sent = b""
        self.waiting = False
        self.session.go_on()
        self.core.end_turn()
        return self.sent


@pytest.fixture
def core() -> Iterator[Core]:
    made = Core(16, 1)
    made.bind("command|docs", lambda session, args: 1)
    made.set_input_time(0)
    yield made


@pytest.mark.parametrize(
    ("command", "reply"),
    [("PING", b"+PONG\r\n"), ("COMMAND DOCS", b":1\r\n"), ("x", b"-ERR unknown command 'x', with args beginning with: \r\n")],
)
def test_each_turn_runs_some(core: Core, command: str, reply: bytes) -> None:
    """Whoever is answered in C or in Python, or refused: one command a turn, in order, and another client's between them."""
    peer, other = Divided(core), Peer(core)
    assert peer(*[command] * PIPELINE) == reply
    for _ in range(PIPELINE - 1):
        assert peer.waiting
        assert other("ECHO x") == b"$1\r\nx\r\n"
        assert peer.go_on() == reply
    assert not peer.waiting


def test_others_are_not_divided(core: Core) -> None:
    """A transport that can't go on by itself gets all at once."""
    assert Peer(core)(*["PING"] * PIPELINE) == b"+PONG\r\n" * PIPELINE


def test_the_end_of_input_waits(core: Core) -> None:
    """A peer that sends no more is answered to the end before its connection closes."""
    peer = Divided(core)
    peer(*["PING"] * PIPELINE)
    peer.session.end_input()
    core.end_turn()
    for _ in range(PIPELINE - 1):
        assert peer.session.id
        assert peer.go_on() == b"+PONG\r\n"
    assert not peer.session.id


def test_more_input_comes_behind(core: Core) -> None:
    """What is read nevertheless keeps its place."""
    peer = Divided(core)
    peer("ECHO a", "ECHO b")
    peer.session.feed(request("ECHO", "c"))
    core.end_turn()
    while peer.waiting:
        before = peer.sent
        peer.sent = before + peer.go_on()
    assert peer.sent.endswith(b"$1\r\nc\r\n")


def test_who_waits_is_not_asked(core: Core) -> None:
    """A client that blocks goes on when it is served, not before."""
    peer, other = Divided(core), Peer(core)
    assert peer("PING", "BLPOP queue 0", "PING") == b"+PONG\r\n"
    assert peer.go_on() == b""
    assert not peer.waiting
    peer.sent = b""
    other("RPUSH queue x")
    while peer.waiting:
        peer.sent += peer.go_on()
    assert peer.sent.endswith(b"+PONG\r\n")


def test_it_goes_before_its_turn(core: Core) -> None:
    """Nothing is run for a connection that is closed."""
    peer = Divided(core)
    peer(*["PING"] * PIPELINE)
    peer.session.close()
    assert peer.go_on() == b""
