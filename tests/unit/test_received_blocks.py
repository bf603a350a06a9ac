"""Large arguments that several reads bring: stored without being copied, and there for whoever looks at the command afterwards."""

from __future__ import annotations

import hashlib

import pytest

from tests.resp import request
from tests.unit.peer import Peer
from zippy._core.callback_transport import CallbackTransport
from zippy._core.client_list import ClientState, client_line
from zippy._core.introspection import used_memory
from zippy._core.session import Core, Session
from zippy._core.users import set_default_password

LARGE = 8 << 20
CHUNK = 256 * 1024


@pytest.fixture
def core() -> Core:
    """An empty core."""
    return Core(16, 1)


@pytest.fixture
def peer(core: Core) -> Peer:
    """A client of it."""
    return Peer(core)


def sent(peer: Peer, *commands: bytes) -> bytes:
    """Sends requests as a socket brings them; what has come when their turns are over."""
    peer.sent = b""
    data = b"".join(commands)
    for at in range(0, len(data), CHUNK):
        peer.session.feed(data[at : at + CHUNK])
        peer.core.end_turn()
    return peer.sent


def field(peer: Peer, name: str) -> int:
    """A number in the client's line of CLIENT LIST."""
    return int(dict(word.split("=") for word in client_line(peer.session).split(" ") if word.count("=") == 1)[name])


VALUE = b"v" * LARGE
STORING = [
    (("SET", "k", VALUE), b"+OK\r\n"),
    (("SET", "k", VALUE, "EX", "100"), b"+OK\r\n"),
    (("SET", "k", VALUE, "GET"), b"$-1\r\n"),
    (("SETNX", "k", VALUE), b":1\r\n"),
    (("SETEX", "k", "100", VALUE), b"+OK\r\n"),
    (("PSETEX", "k", "100000", VALUE), b"+OK\r\n"),
    (("GETSET", "k", VALUE), b"$-1\r\n"),
    (("MSET", "a", "b", "k", VALUE, "c", "d"), b"+OK\r\n"),
    (("MSETNX", "a", "b", "k", VALUE), b":1\r\n"),
    (("APPEND", "k", VALUE), b":%d\r\n" % LARGE),
]


