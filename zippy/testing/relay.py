"""Faults for clients of a server in another process: a relay between them and it, which lets commands fail.

It cuts what clients send into requests, as Faults does for an engine in process, and passes all on but what a fault hits. Where an
answer belongs is found without reading answers: in the place of a command that is to fail, the server is sent one that no server knows,
with a name that is made up for it. Its error says where the client's error, or the end of the connection, has to be; a transaction
fails as it would.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
from collections import deque
from typing import Protocol

from zippy.testing.faults import HANG, LOSE_AFTER, LOSE_BEFORE, Fault, FaultList
from zippy.testing.requests import cut_request

SIZE = 1 << 16
RESTS, SWALLOWS, ENDS = range(3)


class Address(Protocol):
    """Where a server listens: zippy_server, what zippy.serve returns, or anything else that has these two."""

    @property
    def host(self) -> str:
        """A name or an address."""

    @property
    def port(self) -> int:
        """A TCP port."""


class _Mark:
    """A place among the server's answers; `line` is what the client gets there, `then` what happens."""

    def __init__(self, token: bytes, line: bytes, then: int) -> None:
        self.token = token
        self.line = line
        self.then = then

    @property
    def request(self) -> bytes:
        """What the server is sent for it."""
        return b"*1\r\n$%d\r\n%s\r\n" % (len(self.token), self.token)


class _Line:
    """One client, and the relay's own connection to the server for it."""

    def __init__(self, faults: ServerFaults, client: socket.socket, server: socket.socket) -> None:
        self.faults = faults
        self.client = client
        self.server = server
        self.data = b""  # not passed on yet
        self.held_by: Fault | None = None
        self.was_released = False
        self.ends = False  # nothing more of the client's is passed on
        self.marks: deque[_Mark] = deque()
        self.answers = b""  # the part that has come of a line that may be a mark's
        self.swallows = False

    def send_up(self, data: bytes) -> None:
        """Passes on what the client has sent; the list's lock is held."""
        self.data += data
        parts = []
        at = 0
        while self.held_by is None and not self.ends:
            name, end = cut_request(self.data, at)
            if not end:
                break
            fault = None if self.was_released else self.faults._fault_for(name)
            self.was_released = False
            if fault is not None and fault._kind == HANG:
                self.held_by = fault
                break
            parts.append(self.passed_on(fault, self.data[at:end]))
            at = end
        self.data = self.data[at:]
        if parts:
            with contextlib.suppress(OSError):
                self.server.sendall(b"".join(parts))

    def passed_on(self, fault: Fault | None, request: bytes) -> bytes:
        """What the server gets for a request."""
        if fault is None:
            return request
        if fault._kind == LOSE_AFTER:
            self.ends = True
            return self.mark(b"", SWALLOWS) + request + self.mark(b"", ENDS)
        if fault._kind == LOSE_BEFORE:
            self.ends = True
            return self.mark(b"", ENDS)
        return self.mark(b"-%s\r\n" % fault._error, RESTS)

    def mark(self, line: bytes, then: int) -> bytes:
        """A new mark's request."""
        self.marks.append(_Mark(self.faults.new_token(), line, then))
        return self.marks[-1].request

    def receive(self) -> None:
        """Passes on what the server answers, until one of both is gone; runs in a thread of its own."""
        with contextlib.suppress(OSError):
            while data := self.server.recv(SIZE):
                if not self.send_down(data):
                    break
        self.close()

    def send_down(self, data: bytes) -> bool:
        """Passes answers on; False: the connection ends here."""
        self.answers += data
        while self.marks and (at := self.answers.find(self.marks[0].token)) >= 0:
            begin, end = self.answers.rfind(b"\n", 0, at) + 1, self.answers.find(b"\n", at) + 1
            if not end:
                return True
            mark = self.marks.popleft()
            self.give(self.answers[:begin] + mark.line)
            self.answers = self.answers[end:]
            self.swallows = mark.then == SWALLOWS
            if mark.then == ENDS:
                return False
        # what may be the begin of a mark's line waits for its rest
        whole = self.answers.rfind(b"\n") + 1 if self.marks else len(self.answers)
        self.give(self.answers[:whole])
        self.answers = self.answers[whole:]
        return True

    def give(self, data: bytes) -> None:
        """Sends the client what it may have."""
        if data and not self.swallows:
            self.client.sendall(data)

    def close(self) -> None:
        """Ends both connections."""
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class ServerFaults(FaultList):
    """Lets commands of a server's clients fail: those that connect to `url`, or `host` and `port`, and not to the server itself.

    Between `with` and its end, which ends all faults and connections. Methods and what they hit are those of zippy.testing.Faults. The
    server is any that speaks RESP over TCP without TLS: zippy_server, zippy.serve's, a real Redis. It sees a command that an error hits as
    one that it does not know: statistics and MONITOR are as they would be with such.

    server: has `host` and `port`. OSError: it cannot be connected to.
    """

    def __init__(self, server: Address) -> None:
        super().__init__()
        self._server = (server.host, server.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.RLock()
        self._lines: set[_Line] = set()
        self._prefix = f"fault-{os.urandom(8).hex()}-"
        self._numbers = itertools.count()
        self._open = False
        self.host = "127.0.0.1"
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """As redis.Redis.from_url takes it."""
        return f"redis://{self.host}:{self.port}/0"

    def new_token(self) -> bytes:
        """A command's name that there was never."""
        return f"{self._prefix}{next(self._numbers)};".encode()

    def _is_in_use(self) -> bool:
        return self._open

    def _locked(self) -> contextlib.AbstractContextManager[object]:
        return self._lock

    def _run_held(self, fault: Fault) -> None:
        for line in list(self._lines):
            if line.held_by is fault:
                line.held_by = None
                line.was_released = True
                line.send_up(b"")

    def _accept(self) -> None:
        """Takes clients until the listener is closed; runs in a thread of its own."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Serves one client until it leaves; runs in a thread of its own."""
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        line = _Line(self, client, server)
        with self._lock:
            self._lines.add(line)
        threading.Thread(target=line.receive, daemon=True).start()
        with contextlib.suppress(OSError):
            while data := client.recv(SIZE):
                with self._lock:
                    line.send_up(data)
        if not line.ends:
            line.close()
        with self._lock:
            self._lines.discard(line)

    def __enter__(self) -> ServerFaults:
        socket.create_connection(self._server).close()
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()
        self._open = False
        # a thread that waits in accept would keep the socket open
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._lines):
            line.close()
