"""A connection that asyncio serves for an engine in process: TLS, and systems without the reactor's poll set.

The engine may have output for it in any thread; the loop's thread sends that.
"""

from __future__ import annotations

import asyncio

from zippy._core.callback_transport import CallbackTransport
from zippy._core.session import Session
from zippy.inprocess.host import Host
from zippy.inprocess.served_loop import ServedLoop
from zippy.server.admission import Admission

CHUNK = 1 << 20  # bytes given to asyncio before it has sent them


class ServedStream(asyncio.Protocol):
    """One connection. What asyncio calls takes the engine's lock; what the engine calls has it."""

    def __init__(self, host: Host, loop: ServedLoop, admission: Admission) -> None:
        self.host = host
        self.loop = loop
        self.admission = admission
        self.transport = CallbackTransport(self.on_output, self.on_close, self.on_more)
        self.wire: asyncio.Transport | None = None  # None once it is closed
        self.session: Session | None = None
        self.full = False  # asyncio holds as much as it may
        self.unsent = False  # on_output has been called, and send will be

    # asyncio's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        assert isinstance(transport, asyncio.Transport)
        self.wire = transport
        transport.set_write_buffer_limits(high=CHUNK)
        self.host.serve_step(self.admit, transport.get_extra_info("sslcontext") is not None)

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        self.host.serve_step(self.feed, data)

    def eof_received(self) -> bool:
        """The peer sends no more."""
        self.host.serve_step(self.end_input)
        # asyncio's TLS can't be half open
        return self.wire is not None and self.wire.get_extra_info("sslcontext") is None

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self.wire = None
        with self.host.lock:
            self.forget()

    def pause_writing(self) -> None:
        """It takes no more for now."""
        self.full = True

    def resume_writing(self) -> None:
        """It takes more."""
        self.full = False
        self.host.serve_step(self.send_on)

    # With the lock held

    def admit(self, is_tls: bool) -> None:
        """Becomes a client, or is turned away."""
        self.session = self.admission.admit(self.transport, self.wire, is_tls)

    def feed(self, data: bytes) -> None:
        """Runs what has come."""
        if self.session is not None:
            self.session.feed(data)

    def end_input(self) -> None:
        """See Session.end_input."""
        if self.session is not None:
            self.session.end_input()

    def forget(self) -> None:
        """Frees the engine's side."""
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def on_output(self, session: Session) -> None:
        """The engine has output; it may say so in another thread."""
        if self.loop.is_here:
            self.send()
        elif not self.unsent:
            self.unsent = True
            self.loop.call_soon(self.send_on)

    def send(self) -> None:
        """Gives asyncio what it takes."""
        if self.session is not None and self.wire is not None and not self.full:
            data = self.session.take_output()
            if data:
                self.wire.write(data)

    def send_on(self) -> None:
        """Sends what could not be sent when the engine had it."""
        self.unsent = False
        self.send()
        if self.session is not None:
            # who is to be closed after its last reply is looked at once more
            self.session.output_again()

    def on_more(self, session: Session) -> None:
        """The rest of the input is for the next turn."""
        if self.wire is not None and self.loop.is_here:
            self.wire.pause_reading()
        self.loop.call_soon(self.go_on)

    def go_on(self) -> None:
        """Runs more of it."""
        if self.session is not None:
            self.session.go_on()
        if self.session is not None and self.wire is not None and not self.wire.is_reading():
            self.wire.resume_reading()

    def on_close(self, session: Session) -> None:
        """The engine ends the connection."""
        data = session.take_output()
        self.forget()
        self.loop.tell(self.leave, data)

    # In the loop's thread

    def leave(self, data: bytes) -> None:
        """Says the last words and closes."""
        if self.wire is not None:
            if data:
                self.wire.write(data)
            self.wire.close()

    def abort(self) -> None:
        """Closes at once."""
        if self.wire is not None:
            self.wire.abort()
            self.wire = None
        self.forget()
