"""Runs a sequence of units against two servers side by side, and reports the first difference."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.differential import keyspace
from tests.differential.clock import MORNING_MS, SetClock
from tests.differential.compare import TOLERANCE_SECONDS, equal, same_items, same_stream
from tests.differential.steps import CLIENT_OF, LISTENERS, Step, Unit
from tests.resp import ConnectionClosed, ProtocolError, RawClient, Reply, encode
from tests.servers import ServerProcess

BATCH = 64
CONTROL = -1
LOST = "(no reply)"
ALONE = ("scan", "exchange", "clock")
"""Checks of steps that are more than a command and its reply."""

# A set of integers may grow larger than one of a listpack: else the encoding of a union would depend on which member comes first
SMALL = {
    "hash-max-listpack-entries": 4, "hash-max-listpack-value": 16, "zset-max-listpack-entries": 4, "zset-max-listpack-value": 16,
    "set-max-intset-entries": 6, "set-max-listpack-entries": 4, "set-max-listpack-value": 16,
    "list-max-listpack-size": 4, "list-compress-depth": 0, "stream-node-max-entries": 3, "stream-node-max-bytes": 4096,
    "hll-sparse-max-bytes": 100,
}  # fmt: skip
DEFAULT = {
    "hash-max-listpack-entries": 512, "hash-max-listpack-value": 64, "zset-max-listpack-entries": 128, "zset-max-listpack-value": 64,
    "set-max-intset-entries": 512, "set-max-listpack-entries": 128, "set-max-listpack-value": 64,
    "list-max-listpack-size": -2, "list-compress-depth": 0, "stream-node-max-entries": 100, "stream-node-max-bytes": 4096,
    "hll-sparse-max-bytes": 3000,
}  # fmt: skip


@dataclass
class Setup:
    """How an episode begins: protocol, encoding limits, seconds to wait for a reply, whether the clock stands, and whether clients
    may receive what they did not ask for."""

    resp: int = 2
    small: bool = False
    patience: float = 10.0
    clock: bool = False
    pushes: bool = False


class Endpoint:
    """One of the two servers and the connections to it."""

    def __init__(self, host: str, port: int, process: ServerProcess | None = None, clock: SetClock | None = None) -> None:
        self.clock = clock
        self.host = host
        self.port = port
        self.process = process
        self.clients: dict[int, RawClient] = {}
        self.ids: dict[int, bytes] = {}
        self.pending: dict[int, list[Step]] = {}
        self.setup = Setup()

    def reset(self, setup: Setup) -> None:
        """New connections, no keys, the encoding limits of `setup`; a server that has died is started again."""
        self.close()
        self.setup = setup
        if self.clock is not None:
            self.clock.set(MORNING_MS if setup.clock else 0)
        if self.process is not None and not (self.process.alive() and self.process.answers()):
            self.process.restart()
        control = self.client(CONTROL)
        flushed = control("FLUSHALL")
        if flushed != Reply("+", b"OK"):
            raise RuntimeError(f"the server at port {self.port} can't empty its keyspace, so nothing can be compared: {flushed}")
        control("FUNCTION", "FLUSH")
        control("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        forget_users(control)
        control("CONFIG", "SET", "notify-keyspace-events", "")
        for name, value in (SMALL if setup.small else DEFAULT).items():
            control("CONFIG", "SET", name, value)

    def client(self, connection: int) -> RawClient:
        """The connection of that number, made when it is first used."""
        if connection not in self.clients:
            client = self.connect(self.setup.resp)
            self.clients[connection] = client
            self.ids[connection] = b"%d" % client("CLIENT", "ID").value
        return self.clients[connection]

    def connect(self, resp: int = 2) -> RawClient:
        """One more connection."""
        client = RawClient(self.host, self.port, self.setup.patience)
        if resp == 3:
            client("HELLO", 3)
        return client

    def next_id(self) -> int:
        """A number that the server has just given to a connection, which is closed again."""
        with self.connect() as client:
            return int(client("CLIENT", "ID").value)

    def named(self, arg: bytes) -> bytes:
        """An argument as it is sent: where it stands for a connection's id, that id."""
        number = arg.removeprefix(CLIENT_OF)
        if number == arg or not number.isdigit():
            return arg
        connection = int(number)
        self.client(connection)
        return self.ids[connection]

    def close(self) -> None:
        """Close all connections."""
        for client in self.clients.values():
            client.close()
        self.clients.clear()
        self.pending.clear()

    def guarded(self, connection: int, action: Callable[[RawClient], Reply]) -> Reply:
        """A reply, or a made-up one that says why there is none: the server is gone, silent, or not speaking RESP."""
        try:
            return action(self.client(connection))
        except (ConnectionClosed, OSError, ProtocolError) as error:
            kind = "timed out" if isinstance(error, socket.timeout) else type(error).__name__
            return Reply(LOST, f"{kind}: {error}")

    def heard(self, connection: int, fence: bytes) -> list[Reply]:
        """What a listener receives up to a fence; a made-up reply at the end says why there is no more."""
        frames: list[Reply] = []

        def listen(client: RawClient) -> Reply:
            frames.extend(client.read_until(fence))
            return Reply("+", b"fence")

        frames.append(self.guarded(connection, listen))
        return frames

    def send(self, connection: int, steps: Sequence[Step]) -> None:
        """Send steps together; a connection that is gone shows when the replies are read."""
        with suppress(OSError):
            self.client(connection).send_bytes(b"".join(encode(tuple(map(self.named, step.args))) for step in steps))

    def as_seen(self, step: Step, reply: Reply) -> Reply:
        """The other side's reply to a step, with as much of it as is seen of one from this side."""
        return reply


