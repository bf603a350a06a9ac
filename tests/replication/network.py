"""An event loop whose time is simulated, and connections between its servers whose bytes are late, come in pieces and get lost, as a source
of chance says. There are no sockets: what runs in the loop is the program's own code.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

START = 1000.0  # seconds: what the loop's clock begins with
WINDOW = 16_000  # bytes that are under way at most, as with a socket's buffers


class Selector:
    """Waits for nothing but time, which passes at once; each round of the loop takes some."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Lets time pass."""
        if timeout is None:
            raise RuntimeError("nothing will ever happen any more")
        self.loop.now += timeout + self.loop.network.turn_seconds
        return []

    def close(self) -> None:
        """Nothing."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop. Exceptions that nobody has caught are kept in `problems`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.now = START
        self.network = network
        self.events = 0
        self.problems: list[BaseException | str] = []
        self._selector = Selector(self)
        self._clock_resolution = 1e-9
        self.set_exception_handler(lambda _, context: self.problems.append(context.get("exception") or context["message"]))

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        """See asyncio; what is done is counted."""
        self.events += 1
        return super().call_soon(callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """See asyncio; what is done is counted."""
        self.events += 1
        return super().call_at(when, callback, *args, context=context)

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """Connects to a server of the network, from the address `local_addr`. OSError."""
        return await self.network.connect(protocol_factory, options["local_addr"][0], host, port)

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits."""


