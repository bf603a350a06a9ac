"""Damaged messages at the bus of a running node, over sockets: in pieces of any size, several in one, cut off, behind lengths that never
come, on connections that are closed halfway, reset or left alone.

    python -m tests.cluster.bus_damage --seconds 600 --seed 1

What no node of the cluster has sent must close its connection or mean nothing: slots, roles and epochs are what they were. What claims to
come from a node may change them; then all that the node knows has to agree with itself, and its file with that. In both cases it answers
all the time, and its log has no traceback. A sanitizer build is run as ARCHITECTURE.md says.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.cluster.by_hand import ME
from tests.cluster.damage import Found, harmed
from tests.cluster.recorded import RECORDED
from tests.fuzz.commands import sanitizer_reports
from tests.resp import RawClient
from tests.servers import ServerProcess, free_port, start_server
from zippy.cluster.message import HEADER, LENGTHS_AT, Frames, MessageError, decode

PEERS = {"b": "5001-10000", "c": "10001-16383"}
KNOWN = {ME, *(letter * 40 for letter in "bcd")}
OPEN = 40  # connections
BATCH = 25  # connections that get something before it is looked what came of it
PATIENCE = 30.0  # seconds
SETTINGS = {"cluster-enabled": "yes", "cluster-node-timeout": 1_000_000_000, "cluster-require-full-coverage": "no"}
TRACEBACK = re.compile(r"Traceback|Exception|internal error|never awaited")
View = dict[str, tuple[str, ...]]


def nodes_file() -> str:
    """Of the node: two other primaries, of whom the ports are nobody's, and a replica of its own."""
    rest = "0 0 {} connected"
    lines = [f"{ME} 127.0.0.1:1@2,,tls-port=0,shard-id={ME} myself,master - {rest.format(1)} 0-5000"]
    for epoch, (letter, slots) in enumerate(PEERS.items(), 2):
        lines.append(f"{letter * 40} 127.0.0.1:{epoch}@{epoch},,tls-port=0,shard-id={letter * 40} master - {rest.format(epoch)} {slots}")
    lines.append(f"{'d' * 40} 127.0.0.1:4@4,,tls-port=0,shard-id={ME} slave {ME} {rest.format(1)}")
    return "\n".join([*lines, "vars currentEpoch 3 lastVoteEpoch 0", ""])


def claims_to_be_known(data: bytes) -> bool:
    """Whether a whole message says that it is of a node of the cluster."""
    try:
        message = decode(data)
    except MessageError:
        return False
    return message is not None and message.sender in KNOWN


def lengthy(source: random.Random) -> bytes:
    """The beginning of a message that says that it is very long, with some of that."""
    data = bytearray(source.choice(RECORDED)[2][: HEADER.size])
    data[4:LENGTHS_AT] = struct.pack("!I", source.choice((2**32 - 1, 2**31, 2**29, 2**20 + 1, 70_000)))
    return bytes(data) + source.randbytes(source.choice((0, 1, 1000, 30_000)))


def view(client: RawClient) -> View:
    """Slots and roles of all nodes that are known, and primaries' epochs: a replica's line has its primary's."""
    found = {}
    for line in client("CLUSTER", "NODES").value.decode().splitlines():
        id, _, flags, primary, _, _, epoch, _, *slots = line.split()
        roles = {"master", "slave", "handshake"} & set(flags.split(","))
        if "handshake" not in roles:
            found[id] = (*sorted(roles), primary, epoch if "master" in roles else "", *slots)
    return found


