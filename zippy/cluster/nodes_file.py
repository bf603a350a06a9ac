"""The file that a node keeps what it knows of its cluster in, in Redis's format: a line a node, and one of epochs.

It is written as a whole and put into the old one's place. A lock of the system on a file beside it, which stays, keeps a second server from
using it: Redis locks the file itself, which it writes in place.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import re
from pathlib import Path

from zippy.cluster.decisions import Config
from zippy.cluster.message import SLOTS, Flag
from zippy.cluster.node import BUS_PORT_BEYOND, FLAG_WORDS, Node, ranges, span
from zippy.cluster.state import Cluster

WORDS = {word: flag for flag, word in FLAG_WORDS}
ID = re.compile(r"[0-9a-f]{40}")
SLOT_WORD = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
MOVE_WORD = re.compile(r"\[(\d{1,5})-([<>])-([0-9a-f]{40})\]")


class NodesFileError(Exception):
    """What is wrong with a file."""


# Writing


def address_word(node: Node, tls: bool) -> str:
    """Where clients find a node, with TLS or without, and the bus: "ip:port@bus port,host name"."""
    word = f"{node.ip}:{node.port_for(tls)}@{node.bus_port}"
    return f"{word},{node.hostname}" if node.hostname else word


def kept_address(node: Node, config: Config) -> str:
    """Where a node is, as the file has it."""
    word = f"{node.ip}:{node.port_for(config.tls)}@{node.bus_port}"
    other = f"tcp-port={node.port}" if config.tls else f"tls-port={node.tls_port}"
    word += f",{node.hostname},{other}"
    if node.human_name:
        word += f",nodename={node.human_name}"
    return f"{word},shard-id={node.shard_id}" if node.shard_id else word


def slot_words(cluster: Cluster, node: Node, slots: int) -> str:
    """Slots of a node, and of this one those that move."""
    words = [f"{first}-{last}" if last > first else str(first) for first, last in ranges(slots)]
    if node is cluster.myself:
        words += [
            f"[{slot}->-{cluster.migrating[slot].id}]" if slot in cluster.migrating else f"[{slot}-<-{cluster.importing[slot].id}]"
            for slot in sorted(cluster.migrating.keys() | cluster.importing.keys())
        ]
    return " ".join(words)


def line(cluster: Cluster, node: Node, address: str, slots: int) -> str:
    """A node's line, as CLUSTER NODES and the file have it, each with an address of its own and with the slots that it tells."""
    me = node is cluster.myself
    primary = node.primary.id if node.primary is not None else "-"
    epoch = node.primary.config_epoch if node.primary is not None else node.config_epoch
    up = me or (node.link is not None and node.link.up)
    words = (
        node.id, address, node.flag_words(), primary, node.ping_sent, node.pong_received,
        epoch, "connected" if up else "disconnected",
    )  # fmt: skip
    told = slot_words(cluster, node, slots)
    return " ".join(map(str, words)) + (f" {told}" if told else "")


def render(cluster: Cluster) -> str:
    """The whole file."""
    kept = [node for node in cluster.nodes.values() if not node.has(Flag.HANDSHAKE)]
    lines = [line(cluster, node, kept_address(node, cluster.config), cluster.held(node)) for node in kept]
    return "\n".join([*lines, f"vars currentEpoch {cluster.current_epoch} lastVoteEpoch {cluster.last_vote}", ""])


# Reading


