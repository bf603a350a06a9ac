"""How long one client can make another wait, command by command, each at its worst."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import re
import socket
import statistics
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.attacks.attacker import Attack, Attacker, Ground
from bench.attacks.clients import CLIENTS
from bench.attacks.elements import ELEMENTS
from bench.attacks.keys import KEYS
from bench.attacks.scripts import SCRIPTING
from bench.attacks.strings import STRINGS
from bench.attacks.users import ACCESS
from bench.progress import Progress
from bench.servers import REDIS, USERS_FILE, ZIPPY, Kind, Ports, Server
from bench.tables import Table
from bench.wire import Connection, ErrorReply, request

GROUNDS: tuple[Ground, ...] = (CLIENTS, ELEMENTS, KEYS, STRINGS, SCRIPTING, ACCESS)
PAUSE = 0.0002  # seconds between two probes
AFTER = 0.3  # seconds that are observed after an attack's last reply
BAD = 10.0  # milliseconds
AGAIN = 6  # rounds more of what seems to take longer than in Redis: so few round trips may have met something else
SO_TIMESTAMPNS = 35  # Linux: a reply comes with the time of its arrival
TIMESPEC = struct.Struct("@ll")
TIMESTAMP_ROOM = socket.CMSG_SPACE(TIMESPEC.size)
OPTIONS = ("--enable-debug-command", "yes", "--aclfile", USERS_FILE)


@dataclass
class Longest:
    """Nanoseconds of the worst round trip: as the probe saw it, and what the server itself did meanwhile."""

    wait: int
    step: int


class Probe:
    """A process that sends PING again and again, and tells the longest round trips between two questions."""

    def __init__(self, server: Server) -> None:
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=probe, args=(server.port, server.process.pid, there), daemon=True)
        self.process.start()
        self.ask()

    def ask(self) -> Longest:
        """The longest since it was asked before, that of the round trip under way included."""
        self.here.send(None)
        longest: Longest = self.here.recv()
        return longest

    def stop(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.join()


def probe(port: int, pid: int, questions: multiprocessing.connection.Connection) -> None:
    """The probe's process.

    What the machine does to the server is in a round trip's time, and what the server's other threads do is in its CPU: the server
    made the probe wait for neither more than the one nor more than the other. So the lesser of both is what it took for a step. The round
    trip is over when the reply is there, as the system notes it: a server that goes on with something else is not to blame for a probe that
    finds no core to read it on.
    """
    hasten(os.getpid())
    cpu = (~pid << 3) | 2
    longest = Longest(0, 0)
    ping = request("PING")
    with Connection(port) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        send, receive = client.socket.sendall, client.socket.recvmsg
        while True:
            used, before = time.clock_gettime_ns(cpu), time.time_ns()
            send(ping)
            _, notes, _, _ = receive(64, TIMESTAMP_ROOM)
            after, used = time.time_ns(), time.clock_gettime_ns(cpu) - used
            # the system begins to note times a moment after it is asked to
            for _, _, note in notes:
                seconds, nanoseconds = TIMESPEC.unpack(note)
                after = seconds * 1_000_000_000 + nanoseconds
            wait = after - before
            longest.wait = max(longest.wait, wait)
            longest.step = max(longest.step, min(wait, used))
            if questions.poll():
                questions.recv()
                questions.send(longest)
                longest = Longest(0, 0)
            time.sleep(PAUSE)


def hasten(pid: int) -> None:
    """Lets a process come before others, where that is allowed, so that what else runs is not measured."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -15)


class Victim:
    """A server that is attacked, with its probe and its attacker. One that an attack ended is started again."""

    def __init__(self, kind: Kind, ports: Ports, size: int) -> None:
        self.kind, self.ports, self.size = kind, ports, size
        self.name = kind.name
        self.start()

    def start(self) -> None:
        """Starts server and probe."""
        self.server = Server(self.kind, self.ports, OPTIONS)
        hasten(self.server.process.pid)
        self.attacker = Attacker(self.server, self.size)
        self.probe = Probe(self.server)

    def attack(self, ground: Ground, attack: Attack) -> Longest | None:
        """The longest round trips beside an attack, or None where the server refuses it or did not outlive it."""
        attacker = self.attacker
        try:
            act = attack.arm(attacker)
            # what the preparation left to be done in the background is not the attack's
            attacker.server.settle(0.3)
            self.probe.ask()
            act()
            time.sleep(AFTER)
            longest = self.probe.ask()
        except ErrorReply as error:
            print(f"{self.name} refuses {attack.name}: {error}", file=sys.stderr)
            longest = None
        except (OSError, EOFError) as error:
            print(f"{self.name} did not outlive {attack.name}: {error!r}", file=sys.stderr)
            self.stop()
            self.start()
            ground.load(self.attacker)
            return None
        attacker.end()
        return longest

    def stop(self) -> None:
        """Ends server, probe and connections."""
        self.probe.stop()
        self.attacker.close()
        self.server.stop()


@contextlib.contextmanager
def victims(kinds: Sequence[Kind], ports: Ports, size: int) -> Iterator[list[Victim]]:
    """Fresh servers, stopped whatever happens."""
    with contextlib.ExitStack() as stack:
        started = []
        for kind in kinds:
            started.append(Victim(kind, ports, size))
            stack.callback(started[-1].stop)
        yield started


def stalls(kinds: Sequence[Kind], ports: Ports, rounds: int, size: int, wanted: str) -> list[Table]:
    """The worst waits beside each attack whose name matches `wanted`."""
    kinds = [kind for kind in kinds if kind.name in (ZIPPY, REDIS)]
    names = [kind.name for kind in kinds]
    chosen = [(ground, [attack for attack in ground.attacks if re.search(wanted, attack.name)]) for ground in GROUNDS]
    title = f"that one client can make ({size:,} elements)"
    step = Table(f"Longest step {title}", "milliseconds of the server's CPU during one round trip of another client", names)
    wait = Table(f"Longest wait {title}", "milliseconds, the shortest of the rounds' longest", names)
    progress = Progress("stalls", sum(len(attacks) for _, attacks in chosen) * rounds * len(kinds))
    for ground, attacks in chosen:
        if not attacks:
            continue
        with victims(kinds, ports, size) as servers:
            for victim in servers:
                ground.load(victim.attacker)
            for attack in attacks:
                found: dict[str, list[Longest | None]] = {name: [] for name in names}
                turn, last = 0, rounds
                while turn < last:
                    first = turn % len(servers)
                    for victim in servers[first:] + servers[:first]:
                        progress.step(f"{attack.name}, {victim.name}")
                        found[victim.name].append(victim.attack(ground, attack))
                    turn += 1
                    if turn == rounds:
                        add(step, wait, attack.name, found)
                        if all((table.ratio(attack.name) or 0) > 1 for table in (step, wait)):
                            last += AGAIN
                            progress.steps += AGAIN * len(servers)
                add(step, wait, attack.name, found)
                if step.ratio(attack.name):
                    print(attack.name, *step.rows[attack.name], *wait.rows[attack.name], file=sys.stderr)
    progress.end()
    return [step, wait]


def add(step: Table, wait: Table, row: str, found: dict[str, list[Longest | None]]) -> None:
    """Adds a row to both tables."""
    kept = {name: [longest for longest in rounds if longest is not None] for name, rounds in found.items()}
    step.add(row, {name: statistics.median(one.step for one in rounds) / 1e6 for name, rounds in kept.items() if rounds})
    wait.add(row, {name: min(one.wait for one in rounds) / 1e6 for name, rounds in kept.items() if rounds})
