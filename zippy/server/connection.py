"""The connection commands that are answered in Python: HELLO, RESET and what a client says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zippy._core.introspection import redact, set_client_name, valid_name
from zippy._core.resp.kinds import ReplyError, Simple
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.server.access import Access
from zippy.server.arguments import integer, repeated
from zippy.server.registry import command
from zippy.version import REDIS_VERSION


class Login:
    """HELLO."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.role: Callable[[], str] = lambda: "master"  # or "replica"
        self.mode = "standalone"  # or "cluster"

    @command("hello")
    def hello(self, session: Session, args: Words) -> Any:
        """HELLO [protover [AUTH username password] [SETNAME clientname]]."""
        version = None
        at = 1
        if len(args) > 1:
            version = integer(args[1], "ERR Protocol version is not an integer or out of range")
            if version not in (2, 3):
                raise ReplyError("NOPROTO unsupported protocol version")
            at = 2
        credentials = name = None
        while at < len(args):
            option = args[at].upper()
            left = len(args) - at - 1
            if option == b"AUTH" and left >= 2:
                redact(session, at + 1)
                redact(session, at + 2)
                credentials = (args[at + 1], args[at + 2])
                at += 3
            elif option == b"SETNAME" and left >= 1:
                name = args[at + 1]
                if not valid_name(name):
                    raise ReplyError("ERR Client names cannot contain spaces, newlines or special characters.")
                at += 2
            else:
                raise ReplyError(f"ERR Syntax error in HELLO option '{repeated(args[at])}'")
        if credentials:
            self.access.authenticate(session, *credentials, args[0])
        if not session.authenticated:
            raise ReplyError(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option "
                "can be used to authenticate the client and select the RESP protocol version at the same time"
            )
        if name is not None:
            set_client_name(session, name)
        if version is not None:
            session.protocol = version
        return {
            "server": "redis",
            "version": REDIS_VERSION,
            "proto": session.protocol,
            "id": session.id,
            "mode": self.mode,
            "role": self.role(),
            "modules": [],
        }


@command("reset")
def reset(session: Session, args: Words) -> Any:
    """RESET."""
    session.reset()
    return Simple("RESET")