@pytest.mark.parametrize(("words", "reply"), STORING, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_the_value_is_not_copied(core: Core, peer: Peer, words: tuple[str | bytes, ...], reply: bytes) -> None:
    before = used_memory(core)[0]
    assert sent(peer, request(*words)) == reply
    assert peer("STRLEN k") == b":%d\r\n" % LARGE
    used, peak = used_memory(core)
    # with a copy there were two of it for a moment
    assert peak - before < LARGE * 3 // 2
    assert LARGE <= used - before < LARGE + (1 << 18)
    assert sent(peer, request("GET", "k")) == b"$%d\r\n%s\r\n" % (LARGE, VALUE)
    assert peer("OBJECT ENCODING k") == b"$3\r\nraw\r\n"


@pytest.mark.parametrize(
    "old", ["SET k old", "SET k 1", "SET k old PX 100000", "RPUSH k a", f"SETRANGE k {LARGE} x", f"SETRANGE k {CHUNK} x"]
)
def test_it_takes_the_place_of_anything(peer: Peer, old: str) -> None:
    peer(old)
    assert sent(peer, request("SET", "k", VALUE)) == b"+OK\r\n"
    assert peer("PTTL k", "TYPE k") == b":-1\r\n+string\r\n"
    assert sent(peer, request("GET", "k")) == b"$%d\r\n%s\r\n" % (LARGE, VALUE)


def test_the_stored_value_can_be_changed(peer: Peer) -> None:
    sent(peer, request("SET", "k", VALUE))
    assert peer("APPEND k x", "SETRANGE k 0 ab") == b":%d\r\n:%d\r\n" % (LARGE + 1, LARGE + 1)
    assert peer("GETRANGE k 0 3", f"GETRANGE k {LARGE - 1} -1") == b"$4\r\nabvv\r\n$2\r\nvx\r\n"
    assert peer("SET k short", "GET k") == b"+OK\r\n$5\r\nshort\r\n"


@pytest.mark.parametrize("last", [b"short", b"w" * LARGE])
def test_a_value_that_its_own_command_replaces_is_still_told(core: Core, peer: Peer, last: bytes) -> None:
    """MONITOR and the journal see the arguments when the command has ended."""
    monitor = Peer(core)
    monitor("MONITOR")
    monitor.sent = b""
    assert sent(peer, request("MSET", "k", VALUE, "k", last)) == b"+OK\r\n"
    assert monitor.sent.endswith(b'"MSET" "k" "%s" "k" "%s"\r\n' % (VALUE, last))
    assert sent(peer, request("GET", "k")) == b"$%d\r\n%s\r\n" % (len(last), last)


@pytest.mark.parametrize("place", [1, 2])
def test_a_script_is_not_copied(core: Core, peer: Peer, place: int) -> None:
    """But for what Lua makes of it."""
    body = b"return 1 -- " + VALUE
    peer("SCRIPT LOAD return(2)")
    before = used_memory(core)[0]
    reply = sent(peer, request(*(("EVAL", body, "0") if place == 1 else ("SCRIPT", "LOAD", body))))
    sha = hashlib.sha1(body).hexdigest()
    assert reply == (b":1\r\n" if place == 1 else b"$40\r\n%s\r\n" % sha.encode())
    used, peak = used_memory(core)
    assert LARGE <= used - before < LARGE + (1 << 18)
    assert peak - before < LARGE * 3 // 2
    assert peer(f"EVALSHA {sha} 0") == sent(peer, request("EVAL", body, "0")) == b":1\r\n"
    assert peer("SCRIPT FLUSH SYNC", f"SCRIPT EXISTS {sha}") == b"+OK\r\n*1\r\n:0\r\n"
    assert used_memory(core)[0] < before + (1 << 18)


def test_a_name_is_not_copied(core: Core, peer: Peer) -> None:
    # an entry has the client's name
    core.set_setting("slowlog-log-slower-than", -1)
    before = used_memory(core)[0]
    assert sent(peer, request("CLIENT", "SETNAME", VALUE)) == b"+OK\r\n"
    used, peak = used_memory(core)
    assert LARGE <= used - before < LARGE + (1 << 18)
    assert peak - before < LARGE * 3 // 2
    assert sent(peer, request("CLIENT", "SETNAME", VALUE + b" ")).startswith(b"-ERR Client names cannot contain spaces")
    assert peer("CLIENT SETNAME me", "CLIENT GETNAME") == b"+OK\r\n$2\r\nme\r\n"
    assert used_memory(core)[0] < before + (1 << 18)
    assert sent(peer, request("CLIENT", "SETNAME", VALUE), request("CLIENT", "SETNAME", "")) == b"+OK\r\n+OK\r\n"
    assert used_memory(core)[0] < before + (1 << 18)
    assert sent(peer, request("CLIENT", "SETNAME", VALUE)) == b"+OK\r\n"
    assert peer("CLIENT GETNAME") == b"$%d\r\n%s\r\n" % (LARGE, VALUE)


def test_what_nobody_stores_is_freed(core: Core, peer: Peer) -> None:
    before = used_memory(core)[0]
    assert sent(peer, request("SET", "k", VALUE, "NX", "XX")).startswith(b"-ERR syntax error")
    assert sent(peer, request("STRLEN", VALUE)) == b":0\r\n"
    assert sent(peer, request("SADD", "s", VALUE), request("DEL", "s")) == b":1\r\n:1\r\n"
    while not core.free_some():
        pass
    assert used_memory(core)[0] < before + (1 << 18)


def test_a_connection_that_ends_amid_the_argument_leaves_nothing(core: Core) -> None:
    before = used_memory(core)[0]
    peer = Peer(core)
    sent(peer, request("SET", "k", VALUE)[:-1])
    assert used_memory(core)[0] >= before + LARGE
    peer.session.close()
    assert used_memory(core)[0] < before + (1 << 17)


def test_it_waits_for_the_end_of_a_pause(core: Core, peer: Peer) -> None:
    now = 1_000_000_000_000_000
    core.set_clock(now)
    other = Peer(core)
    other("CLIENT PAUSE 1000 WRITE")
    assert sent(peer, request("SET", "k", VALUE), request("STRLEN", "k"), request("SET", "l", b"w" * LARGE)) == b""
    core.set_clock(now + 2_000_000)
    core.wake()
    core.end_turn()
    assert peer.sent == b"+OK\r\n:%d\r\n+OK\r\n" % LARGE
    assert other("STRLEN l") == b":%d\r\n" % LARGE


def test_it_counts_as_input(core: Core, peer: Peer) -> None:
    """qbuf, the client's memory and client-query-buffer-limit."""
    peer.session.state = ClientState("1.2.3.4:6")
    data = request("SET", "k", VALUE)
    half = len(data) // 2
    sent(peer, data[:half])
    assert field(peer, "qbuf") == half
    assert half <= field(peer, "qbuf") + field(peer, "qbuf-free") <= field(peer, "tot-mem")
    core.set_setting("client-query-buffer-limit", LARGE - 500)
    sent(peer, data[half:-1000])
    assert peer.session.id
    sent(peer, data[-1000:-1])
    assert not peer.session.id


def test_it_counts_for_maxmemory_clients(core: Core, peer: Peer) -> None:
    data = request("SET", "k", VALUE)
    sent(peer, data[: len(data) // 2])
    core.set_clients_limit(LARGE // 4)
    core.begin_turn()
    core.end_turn()
    assert not peer.session.id


def test_who_has_not_shown_the_password_may_not_begin_one(core: Core) -> None:
    set_default_password(core, b"secret")
    heard: list[bytes] = []
    session = Session(core, CallbackTransport(lambda session: heard.append(session.take_output()), lambda session: session.close()))
    session.feed(b"*2\r\n$4\r\nAUTH\r\n$32768\r\n")
    core.end_turn()
    assert heard == [b"-ERR Protocol error: unauthenticated bulk length\r\n"]