class Talk:
    """A connection to the node's bus, and what the node has of a message that is not whole."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def comes_to(self, text: bytes) -> tuple[list[bytes], bytes]:
        """The messages that become whole with this text, up to what closes the connection, and what is left."""
        frames = Frames(KNOWN.__contains__)
        messages = []
        with contextlib.suppress(MessageError):
            # byte by byte, or what closes the connection would hide the message before it
            for byte in self.rest + text:
                messages += frames.feed(bytes((byte,)))
        return messages, bytes(frames.buffer)


class Attack:
    """One node and those who talk to it."""

    def __init__(self, folder: Path, seed: int, claims: bool) -> None:
        self.source = random.Random(seed)
        self.claims = claims
        self.folder = folder
        self.reports = sanitizer_reports()
        self.bus_port = free_port()
        self.open: list[Talk] = []
        self.done: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "nodes.conf").write_text(nodes_file())
        self.server: ServerProcess = start_server(config={**SETTINGS, "cluster-port": self.bus_port}, folder=folder)
        with self.server.client(PATIENCE) as client:
            self.at_first = view(client)

    def stop(self) -> None:
        """Ends everything."""
        for talk in self.open:
            talk.socket.close()
        self.server.stop()

    def text(self, talk: Talk) -> bytes:
        """What a connection says next; where nobody is to claim to be of the cluster, none of the messages that it becomes part of does."""
        source = self.source
        while True:
            parts = [harmed(source) for _ in range(source.choice((1, 1, 2, 5)))]
            if source.random() < 0.1:
                parts.append(lengthy(source))
            text = b"".join(parts)[: source.choice((100, 3000, None, None, None))]
            messages, rest = talk.comes_to(text)
            if self.claims or not any(map(claims_to_be_known, messages)):
                talk.rest = rest
                return text

    def say(self, connection: socket.socket, data: bytes) -> None:
        """Sends it in pieces. OSError: the node has closed the connection."""
        source = self.source
        size = source.choice((1, 7, 100) if len(data) <= 3000 else (100, 2256, 5000, len(data), len(data)))
        for at in range(0, len(data), size):
            connection.sendall(data[at : at + size])
            if source.random() < 0.02:
                time.sleep(source.random() * 0.003)

    def leave(self, talk: Talk) -> None:
        """Ends a connection, in some way; or keeps it."""
        way = self.source.randrange(5)
        if way == 0:
            talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            talk.socket.close()
        elif way == 1:
            talk.socket.close()
        else:
            if way == 2:
                talk.socket.shutdown(socket.SHUT_WR)
            self.open.append(talk)
            if len(self.open) > OPEN:
                self.open.pop(self.source.randrange(OPEN)).socket.close()

    def one(self) -> None:
        """One connection, or one more of what an open one says."""
        again = self.open and self.source.random() < 0.3
        talk = self.open.pop(self.source.randrange(len(self.open))) if again else Talk(self.bus_port)
        try:
            self.say(talk.socket, self.text(talk))
            self.done["sent"] += 1
            self.leave(talk)
        except OSError:
            self.done["closed before all was said"] += 1
            talk.socket.close()

    def look(self) -> None:
        """What has to hold. Found."""
        if not self.server.alive():
            raise Found(f"the node has ended: {self.server.log()[-4000:]}")
        try:
            with self.server.client(PATIENCE) as client:
                now = view(client)
                if client("PING").value != b"PONG":
                    raise Found("no PONG")
        except OSError as error:
            raise Found(f"the node does not answer: {error!r}\n{self.server.log()[-4000:]}") from None
        if not self.claims and now != self.at_first:
            raise Found(f"what nobody has sent has changed something: {self.at_first} is {now}")
        self.look_at_slots(now)
        said = self.server.log()
        if TRACEBACK.search(said):
            raise Found(f"in the node's log: {said[-6000:]}")
        for report in sanitizer_reports() - self.reports:
            raise Found(f"{report}: {report.read_text(errors='replace')[:6000]}")

    def look_at_slots(self, now: View) -> None:
        """No slot has two owners, and no replica has one. Found."""
        taken: set[int] = set()
        for id, (role, _, _, *words) in now.items():
            for word in words:
                if not word.startswith("["):
                    first, _, last = word.partition("-")
                    slots = set(range(int(first), int(last or first) + 1))
                    if role != "master" or slots & taken:
                        raise Found(f"{id} is a {role} and has {word}: {now}")
                    taken |= slots

    def come_back(self) -> None:
        """The node starts again, and knows what it knew. Found."""
        with self.server.client(PATIENCE) as client:
            before = view(client)
        self.server.kill()
        self.server.start()
        with self.server.client(PATIENCE) as client:
            after = view(client)
        if before != after:
            raise Found(f"behind a restart {before} is {after}")
        self.done["restarts"] += 1

    def go_on(self, more: Callable[[int], bool]) -> Counter[str]:
        """Batches as long as more(number) says so; what was done. Found."""
        number = 0
        try:
            while more(number):
                for _ in range(BATCH):
                    self.one()
                self.look()
                number += 1
                if number % 40 == 0:
                    self.come_back()
            self.done["lines in the log"] = self.server.log().count("Bad message on the cluster bus")
        finally:
            self.stop()
        return self.done


def main() -> int:
    """Goes on for so long: half of it with what is of nobody, half with what claims to be of a node."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for claims in (False, True):
        folder = Path(tempfile.mkdtemp(prefix="zippy-bus-"))
        end = time.monotonic() + options.seconds / 2
        try:
            done = Attack(folder, options.seed, claims).go_on(lambda number, end=end: time.monotonic() < end)  # type: ignore[misc]
        except Found as error:
            print(f"seed {options.seed}, claims {claims}: {error}\nEverything is left in {folder}", file=sys.stderr)
            return 1
        print(f"claims={claims} " + " ".join(f"{what}={count}" for what, count in sorted(done.items())), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
