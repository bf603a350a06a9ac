"""CLIENT LIST's reply, of any length and in both protocols."""

from __future__ import annotations

import re

import pytest

from tests.unit.peer import Peer
from zippy._core.client_list import ClientState, client_line
from zippy._core.session import Core, Session
from zippy.server.client_commands import client_list

LONG = 1 << 20  # bytes from which on a reply is not copied


def core_with(count: int, padding: int) -> tuple[Core, Peer]:
    """A core with so many clients and one that asks; each line is longer by so many bytes."""
    core = Core(16, 1)
    core.bind("client|list", client_list)
    core.set_clock(1_000_000_000_000)
    for number in range(count):
        Peer(core).session.state = ClientState("x" * padding, fd=number)
    asking = Peer(core)
    asking.session.state = ClientState("y")
    return core, asking


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    ("count", "padding"), [(0, 0), (1, 0), (30, 0), (2, LONG // 2), (1, 10 * LONG), (3500, 0), (40, LONG // 10)]
)  # fmt: skip
def test_the_reply_is_all_lines(count: int, padding: int, protocol: int) -> None:
    core, asking = core_with(count, padding)
    asking.session.protocol = protocol
    others = [client_line(session) for session in core.sessions.values() if session is not asking.session]
    assert len(others) == count
    for _ in range(2):
        reply = asking("CLIENT LIST")
        head, _, rest = reply.partition(b"\r\n")
        text = rest.removesuffix(b"\r\n")
        assert head == b"%s%d" % (b"$" if protocol == 2 else b"=", len(text)) and len(text) == len(rest) - 2
        lines = (text if protocol == 2 else text.removeprefix(b"txt:")).decode().split("\n")
        assert lines[:count] == others
        assert lines[count].startswith(f"id={asking.session.id} addr=") and lines[count + 1 :] == [""]


def test_behind_another_reply() -> None:
    """What has to be sent first is in front of a long one."""
    core, asking = core_with(2, LONG)
    asking.session.feed(b"PING\r\nCLIENT LIST\r\nPING\r\n")
    core.end_turn()
    assert asking.sent.startswith(b"+PONG\r\n$") and asking.sent.endswith(b"\n\r\n+PONG\r\n")
    assert asking.sent.count(b" laddr=") == 3


def test_who_is_about_to_be_closed_is_not_shown() -> None:
    core, asking = core_with(2, 0)
    first, second, _ = core.sessions.values()
    first.kill()
    number = second.id
    assert asking(f"CLIENT LIST ID {first.id} {number}").count(b"id=") == 1
    assert asking("CLIENT LIST").count(b" laddr=") == 2


@pytest.mark.parametrize("count", [1, 7, 100])
def test_more_ids_than_clients(count: int) -> None:
    """They are shown in the order of the ids, as often as they are named, whatever ids nobody has are in between."""
    core, asking = core_with(count, 0)
    own = [session.id for session in core.sessions.values()]
    ids = [*own, 0, -1, *range(200_000), *(number + 65536 for number in own), *reversed(own), 2**63 - 1, *(-number for number in own)]
    reply = asking(f"CLIENT LIST ID {' '.join(map(str, ids))}")
    found = [int(number) for number in re.findall(rb"^id=(\d+) ", reply, re.MULTILINE)]
    assert found == [*own, *own, *reversed(own)]


def test_who_has_no_peer_is_not_shown() -> None:
    core, asking = core_with(0, 0)
    hidden = Session(core, None)
    assert asking(f"CLIENT LIST ID {hidden.id}") == b"$0\r\n\r\n"
    assert asking("CLIENT LIST").count(b" laddr=") == 1


def test_texts_are_shown_as_they_are() -> None:
    core = Core(16, 1)
    session = Session(core, None, b"caf\xc3\xa9\xff:0", ClientState("caf\xe9\udcff:0", fd=7))
    assert client_line(session).startswith(f"id={session.id} addr=caf\xe9\udcff:0 laddr=caf\xe9\udcff:0 fd=7 name= age=")


def test_the_address_is_asked_for_once() -> None:
    core = Core(16, 1)
    asked = []
    session = Session(core, None, b"peer", ClientState(lambda: asked.append(1) or "1.2.3.4:5"))
    assert not asked
    assert all(" laddr=1.2.3.4:5 " in client_line(session) for _ in range(3))
    assert session.state.local_address == "1.2.3.4:5" and len(asked) == 1