class End:
    """One end of a connection: an asyncio transport, and what is on its way to the other one."""

    def __init__(self, network: Network, host: str, other_host: str, port: int) -> None:
        self.network = network
        self.host = host
        self.other_host = other_host
        self.port = port
        self.peer: End = self
        self.protocol: Any = None
        self.closed = False
        self.finished = False
        self.reading = True
        self.arrived: deque[bytes | None] = deque()  # that is not read yet; None: the connection's end
        self.leaving: deque[bytes | None] = deque()
        self.size = 0  # bytes of both at the other end
        self.full = False
        self.high = WINDOW
        self.moving = False

    # What asyncio's transports have

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Addresses; what writes to a socket by itself is told that this is TLS."""
        return {"peername": (self.other_host, self.port), "sockname": (self.host, self.port), "sslcontext": True}.get(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The window stays as it is."""

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Nothing is given to the protocol until it wants it."""
        self.reading = False

    def resume_reading(self) -> None:
        """What has come is given to the protocol."""
        if not self.reading:
            self.reading = True
            self.network.loop.call_soon(self.read)

    def write(self, data: bytes) -> None:
        """Sends."""
        if self.closed or self.finished or not data:
            return
        self.leaving.append(bytes(data))
        self.size += len(data)
        if not self.full and self.size > self.high:
            self.full = True
            self.protocol.pause_writing()
        self.move()

    def close(self) -> None:
        """What was written is sent before the end."""
        if not self.closed:
            self.finish()
            self.end(None)

    def abort(self) -> None:
        """What was written may be lost."""
        if not self.closed:
            self.finish(True)
            self.end(None)

    # The way

    def finish(self, short: bool = False) -> None:
        """Nothing more leaves here. short: of what is leaving, only some bytes from the beginning will arrive."""
        if self.finished:
            return
        self.finished = True
        if short:
            whole = b"".join(data for data in self.leaving if data is not None)
            kept = whole[: self.network.chance.randrange(len(whole) + 1)]
            self.leaving = deque([kept] if kept else [])
        self.leaving.append(None)
        self.move()

    def end(self, error: OSError | None) -> None:
        """This end is closed, and its protocol hears of it soon."""
        if not self.closed:
            self.closed = True
            self.arrived.clear()
            self.network.loop.call_soon(self.tell_of_end, error)

    def tell_of_end(self, error: OSError | None) -> None:
        """Tells the protocol."""
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connection_lost(error)

    def move(self) -> None:
        """Has the next piece of what leaves arrive after a while."""
        if not self.moving and self.leaving:
            self.moving = True
            self.network.loop.call_later(self.network.delay(), self.arrive)

    def arrive(self) -> None:
        """A piece arrives, unless the way is cut."""
        self.moving = False
        network = self.network
        if not self.leaving:
            return
        if network.is_cut(self.host, self.other_host):
            network.stuck.append(self)
            return
        data = self.leaving.popleft()
        if data is not None:
            size = network.piece(len(data))
            if size < len(data):
                self.leaving.appendleft(data[size:])
                data = data[:size]
            network.carried += size
        peer = self.peer
        if peer.closed:
            # who writes to somebody who is gone hears that
            self.leaving.clear()
            self.end(ConnectionResetError("the other end is gone"))
            return
        peer.arrived.append(data)
        peer.read()
        self.move()

    def read(self) -> None:
        """Gives the protocol what has come."""
        while self.reading and not self.closed and self.arrived:
            data = self.arrived.popleft()
            if data is None:
                self.end(None)
                return
            self.peer.taken(len(data))
            self.network.trace(self, data)
            if hasattr(self.protocol, "get_buffer"):
                while data and self.protocol is not None:
                    place = self.protocol.get_buffer(len(data))
                    size = min(len(data), len(place))
                    place[:size] = data[:size]
                    self.protocol.buffer_updated(size)
                    data = data[size:]
            else:
                self.protocol.data_received(data)

    def taken(self, size: int) -> None:
        """The other end has read so many bytes."""
        self.size -= size
        if self.full and self.size <= self.high // 2 and self.protocol is not None:
            self.full = False
            self.protocol.resume_writing()


class Network:
    """All connections, and how bad the way is. listeners: what makes the protocol of who accepts, by host."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.loop = SimulatedLoop(self)
        self.listeners: dict[str, Callable[[End], Any]] = {}
        self.ends: list[End] = []
        self.cut: set[frozenset[str]] = set()  # pairs of hosts that cannot reach each other
        self.stuck: list[End] = []
        self.mended = asyncio.Event()  # set for a moment
        self.turn_seconds = 1e-5  # that a round of the loop takes
        self.slowness = 0.001  # seconds: a delay's most
        self.splits = 0.0  # probability that a piece is divided
        self.window = WINDOW
        self.refusals = 0.0  # probability that a connection fails
        self.carried = 0
        self.done: Counter[str] = Counter()  # faults
        self.trace: Callable[[End, bytes], None] = lambda end, data: None

    def delay(self) -> float:
        """Seconds."""
        return self.chance.random() * self.slowness

    def piece(self, size: int) -> int:
        """How many of so many bytes come together."""
        if size > 1 and self.chance.random() < self.splits:
            self.done["split"] += 1
            return self.chance.randrange(1, size)
        return size

    def is_cut(self, one: str, other: str) -> bool:
        """Whether two hosts cannot reach each other."""
        return frozenset((one, other)) in self.cut

    def mend(self) -> None:
        """All hosts can reach each other again."""
        self.cut.clear()
        self.mended.set()
        self.mended.clear()
        stuck, self.stuck = self.stuck, []
        for end in stuck:
            end.move()

    def break_off(self, end: End) -> None:
        """A connection breaks, at any byte in either direction."""
        for one in (end, end.peer):
            one.finish(True)

    def living(self) -> list[End]:
        """The ends of those who have connected, of connections that are there."""
        self.ends = [end for end in self.ends if not (end.closed and end.peer.closed)]
        return [end for end in self.ends if not end.closed and not end.peer.closed]

    def vanish(self, host: str) -> None:
        """A host's connections end, without its protocols hearing of it."""
        for end in self.ends:
            for one in (end, end.peer):
                if one.host == host and not one.closed:
                    one.protocol = None
                    one.abort()

    async def connect(self, factory: Callable[[], Any], host: str, address: str, port: int) -> Any:
        """Connects. OSError."""
        await asyncio.sleep(self.delay())
        if self.is_cut(host, address):
            await self.mended.wait()
        accept = self.listeners.get(address)
        if accept is None or self.chance.random() < self.refusals:
            self.done["refused"] += 1
            raise ConnectionRefusedError(111, "Connection refused")
        end, peer = End(self, host, address, port), End(self, address, host, port)
        end.peer, peer.peer = peer, end
        end.high = peer.high = self.window
        self.ends.append(end)
        peer.protocol = accept(peer)
        end.protocol = factory()
        peer.protocol.connection_made(peer)
        end.protocol.connection_made(end)
        return end, end.protocol
