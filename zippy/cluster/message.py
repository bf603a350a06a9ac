"""The messages that nodes of a cluster send each other on the bus: Redis 7's and 8's format, bytes in, dataclasses out and back.

All numbers are in network order. A message is a header of 2256 bytes and what its kind brings. `decode` takes nothing on trust: ids are
forty hexadecimal digits, texts have only what a line of the nodes' file can hold, and lengths have to come out exactly.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

SLOTS = 16384
ID_LENGTH = 40
SIGNATURE = b"RCmb"
VERSION = 1
HEADER = struct.Struct("!4sIHHHHQQQ40s2048s40s46sH30xHHHB3s")
GOSSIP = struct.Struct("!40sII46sHHHHxx")
PUBLISHED = struct.Struct("!II")
UPDATED = struct.Struct("!Q40s2048s")
OF_MODULE = struct.Struct("!QIB")
EXTENSION = struct.Struct("!IHxx")
FORGOTTEN = struct.Struct("!40sQ")
LENGTHS = struct.Struct("!4xI")
LENGTHS_AT = len(SIGNATURE) + 4  # what a message's length stands in
MOST = 16 << 20  # bytes of a message that carries nothing published
MOST_PUBLISHED = 1 << 30
NO_ID = b"\0" * ID_LENGTH
LAST_EPOCH = (1 << 63) - 1

ID = re.compile(rb"[0-9a-f]{40}")
ADDRESS = re.compile(rb"[!-+\--~]*")  # no blanks and no commas, which end a word of the nodes' file
NAME = re.compile(rb"[A-Za-z0-9._-]*")


class MessageError(Exception):
    """Bytes that are no message: why."""


class Kind(IntEnum):
    """What a message is."""

    PING = 0
    PONG = 1
    MEET = 2
    FAIL = 3
    PUBLISH = 4
    AUTH_REQUEST = 5
    AUTH_ACK = 6
    UPDATE = 7
    MFSTART = 8
    MODULE = 9
    PUBLISHSHARD = 10


PULSES = frozenset({Kind.PING, Kind.PONG, Kind.MEET})
PUBLISHING = frozenset({Kind.PUBLISH, Kind.PUBLISHSHARD})
BARE = frozenset({Kind.AUTH_REQUEST, Kind.AUTH_ACK, Kind.MFSTART})


class Flag:
    """What a node is, as headers, gossip and the nodes' file tell. Plain numbers: an IntFlag makes a look at a node ten times as long."""

    PRIMARY: Final = 1
    REPLICA: Final = 2
    PFAIL: Final = 4  # does not answer, as far as the sender knows
    FAIL: Final = 8  # a majority says so
    MYSELF: Final = 16
    HANDSHAKE: Final = 32
    NOADDR: Final = 64
    MEET: Final = 128  # the first message to it is to be a MEET
    MIGRATE_TO: Final = 256  # replicas may move to it
    NOFAILOVER: Final = 512
    EXTENSIONS: Final = 1024  # understands them


class Mark:
    """What a message says beside its kind."""

    PAUSED: Final = 1  # by the primary, for a manual failover
    FORCEACK: Final = 2  # a vote is asked for although the primary is well
    EXTENDED: Final = 4  # extensions follow, or would be understood


class ExtensionKind(IntEnum):
    """What an extension of a pulse tells."""

    HOSTNAME = 0
    HUMAN_NAME = 1
    FORGOTTEN = 2
    SHARD_ID = 3


@dataclass(frozen=True, slots=True)
class Gossip:
    """What a pulse tells of another node. Moments are seconds since the epoch, 0: none."""

    id: str
    ping_sent: int
    pong_received: int
    ip: str
    port: int
    bus_port: int
    flags: int
    second_port: int = 0  # the other one of the plain and the TLS port


@dataclass(frozen=True, slots=True)
class Pulse:
    """What PING, PONG and MEET bring. forgotten: ids, with seconds for which they are not to be known again."""

    gossip: tuple[Gossip, ...] = ()
    hostname: str = ""
    human_name: str = ""
    shard_id: str = ""
    forgotten: tuple[tuple[str, int], ...] = ()
    unknown: int = 0  # extensions of kinds that are not known here


@dataclass(frozen=True, slots=True)
class Failing:
    """What FAIL brings: the id of a node."""

    id: str


@dataclass(frozen=True, slots=True)
class Published:
    """What PUBLISH and PUBLISHSHARD bring."""

    channel: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """What UPDATE brings: a node that has slots, a bit each, and its epoch."""

    config_epoch: int
    id: str
    slots: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfModule:
    """What MODULE brings."""

    module: int
    kind: int
    data: bytes


