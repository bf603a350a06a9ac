"""Commands that are run while another one is."""

from __future__ import annotations

import pytest

import zippy
from zippy.inprocess.engine import host_of


def test_a_handler_cannot_feed_its_own_core() -> None:
    """The commands that were parsed ahead would be lost; a debug build says so."""
    with zippy.Engine() as engine:
        other = host_of(engine).channel(lambda _: None, lambda _: None)
        host_of(engine).core.bind("lolwut", lambda session, args: other.feed(b"PING\r\n"))
        output: list[bytes] = []
        client = host_of(engine).channel(lambda session: output.append(session.take_output()), lambda _: None)
        host_of(engine).feed(client, b"LOLWUT\r\nECHO two\r\n")
        host_of(engine).core.bind("lolwut", lambda session, args: None)
        reply = b"".join(output)
        if not reply.startswith(b"-"):
            pytest.skip("a release build has no assertions")
        assert reply == b"-ERR internal error: a command's handler feeds the core that runs it\r\n$3\r\ntwo\r\n"
        other.close()
        client.close()