class Reader:
    """Reads a file's text into a new Cluster."""

    def __init__(self, config: Config, now: int, chance: random.Random) -> None:
        self.config = config
        self.now = now
        self.chance = chance
        self.nodes: dict[str, Node] = {}
        self.myself: Node | None = None
        self.current_epoch = self.last_vote = 0
        self.moves: list[tuple[int, str, str]] = []

    def node(self, id: str) -> Node:
        """The node of an id, which may stand in a later line."""
        if not ID.fullmatch(id):
            raise NodesFileError(f"'{id[:50]}' is no node's id")
        if id not in self.nodes:
            self.nodes[id] = Node(id, 0, self.now)
        return self.nodes[id]

    def read(self, text: str) -> None:
        """All lines. NodesFileError."""
        for row in text.split("\n"):
            words = row.split()
            if not words:
                continue
            if words[0] == "vars":
                self.read_vars(words[1:])
            else:
                self.read_line(words)
        if self.myself is None:
            raise NodesFileError("no line is this node's")

    def read_vars(self, words: list[str]) -> None:
        """The line of epochs."""
        for name, value in zip(words[::2], words[1::2], strict=False):
            if name == "currentEpoch":
                self.current_epoch = number(value)
            elif name == "lastVoteEpoch":
                self.last_vote = number(value)

    def read_line(self, words: list[str]) -> None:
        """A node's line."""
        if len(words) < 8:
            raise NodesFileError("a line that is too short")
        node = self.node(words[0])
        self.read_address(node, words[1])
        for word in words[2].split(","):
            if word == "noflags":
                continue
            if word not in WORDS:
                raise NodesFileError(f"unknown flag '{word[:50]}'")
            node.flags |= WORDS[word]
        if node.has(Flag.MYSELF):
            self.myself = node
        if words[3] != "-":
            node.primary = self.node(words[3])
        # moments are another process's: who was pinged then is pinged anew
        node.pong_received = self.now if number(words[5]) else 0
        if node.has(Flag.FAIL):
            node.failed_at = self.now
        node.config_epoch = number(words[6])
        for word in words[8:]:
            self.read_slots(node, word)

    def read_address(self, node: Node, word: str) -> None:
        """Where a node is."""
        address, *more = word.split(",")
        place, _, bus = address.partition("@")
        ip, _, port = place.rpartition(":")
        node.ip = ip
        base = number(port)
        node.bus_port = number(bus) if bus else base + BUS_PORT_BEYOND
        node.port, node.tls_port = (0, base) if self.config.tls else (base, 0)
        if more:
            node.hostname = more[0]
        for pair in more[1:]:
            name, _, value = pair.partition("=")
            if name == "shard-id":
                node.shard_id = value
            elif name == "nodename":
                node.human_name = value
            elif name == "tls-port":
                node.tls_port = number(value) or node.tls_port
            elif name == "tcp-port":
                node.port = number(value) or node.port

    def read_slots(self, node: Node, word: str) -> None:
        """Slots, or one that moves."""
        found = MOVE_WORD.fullmatch(word)
        if found:
            self.moves.append((slot_number(found[1]), found[2], found[3]))
            return
        found = SLOT_WORD.fullmatch(word)
        if not found:
            raise NodesFileError(f"'{word[:50]}' is no slot")
        first, last = slot_number(found[1]), slot_number(found[2] or found[1])
        if first > last:
            raise NodesFileError(f"'{word[:50]}' is no slot")
        node.slots |= span(first, last)

    def fill(self, cluster: Cluster) -> None:
        """Puts what was read into a cluster that has been made for `myself`."""
        for node in self.nodes.values():
            node.shard_id = node.shard_id or (node.primary.shard_id if node.primary is not None else "") or cluster.new_id()
            cluster.nodes[node.id] = node
            cluster.set_primary(node, node.primary)
        cluster.last_vote = self.last_vote
        cluster.current_epoch = max(self.current_epoch, *(node.config_epoch for node in self.nodes.values()))
        for slot, way, id in self.moves:
            (cluster.migrating if way == ">" else cluster.importing)[slot] = self.node(id)


def number(word: str) -> int:
    """A number that is not negative. NodesFileError."""
    if not word.isascii() or not word.isdecimal() or len(word) > 19:
        raise NodesFileError(f"'{word[:50]}' is no number")
    return int(word)


def slot_number(word: str) -> int:
    """A slot. NodesFileError."""
    slot = number(word)
    if slot >= SLOTS:
        raise NodesFileError(f"there is no slot {slot}")
    return slot


# The file


class NodesFile:
    """One file, locked as long as this is open."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.descriptor = -1

    def lock(self) -> None:
        """Takes the lock. NodesFileError when another process has it; OSError when the file cannot be made."""
        lock = self.path.with_name(self.path.name + ".lock")
        self.descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise NodesFileError(
                f"the cluster configuration file {self.path} is already used by a different server. Please make sure that different nodes "
                "use different cluster configuration files"
            ) from None

    @property
    def is_ours(self) -> bool:
        """Whether this process has the lock."""
        return self.descriptor >= 0

    def read(self) -> str:
        """Its text, "" if there is none. OSError; NodesFileError."""
        try:
            return self.path.read_text("ascii")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise NodesFileError("it holds bytes that are no text") from None

    def write(self, text: str, sync: bool) -> None:
        """Puts a new text in its place; sync: it is on disk then. OSError."""
        beside = self.path.with_name(f"{self.path.name}.tmp-{os.getpid()}")
        try:
            with beside.open("w", encoding="ascii") as file:
                file.write(text)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise
        if sync:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def close(self) -> None:
        """Lets go of the lock."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
