"""Attacks by what a client sends and how, by many connections, and on what a server keeps of its clients."""

from __future__ import annotations

import time

from bench.attacks.attacker import PACKET, Act, Arm, Attack, Attacker, Ground, many, run, sent, words
from bench.attacks.keys import HOSTILE, until
from bench.wire import Connection, Word, request

CONNECTIONS = 10_000
NAMES = 40_000
COMMANDS = 100_000


def nothing(attacker: Attacker) -> Act:
    """The machine's part."""
    return lambda: time.sleep(0.5)


def in_packets(head: bytes, piece: bytes, count: int) -> Arm:
    """A command without an end, in small packets, and then the end of the connection."""

    def arm(attacker: Attacker) -> Act:
        peer = attacker.connect_more(1)[0]
        packets = [head, *[piece * (PACKET // len(piece))] * (count * len(piece) // PACKET)]

        def act() -> None:
            for packet in packets:
                peer.socket.sendall(packet)
            time.sleep(0.1)
            peer.close()

        return act

    return arm


def unfinished_bulk(attacker: Attacker) -> Act:
    """Half a gigabyte less a byte, and then the end of the connection."""
    peer = attacker.connect_more(1)[0]
    piece = b"x" * (1 << 16)

    def act() -> None:
        peer.socket.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nwork\r\n$%d\r\n" % (512 << 20))
        for _ in range((512 << 20) // len(piece) - 1):
            peer.socket.sendall(piece)
        time.sleep(0.1)
        peer.close()

    return act


def blocked(*command: Word) -> Arm:
    """A client that begins to wait for many keys."""

    def arm(attacker: Attacker) -> Act:
        peer = attacker.connect_more(1)[0]
        data = request(*command)
        return lambda: peer.socket.sendall(data)

    return arm


def waiting(attacker: Attacker, *command: Word) -> Connection:
    """A connection that waits already."""
    peer = attacker.connect_more(1)[0]
    peer.socket.sendall(request(*command))
    until(attacker.client, lambda: b"blocked_clients:1" in attacker.client("INFO", "clients"))  # type: ignore[operator]
    return peer


BLPOP = ("BLPOP", *many("queue", NAMES), 0)


def blpop_and_leave(attacker: Attacker) -> Act:
    """The end of a connection that waits for many keys."""
    return waiting(attacker, *BLPOP).close


def blpop_and_push(attacker: Attacker) -> Act:
    """A push that one who waits for many keys gets."""
    waiting(attacker, *BLPOP)
    return lambda: attacker.client("RPUSH", BLPOP[-2], "x")


def blpop_and_unblock(attacker: Attacker) -> Act:
    """CLIENT UNBLOCK of one who waits for many keys."""
    peer = attacker.connect_more(1)[0]
    name = peer("CLIENT", "ID")
    assert isinstance(name, int)
    peer.socket.sendall(request(*BLPOP))
    until(attacker.client, lambda: b"blocked_clients:1" in attacker.client("INFO", "clients"))  # type: ignore[operator]
    return lambda: attacker.client("CLIENT", "UNBLOCK", name)


def many_wait_for_one(attacker: Attacker) -> Act:
    """One push for each of a thousand that wait for the same key."""
    peers = attacker.connect_more(1000)
    data = request("BLPOP", "queue", 0)
    for peer in peers:
        peer.socket.sendall(data)
    pushed = request("RPUSH", "queue", *["x"] * len(peers))
    return lambda: run(attacker.client, pushed)


def having_done(peer_words: tuple[Word, ...], *end: Word) -> Arm:
    """A client that has watched or subscribed to much, and ends that with a command, or by leaving."""

    def arm(attacker: Attacker) -> Act:
        peer = attacker.connect_more(1)[0]
        run(peer, request(*peer_words))
        if not end:
            return peer.close
        data = request(*end)
        return lambda: run(peer, data)

    return arm


def flush_watched(attacker: Attacker) -> Act:
    """FLUSHALL where many keys are watched."""
    run(attacker.connect_more(1)[0], request("WATCH", *many("key", NAMES)))
    return lambda: attacker.client("FLUSHALL")


def transaction(*command: Word, count: int = COMMANDS, end: str = "EXEC") -> Arm:
    """MULTI, a command many times, and the end, which alone is observed."""

    def arm(attacker: Attacker) -> Act:
        run_multi(attacker.client, request(*command), count)
        return lambda: run(attacker.client, request(end))

    return arm


def run_multi(client: Connection, command: bytes, count: int) -> None:
    """MULTI and a command many times."""
    client("MULTI")
    client.send_all((1000, command * 1000) for _ in range(count // 1000))


def leave_transaction(attacker: Attacker) -> Act:
    """The end of a connection in MULTI."""
    peer = attacker.connect_more(1)[0]
    run_multi(peer, request("SET", "work", "x" * 100), COMMANDS)
    return peer.close


def subscribers(attacker: Attacker, count: int, *command: Word) -> list[Connection]:
    """Connections that subscribed."""
    peers = attacker.connect_more(count)
    for peer in peers:
        peer(*command)
    return peers


def publish(count: int, kind: str, channel: str, message: Word) -> Arm:
    """One message to many, who don't read it."""

    def arm(attacker: Attacker) -> Act:
        subscribers(attacker, count, kind, channel)
        data = request("PUBLISH" if kind != "SSUBSCRIBE" else "SPUBLISH", "news", message)
        return lambda: run(attacker.client, data)

    return arm


def publish_to_patterns(pattern: str, *command: Word) -> Arm:
    """A message held against many patterns of one client."""

    def arm(attacker: Attacker) -> Act:
        run(attacker.connect_more(1)[0], request("PSUBSCRIBE", *many(pattern, COMMANDS)))
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


def about_channels(*command: Word) -> Arm:
    """A question about many channels."""

    def arm(attacker: Attacker) -> Act:
        run(attacker.connect_more(1)[0], request("SUBSCRIBE", *many("channel", COMMANDS)))
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


def monitored(attacker: Attacker) -> Act:
    """Commands that many see who do not read."""
    for peer in attacker.connect_more(50):
        peer("MONITOR")
    data = b"".join(request("SET", "work", i) for i in range(COMMANDS // 10))
    return lambda: run(attacker.client, data)


def among_many(*command: Word) -> Arm:
    """A command where there are many clients."""

    def arm(attacker: Attacker) -> Act:
        attacker.connect_more(CONNECTIONS)
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


def kill_many(attacker: Attacker) -> Act:
    """CLIENT KILL of many."""
    subscribers(attacker, CONNECTIONS, "SUBSCRIBE", "news")
    return lambda: attacker.client("CLIENT", "KILL", "TYPE", "pubsub")


def connect_many(attacker: Attacker) -> Act:
    """Many connections one after the other."""
    return lambda: attacker.connect_more(CONNECTIONS // 4)


def leave_many(attacker: Attacker) -> Act:
    """Many connections that end."""
    peers = attacker.connect_more(CONNECTIONS)
    return lambda: [peer.close() for peer in peers]


def slow_log(*command: Word) -> Arm:
    """A command about a long slow log."""

    def arm(attacker: Attacker) -> Act:
        attacker.set_for_now("slowlog-max-len", COMMANDS, 128)
        attacker.set_for_now("slowlog-log-slower-than", 0, 10_000)
        run(attacker.client, request("PING", "x" * 100) * COMMANDS)
        attacker.require("CONFIG", "SET", "slowlog-log-slower-than", -1)
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


def repeated(*command: Word, count: int) -> Attack:
    """A command many times in one pipeline."""
    return Attack(f"pipeline of {count:,} {' '.join(str(word) for word in command)}", sent(request(*command) * count))


PIPELINES = (
    Attack("pipeline of 100,000 SET", sent(*(request("SET", "work", i) for i in range(COMMANDS)))),
    repeated("PING", count=COMMANDS),
    repeated("COMMAND", "COUNT", count=COMMANDS),
    repeated("CONFIG", "GET", "maxmemory", count=10_000),
    repeated("CONFIG", "GET", "*", count=1000),
    repeated("INFO", count=1000),
    repeated("CLIENT", "LIST", count=10_000),
    repeated("COMMAND", count=100),
    repeated("COMMAND", "DOCS", count=30),
    repeated("nonsense", count=COMMANDS),
    Attack("inline commands, 100,000", sent(b"PING\r\n" * COMMANDS)),
    Attack("empty lines, a million", sent(b"\r\n" * 1_000_000)),
    Attack("*0 a million times", sent(b"*0\r\n" * 1_000_000)),
    Attack("MULTI, 100,000 SET: EXEC", transaction("SET", "work", "x")),
    Attack("MULTI, 100,000 COMMAND COUNT: EXEC", transaction("COMMAND", "COUNT")),
    Attack("MULTI, 10,000 CONFIG GET maxmemory: EXEC", transaction("CONFIG", "GET", "maxmemory", count=10_000)),
    Attack("MULTI, 1,000 CONFIG GET *: EXEC", transaction("CONFIG", "GET", "*", count=1000)),
    Attack("MULTI, 1,000 INFO: EXEC", transaction("INFO", count=1000)),
    Attack("MULTI, 100,000 SET: DISCARD", transaction("SET", "work", "x", end="DISCARD")),
    Attack("MULTI, 100,000 SET: disconnect", leave_transaction),
)
UNFINISHED = (
    Attack("a million arguments without an end, in packets", in_packets(b"*1048576\r\n", b"$1\r\nx\r\n", 1_000_000)),
    Attack("a million empty arguments without an end, in packets", in_packets(b"*1048576\r\n", b"$0\r\n\r\n", 1_000_000)),
    Attack("a million arguments without an end, at once", in_packets(b"*1048576\r\n" + b"$1\r\nx\r\n" * 1_000_000, b"x", 0)),
    Attack("a long argument in packets", in_packets(b"*1\r\n$30000000\r\n", b"x" * PACKET, 20_000)),
    Attack("512 MB without an end", unfinished_bulk),
    Attack("an inline command of 60,000 bytes in packets", in_packets(b"PING ", b"x" * 100, 600)),
)
WAITING = (
    Attack("BLPOP of 40,000 keys", blocked(*BLPOP)),
    Attack("BLPOP of one key 40,000 times", blocked("BLPOP", *["queue"] * NAMES, 0)),
    Attack("BLMPOP of 40,000 keys", blocked("BLMPOP", 0, NAMES, *many("queue", NAMES), "LEFT")),
    Attack("BZPOPMIN of 40,000 keys", blocked("BZPOPMIN", *many("queue", NAMES), 0)),
    Attack("BLPOP of 40,000 keys: disconnect", blpop_and_leave),
    Attack("BLPOP of 40,000 keys: a push", blpop_and_push),
    Attack("BLPOP of 40,000 keys: CLIENT UNBLOCK", blpop_and_unblock),
    Attack("BLPOP of one key by 1,000 clients: a push", many_wait_for_one),
    Attack("WATCH of 40,000 keys", words("WATCH", *many("key", NAMES))),
    Attack("WATCH of one key 40,000 times", words("WATCH", *["key"] * NAMES)),
    Attack("WATCH of 40,000 keys: UNWATCH", having_done(("WATCH", *many("key", NAMES)), "UNWATCH")),
    Attack("WATCH of 40,000 keys: disconnect", having_done(("WATCH", *many("key", NAMES)))),
    Attack("WATCH of 40,000 keys: FLUSHALL", flush_watched),
    Attack("SUBSCRIBE to 40,000 channels", words("SUBSCRIBE", *many("channel", NAMES))),
    Attack("PSUBSCRIBE to 40,000 patterns", words("PSUBSCRIBE", *many("pattern*", NAMES))),
    Attack("SSUBSCRIBE to 40,000 channels", words("SSUBSCRIBE", *many("channel", NAMES))),
    *(
        Attack(f"{command} of 40,000: {end or 'disconnect'}", having_done((command, *many("name", NAMES)), *([end] if end else [])))
        for command, end in (
            ("SUBSCRIBE", "UNSUBSCRIBE"), ("SUBSCRIBE", ""), ("SUBSCRIBE", "RESET"), ("PSUBSCRIBE", "PUNSUBSCRIBE"), ("PSUBSCRIBE", ""),
            ("SSUBSCRIBE", "SUNSUBSCRIBE"), ("SSUBSCRIBE", ""),
        )
    ),
)  # fmt: skip
PUBLISHED = (
    Attack("PUBLISH to 10,000 clients", publish(CONNECTIONS, "SUBSCRIBE", "news", "x")),
    Attack("PUBLISH to 10,000 clients by pattern", publish(CONNECTIONS, "PSUBSCRIBE", "n*", "x")),
    Attack("SPUBLISH to 10,000 clients", publish(CONNECTIONS, "SSUBSCRIBE", "news", "x")),
    Attack("PUBLISH of 1 MB to 100 clients", publish(100, "SUBSCRIBE", "news", b"x" * 1_000_000)),
    Attack("PUBLISH with 100,000 patterns", publish_to_patterns("pattern*", "PUBLISH", "news", "x")),
    Attack("PUBLISH with 100,000 hostile patterns", publish_to_patterns("*a*a*a*x", "PUBLISH", "a" * 30, "x")),
    Attack("SET told to 100,000 patterns", publish_to_patterns("__*a*", "SET", "work", "x")),
    Attack("PUBSUB CHANNELS of 100,000", about_channels("PUBSUB", "CHANNELS")),
    Attack("PUBSUB CHANNELS of 100,000, hostile", about_channels("PUBSUB", "CHANNELS", HOSTILE)),
    Attack("PUBSUB NUMSUB of 100,000", about_channels("PUBSUB", "NUMSUB", *many("channel", COMMANDS))),
    Attack("MONITOR by 50 who do not read", monitored),
)
MANY_CLIENTS = (
    Attack("CLIENT LIST of 10,000", among_many("CLIENT", "LIST")),
    Attack("CLIENT LIST TYPE of 10,000", among_many("CLIENT", "LIST", "TYPE", "pubsub")),
    Attack("CLIENT LIST ID 40,000 times", among_many("CLIENT", "LIST", "ID", *range(1, NAMES))),
    Attack("CLIENT KILL of nobody among 10,000", among_many("CLIENT", "KILL", "ADDR", "1.2.3.4:5")),
    Attack("CLIENT KILL of 10,000", kill_many),
    Attack("INFO everything with 10,000 clients", among_many("INFO", "everything")),
    Attack("MEMORY STATS with 10,000 clients", among_many("MEMORY", "STATS")),
    Attack("connect 2,500 times", connect_many),
    Attack("disconnect of 10,000", leave_many),
)
ADMINISTRATION = (
    Attack("COMMAND", words("COMMAND")),
    Attack("COMMAND DOCS", words("COMMAND", "DOCS")),
    Attack("COMMAND DOCS of one 10,000 times", words("COMMAND", "DOCS", *["zrange"] * 10_000)),
    Attack("COMMAND INFO of one 10,000 times", words("COMMAND", "INFO", *["zrange"] * 10_000)),
    Attack("COMMAND INFO of none 100,000 times", words("COMMAND", "INFO", *["none"] * COMMANDS)),
    Attack("COMMAND LIST", words("COMMAND", "LIST")),
    Attack("COMMAND LIST FILTERBY PATTERN, hostile", words("COMMAND", "LIST", "FILTERBY", "PATTERN", "*a*" * 20_000)),
    Attack("COMMAND GETKEYS of 40,000 keys", words("COMMAND", "GETKEYS", "MSET", *["x"] * 2 * NAMES)),
    Attack("COMMAND GETKEYSANDFLAGS of 40,000 keys", words("COMMAND", "GETKEYSANDFLAGS", "MSET", *["x"] * 2 * NAMES)),
    Attack("CONFIG GET *", words("CONFIG", "GET", "*")),
    Attack("CONFIG GET, hostile", words("CONFIG", "GET", "*a*" * 20_000)),
    Attack("CONFIG GET of 10,000 patterns", words("CONFIG", "GET", *many("*", 10_000))),
    Attack("CONFIG GET of 10,000 names", words("CONFIG", "GET", *many("none", 10_000))),
    Attack("CONFIG SET of 10,000 names", sent(request("CONFIG", "SET", *many("none", 20_000)))),
    Attack("CONFIG SET of one 10,000 times", sent(request("CONFIG", "SET", *["maxmemory", 0] * 10_000))),
    Attack("CONFIG SET of a long value", sent(request("CONFIG", "SET", "save", "900 1 " * 100_000 + "x"))),
    Attack("INFO of 100,000 sections", words("INFO", *many("none", COMMANDS))),
    Attack("CONFIG RESETSTAT", words("CONFIG", "RESETSTAT")),
    Attack("SLOWLOG GET -1 of 100,000", slow_log("SLOWLOG", "GET", -1)),
    Attack("SLOWLOG RESET of 100,000", slow_log("SLOWLOG", "RESET")),
    Attack("SLOWLOG cut from 100,000", slow_log("CONFIG", "SET", "slowlog-max-len", 1)),
    Attack("LATENCY HISTOGRAM", words("LATENCY", "HISTOGRAM")),
    Attack("LATENCY HISTOGRAM of one 10,000 times", words("LATENCY", "HISTOGRAM", *["ping"] * 10_000)),
    Attack("LATENCY DOCTOR", words("LATENCY", "DOCTOR")),
    Attack("LATENCY RESET of 100,000", words("LATENCY", "RESET", *many("none", COMMANDS))),
    Attack("CLIENT SETNAME of a long one", words("CLIENT", "SETNAME", "x" * 10_000_000)),
    Attack("unknown command with 100,000 arguments", sent(request("nonsense", *many("x", COMMANDS)))),
    Attack("AUTH of a long password", sent(request("AUTH", "x" * 50_000_000))),
    Attack("LOLWUT", words("LOLWUT", "VERSION", 5, 1000, 1000, 1000)),
    Attack("OBJECT HELP", words("OBJECT", "HELP")),
)
CLIENTS = Ground(
    "nothing", lambda attacker: None,
    (Attack("nothing", nothing), *PIPELINES, *UNFINISHED, *WAITING, *PUBLISHED, *MANY_CLIENTS, *ADMINISTRATION),
)  # fmt: skip