Body = Pulse | Failing | Published | Update | OfModule | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Slots are a number with a bit each, slot 0 the lowest."""

    kind: Kind
    sender: str
    current_epoch: int = 0
    config_epoch: int = 0
    offset: int = 0  # of the sender's replication
    slots: int = field(default=0, repr=False)  # of the sender, or of its primary
    primary: str = ""  # its id; "": the sender is one
    ip: str = ""  # "": that of the connection
    port: int = 0
    bus_port: int = 0
    second_port: int = 0
    flags: int = 0
    failed: bool = False  # the cluster, as the sender sees it
    marks: int = 0
    body: Body = None


# Writing


def slots_to_bytes(slots: int) -> bytes:
    """A bit each, as on the wire."""
    return slots.to_bytes(SLOTS // 8, "little")


def encode(message: Message) -> bytes:
    """A message's bytes."""
    count, extensions, rest = encode_body(message.body)
    marks = message.marks | (Mark.EXTENDED if extensions else 0)
    head = HEADER.pack(
        SIGNATURE, HEADER.size + len(rest), VERSION, message.port, message.kind, count, message.current_epoch, message.config_epoch,
        message.offset, message.sender.encode(), slots_to_bytes(message.slots), message.primary.encode(), message.ip.encode(), extensions,
        message.second_port, message.bus_port, message.flags, int(message.failed), bytes((marks, 0, 0)),
    )  # fmt: skip
    return head + rest


def encode_body(body: Body) -> tuple[int, int, bytes]:
    """How many entries of gossip and how many extensions there are, and the bytes behind the header."""
    if isinstance(body, Pulse):
        extensions = encode_extensions(body)
        return len(body.gossip), len(extensions), b"".join([*map(encode_gossip, body.gossip), *extensions])
    if isinstance(body, Failing):
        return 0, 0, body.id.encode()
    if isinstance(body, Published):
        return 0, 0, PUBLISHED.pack(len(body.channel), len(body.text)) + body.channel + body.text
    if isinstance(body, Update):
        return 0, 0, UPDATED.pack(body.config_epoch, body.id.encode(), slots_to_bytes(body.slots))
    if isinstance(body, OfModule):
        return 0, 0, OF_MODULE.pack(body.module, len(body.data), body.kind) + body.data
    return 0, 0, b""


def encode_gossip(entry: Gossip) -> bytes:
    """An entry's bytes."""
    return GOSSIP.pack(
        entry.id.encode(), entry.ping_sent, entry.pong_received, entry.ip.encode(), entry.port, entry.bus_port, entry.flags,
        entry.second_port,
    )  # fmt: skip


def encode_extensions(pulse: Pulse) -> list[bytes]:
    """The bytes of each extension."""
    found = []
    for kind, text in ((ExtensionKind.HOSTNAME, pulse.hostname), (ExtensionKind.HUMAN_NAME, pulse.human_name)):
        if text:
            # a text ends with a zero, and what follows begins at a multiple of eight
            found.append(encode_extension(kind, text.encode() + b"\0" * (8 - len(text.encode()) % 8)))
    found += [encode_extension(ExtensionKind.FORGOTTEN, FORGOTTEN.pack(id.encode(), seconds)) for id, seconds in pulse.forgotten]
    if pulse.shard_id:
        found.append(encode_extension(ExtensionKind.SHARD_ID, pulse.shard_id.encode()))
    return found


def encode_extension(kind: int, data: bytes) -> bytes:
    """An extension's bytes."""
    return EXTENSION.pack(EXTENSION.size + len(data), kind) + data


# Reading


def id_of(data: bytes) -> str:
    """A node's id. MessageError."""
    if not ID.fullmatch(data):
        raise MessageError("an id that is none")
    return data.decode()


def text_of(data: bytes, pattern: re.Pattern[bytes], what: str) -> str:
    """A text that a zero ends. MessageError."""
    text = data.partition(b"\0")[0]
    if not pattern.fullmatch(text):
        raise MessageError(f"{what} that is none")
    return text.decode("ascii")


def decode(data: bytes) -> Message | None:
    """The message that these bytes are, from the first to the last; None: one of a later version or kind. MessageError."""
    if len(data) < HEADER.size:
        raise MessageError("too short for a header")
    (
        signature, length, version, port, kind, count, current_epoch, config_epoch, offset, sender, slots, primary, ip, extensions,
        second_port, bus_port, flags, state, marks,
    ) = HEADER.unpack_from(data)  # fmt: skip
    if signature != SIGNATURE or length != len(data):
        raise MessageError("not a message's beginning")
    if max(current_epoch, config_epoch) > LAST_EPOCH:
        raise MessageError("an epoch that nobody can have come to")
    if version != VERSION or kind not in Kind._value2member_map_:
        return None
    head = Message(
        Kind(kind), id_of(sender), current_epoch, config_epoch, offset, int.from_bytes(slots, "little"),
        "" if primary == NO_ID else id_of(primary), text_of(ip, ADDRESS, "an address"), port, bus_port, second_port, flags, state != 0,
        marks[0],
    )  # fmt: skip
    return replace(head, body=decode_body(head, data, count, extensions))


