"""A client of a core that no server is around."""

from __future__ import annotations

from tests.resp import request
from zippy._core.callback_transport import CallbackTransport
from zippy._core.session import Core, Session
from zippy._core.users import log_in


class Peer:
    """A client of a core, and what it was sent."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.sent = b""
        self.session = Session(core, CallbackTransport(self.take, self.end))
        log_in(self.session, b"default", b"secret", b"AUTH")

    def take(self, session: Session) -> None:
        """The transport."""
        self.sent += session.take_output()

    def end(self, session: Session) -> None:
        """The transport's close."""
        session.close()

    def __call__(self, *commands: str) -> bytes:
        """Sends commands in one piece; what has come when their turn is over."""
        self.sent = b""
        self.session.feed(b"".join(request(*command.split()) for command in commands))
        self.core.end_turn()
        return self.sent