@dataclass
class Difference:
    """Where two servers differ: the unit and step (none for the keyspace or a listener's stream), and both sides."""

    unit: int
    what: str
    ours: object
    theirs: object
    step: Step | None = None

    @property
    def signature(self) -> str:
        """What two differences of one cause have in common: the command's name, or the sort of comparison, and how they differ."""
        return f"{self.step.name if self.step else self.what.split(' of ')[0]} {outline(self.ours)} {outline(self.theirs)}"


def outline(side: object) -> str:
    """A reply's kind and, of an error, its first words."""
    if not isinstance(side, Reply):
        return "" if not isinstance(side, str) else side
    if side.is_error:
        return f"-{side.value[:24].decode('latin-1')}"
    return side.kind


@dataclass
class Episode:
    """One run of units on both endpoints."""

    ours: Endpoint
    theirs: Endpoint
    units: Sequence[Unit]
    setup: Setup
    listens: bool = False
    batch: int = BATCH
    compare_keyspace_every: int = 500
    queued: dict[int, list[Step]] = field(default_factory=dict)
    fences: Iterator[int] = field(default_factory=itertools.count)

    def run(self) -> Difference | None:
        """The first difference, or None."""
        for endpoint in (self.ours, self.theirs):
            endpoint.reset(self.setup)
        if self.listens:
            self.align_ids()
        seen = 0
        for first, last in self.batches():
            difference = self.run_batch(first, last)
            if difference is not None:
                return difference
            seen += last - first
            if seen >= self.compare_keyspace_every:
                seen = 0
                difference = self.compare_keyspaces(last - 1)
                if difference is not None:
                    return difference
        return self.compare_keyspaces(len(self.units) - 1)

    def align_ids(self) -> None:
        """Have the next connection get the same id on both sides, so that ids in arguments and replies are equal."""
        sides = (self.ours, self.theirs)
        ids = [side.next_id() for side in sides]
        for side, lacks in zip(sides, (ids[1] - ids[0], ids[0] - ids[1]), strict=True):
            for _ in range(lacks):
                side.connect().close()
        # a server that is busy may number the last of them late
        if len({side.next_id() for side in sides}) > 1:
            self.align_ids()

    def batches(self) -> Iterator[tuple[int, int]]:
        """Ranges of units that are sent together: single plain steps on one connection; anything else by itself."""
        start = 0
        limit = min(16, self.batch) if self.listens else self.batch
        for index, unit in enumerate(self.units):
            alone = not all(step.connection == 0 and step.wait and step.check not in ALONE for step in unit.steps)
            if alone:
                if start < index:
                    yield start, index
                yield index, index + 1
                start = index + 1
            elif index - start + 1 >= limit:
                yield start, index + 1
                start = index + 1
        if start < len(self.units):
            yield start, len(self.units)

    def run_batch(self, first: int, last: int) -> Difference | None:
        """Run the units of one batch and compare what came back."""
        steps = [(index, place, step) for index in range(first, last) for place, step in enumerate(self.units[index].steps)]
        position = 0
        before: tuple[Reply, Reply] | None = None
        while position < len(steps):
            connection, check = steps[position][2].connection, steps[position][2].check
            end = position + 1
            if check in ALONE:
                alone = {"scan": self.scan, "exchange": self.exchange, "clock": self.later}[check]
                difference = alone(steps[position][0], steps[position][2])
            else:
                more = self.batch > 1 or connection in LISTENERS
                while more and end < len(steps) and steps[end][2].connection == connection and steps[end][2].check not in ALONE:
                    end += 1
                run = self.listener_run if connection in LISTENERS else self.run_steps
                difference, before = run(steps[position:end], before)
            if difference is not None:
                return difference
            position = end
        return self.collect(last - 1) or self.hear(last - 1)

    def run_steps(
        self, steps: Sequence[tuple[int, int, Step]], before: tuple[Reply, Reply] | None
    ) -> tuple[Difference | None, tuple[Reply, Reply] | None]:
        """Send steps of one connection to both servers, and compare the replies one by one."""
        connection = steps[0][2].connection
        for endpoint in (self.ours, self.theirs):
            endpoint.send(connection, [step for _, _, step in steps])
        if not all(step.wait for _, _, step in steps):
            for endpoint in (self.ours, self.theirs):
                endpoint.pending.setdefault(connection, []).extend(step for _, _, step in steps)
                endpoint.guarded(CONTROL, lambda client: client("PING"))
            return None, before
        for index, place, step in steps:
            ours, theirs = self.replies(connection)
            difference = self.judge(index, step, ours, theirs, before if place else None)
            if difference is not None:
                return difference, None
            before = (ours, self.ours.as_seen(step, theirs))
        return None, before

    def replies(self, connection: int) -> tuple[Reply, Reply]:
        """The next reply of both servers on one connection."""
        ours, theirs = (endpoint.guarded(connection, lambda client: client.read()) for endpoint in (self.ours, self.theirs))
        return ours, theirs

    def judge(self, index: int, step: Step, ours: Reply, theirs: Reply, before: tuple[Reply, Reply] | None) -> Difference | None:
        """Compare two replies, and keep account of what a transaction has queued."""
        connection = step.connection
        waiting = self.queued.get(connection, [])
        if LOST in (ours.kind, theirs.kind):
            return Difference(index, step.name, ours, theirs, step)
        seen = self.ours.as_seen(step, theirs)
        if not equal(step, ours, seen, before, waiting, self.tolerance()):
            return Difference(index, step.name, ours, seen, step)
        if theirs == ("+", b"QUEUED"):
            self.queued.setdefault(connection, []).append(step)
        elif step.name in ("EXEC", "DISCARD", "RESET", "MULTI") and not (theirs.is_error and theirs.value.startswith(b"ERR ")):
            self.queued.pop(connection, None)
        return None

    def collect(self, index: int) -> Difference | None:
        """Read the replies that were not waited for."""
        for connection, steps in list(self.ours.pending.items()):
            self.theirs.pending.pop(connection, None)
            del self.ours.pending[connection]
            for step in steps:
                difference = self.judge(index, step, *self.replies(connection), None)
                if difference is not None:
                    return difference
        return None

    def listener_run(
        self, steps: Sequence[tuple[int, int, Step]], before: tuple[Reply, Reply] | None
    ) -> tuple[Difference | None, tuple[Reply, Reply] | None]:
        """Send a listener's steps and compare all that it receives until they are done."""
        index, _, step = steps[0]
        for endpoint in (self.ours, self.theirs):
            endpoint.send(step.connection, [step for _, _, step in steps])
        return self.hear_one(index, step.connection, step), before

    def hear(self, index: int) -> Difference | None:
        """Compare what the listeners have received."""
        if self.listens:
            for connection in LISTENERS:
                difference = self.hear_one(index, connection, None)
                if difference is not None:
                    return difference
        return None

    def hear_one(self, index: int, connection: int, step: Step | None) -> Difference | None:
        """Compare what one listener has received."""
        fence = b"fence %d" % next(self.fences)
        if step is not None and self.batch == 1:
            # what comes at the end of a turn comes before the fence is sent
            for endpoint in (self.ours, self.theirs):
                endpoint.guarded(CONTROL, lambda client: client("PING"))
        streams = [endpoint.heard(connection, fence) for endpoint in (self.ours, self.theirs)]
        ours, theirs = streams
        if LOST not in (ours[-1].kind, theirs[-1].kind) and same_stream(ours, theirs):
            return None
        return Difference(index, f"stream of listener {connection}", ours, theirs, step)

    def tolerance(self) -> int:
        """By how many seconds times may differ: by none when the clock stands."""
        return 0 if self.setup.clock else TOLERANCE_SECONDS

    def later(self, index: int, step: Step) -> None:
        """Move the clock on, which both sides share. What they read in one pass has one time, so a pass that is under way has to end."""
        if self.ours.clock is not None:
            self.ours.clock.advance(int(step.args[1]))
            for endpoint in (self.ours, self.theirs):
                endpoint.guarded(CONTROL, lambda client: client("PING"))

    def scan(self, index: int, step: Step) -> Difference | None:
        """Follow a cursor to its end on both sides, and compare what was seen: all of it when the cursor began at 0."""
        results = [endpoint.guarded(step.connection, lambda client: follow(client, step)) for endpoint in (self.ours, self.theirs)]
        ours, theirs = results
        anywhere = step.args[cursor_place(step) :][:1] != (b"0",) and ours.kind == theirs.kind == "*"
        if LOST not in (ours.kind, theirs.kind) and (anywhere or ours == theirs or same_items(ours, theirs)):
            return None
        return Difference(index, step.name, ours, theirs, step)

    def exchange(self, index: int, step: Step) -> Difference | None:
        """Take each side's DUMP of a key, and RESTORE it on the other side under the same name."""
        payloads = [endpoint.guarded(0, lambda client: client(*step.args)) for endpoint in (self.ours, self.theirs)]
        if payloads[0].kind != payloads[1].kind or LOST in (payloads[0].kind, payloads[1].kind):
            return Difference(index, step.name, payloads[0], payloads[1], step)
        if payloads[0].kind != "$":
            return None
        answers = [
            endpoint.guarded(0, lambda client, other=other: client("RESTORE", step.args[1], 0, other.value, "REPLACE"))  # type: ignore[misc]
            for endpoint, other in zip((self.ours, self.theirs), reversed(payloads), strict=True)
        ]
        if answers[0] == answers[1]:
            return None
        return Difference(index, "RESTORE of the other side's DUMP", answers[0], answers[1], step)

    def compare_keyspaces(self, index: int) -> Difference | None:
        """Compare all keys of both servers."""
        sides = []
        for endpoint in (self.ours, self.theirs):
            try:
                sides.append(keyspace.dump(endpoint.client(CONTROL)))
            except (ConnectionClosed, OSError, ProtocolError) as error:
                return Difference(index, "keyspace", f"{endpoint.port}: {type(error).__name__}", "")
        found = keyspace.first_difference(sides[0], sides[1], self.tolerance())
        return None if found is None else Difference(index, *found)