def decode_body(head: Message, data: bytes, count: int, extensions: int) -> Body:
    """What the kind brings. MessageError."""
    rest = memoryview(data)[HEADER.size :]
    if head.kind in PULSES:
        return decode_pulse(rest, count, extensions if head.marks & Mark.EXTENDED else 0)
    if head.kind in PUBLISHING:
        return decode_published(rest)
    if head.kind is Kind.MODULE:
        return decode_of_module(rest)
    expected = {Kind.FAIL: ID_LENGTH, Kind.UPDATE: UPDATED.size}.get(head.kind, 0)
    if len(rest) != expected:
        raise MessageError(f"{len(rest)} bytes behind the header of {head.kind.name}")
    if head.kind is Kind.FAIL:
        return Failing(id_of(bytes(rest)))
    if head.kind is Kind.UPDATE:
        epoch, id, slots = UPDATED.unpack(rest)
        if epoch > LAST_EPOCH:
            raise MessageError("an epoch that nobody can have come to")
        return Update(epoch, id_of(id), int.from_bytes(slots, "little"))
    return None


def decode_pulse(rest: memoryview, count: int, extensions: int) -> Pulse:
    """Gossip and extensions. MessageError."""
    end = count * GOSSIP.size
    if len(rest) < end:
        raise MessageError("less gossip than told")
    gossip = tuple(decode_gossip(entry) for entry in GOSSIP.iter_unpack(rest[:end]))
    found: dict[str, str] = {"hostname": "", "human_name": "", "shard_id": ""}
    forgotten: list[tuple[str, int]] = []
    unknown = 0
    for _ in range(extensions):
        if len(rest) - end < EXTENSION.size:
            raise MessageError("fewer extensions than told")
        length, kind = EXTENSION.unpack_from(rest, end)
        if not EXTENSION.size <= length <= len(rest) - end or length % 8:
            raise MessageError("an extension's length")
        value = bytes(rest[end + EXTENSION.size : end + length])
        if kind == ExtensionKind.FORGOTTEN and len(value) == FORGOTTEN.size:
            id, seconds = FORGOTTEN.unpack(value)
            forgotten.append((id_of(id), seconds))
        elif kind == ExtensionKind.SHARD_ID and len(value) == ID_LENGTH:
            found["shard_id"] = id_of(value)
        elif kind == ExtensionKind.HOSTNAME:
            found["hostname"] = text_of(value, NAME, "a host's name")
        elif kind == ExtensionKind.HUMAN_NAME:
            found["human_name"] = text_of(value, NAME, "a node's name")
        elif kind in (ExtensionKind.FORGOTTEN, ExtensionKind.SHARD_ID):
            raise MessageError("an extension's length")
        else:
            unknown += 1
        end += length
    if end != len(rest):
        raise MessageError("bytes behind the last part")
    return Pulse(gossip, **found, forgotten=tuple(forgotten), unknown=unknown)


def decode_gossip(entry: tuple[bytes, int, int, bytes, int, int, int, int]) -> Gossip:
    """An entry. MessageError."""
    id, ping_sent, pong_received, ip, port, bus_port, flags, second_port = entry
    return Gossip(id_of(id), ping_sent, pong_received, text_of(ip, ADDRESS, "an address"), port, bus_port, flags, second_port)


def decode_published(rest: memoryview) -> Published:
    """A channel and what was published there. MessageError."""
    if len(rest) < PUBLISHED.size:
        raise MessageError("too short for what is published")
    channel, text = PUBLISHED.unpack_from(rest)
    if PUBLISHED.size + channel + text != len(rest):
        raise MessageError("the lengths of what is published")
    at = PUBLISHED.size + channel
    return Published(bytes(rest[PUBLISHED.size : at]), bytes(rest[at:]))


def decode_of_module(rest: memoryview) -> OfModule:
    """What a module sent. MessageError."""
    if len(rest) < OF_MODULE.size:
        raise MessageError("too short for a module's message")
    module, length, kind = OF_MODULE.unpack_from(rest)
    if OF_MODULE.size + length != len(rest):
        raise MessageError("the length of a module's message")
    return OfModule(module, kind, bytes(rest[OF_MODULE.size :]))


class Frames:
    """Parts a connection's bytes into messages. knows: whether an id is a node's, for only those may send what is long."""

    def __init__(self, knows: Callable[[str], bool]) -> None:
        self.knows = knows
        self.buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete with these bytes. MessageError: no more can be read from the connection."""
        self.buffer += data
        found = []
        while len(self.buffer) >= LENGTHS_AT:
            if not self.buffer.startswith(SIGNATURE):
                raise MessageError("not a message's beginning")
            (length,) = LENGTHS.unpack_from(self.buffer)
            if length < HEADER.size or length > MOST_PUBLISHED:
                raise MessageError(f"a message of {length} bytes")
            if len(self.buffer) < min(length, HEADER.size):
                break
            if length > MOST and not self.may_be_long():
                raise MessageError(f"a message of {length} bytes")
            if len(self.buffer) < length:
                break
            found.append(bytes(self.buffer[:length]))
            del self.buffer[:length]
        return found

    def may_be_long(self) -> bool:
        """Whether the message that has begun comes from a node and is one that publishes."""
        fields = HEADER.unpack_from(self.buffer)
        return fields[4] in PUBLISHING and self.knows(fields[9].decode("latin-1"))