def forget_users(control: RawClient) -> None:
    """Leaves none but the default user, and an empty log of refusals."""
    names = [name.value for name in control("ACL", "USERS").value if name.value != b"default"]
    if names:
        control("ACL", "DELUSER", *names)
    control("ACL", "LOG", "RESET")
    control("CONFIG", "SET", "acllog-max-len", 128, "acl-pubsub-default", "resetchannels")


def cursor_place(step: Step) -> int:
    """Which argument is the cursor."""
    return 1 if step.name == "SCAN" else 2


def follow(client: RawClient, step: Step) -> Reply:
    """All that a cursor gives, as one array; the reply itself when it is an error."""
    place = cursor_place(step)
    args = list(step.args)
    seen: set[object] = set()
    pairs = step.name == "ZSCAN" or (step.name == "HSCAN" and b"NOVALUES" not in args)
    for _ in range(100_000):
        reply = client(*args)
        if reply.kind != "*" or len(reply.value) != 2:
            return reply
        cursor, found = reply.value
        seen.update(zip(found.value[::2], found.value[1::2], strict=True) if pairs else found.value)
        if cursor.value == b"0":
            return Reply("*", tuple(Reply("*", item) if pairs else item for item in seen))
        args[place] = cursor.value
    raise ProtocolError("the cursor does not come to an end")
