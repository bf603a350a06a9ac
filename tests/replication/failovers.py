"""A hundred failovers by real sentinels: servers are killed, hang, or are cut off from all others, while a client writes.

    python -m tests.replication.failovers --times 100 --seed 1

To be cut off, a server has an address of its own in a network namespace that the program makes for itself; without the right to make one
(it takes root) there is no such fault, which is said. What WAIT 1 acknowledged has to be there in the end, and all servers the same.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.replication.sentinels import Sentinels, Writer, fail_over, hang, kill
from tests.replication.servers import REDIS, ZIPPY, Node, agree, assert_equal, is_up
from tests.servers import oracle_program
from tests.waiting import wait_until

INSIDE = "ZIPPY_TEST_NAMESPACE"
KINDS = (ZIPPY, ZIPPY, REDIS)


def address(number: int) -> str:
    """The address of a server."""
    return f"10.9.0.{number + 1}"


def enter_namespace() -> None:
    """Runs the program again in a network of its own, where it may."""
    unshare = shutil.which("unshare")
    if INSIDE in os.environ or unshare is None or subprocess.run([unshare, "-n", "true"], capture_output=True).returncode:
        return
    os.execve(unshare, ["unshare", "-n", sys.executable, "-m", "tests.replication.failovers", *sys.argv[1:]], {**os.environ, INSIDE: "1"})


def cut_off(nodes: list[Node]) -> Callable[[Node], Callable[[], None]]:
    """A fault: nobody reaches the server at its address, nor does it reach anybody."""

    def cut(node: Node) -> Callable[[], None]:
        place = f"{address(nodes.index(node))}/32"
        subprocess.run(["ip", "addr", "del", place, "dev", "lo"], check=True)
        return lambda: subprocess.run(["ip", "addr", "add", place, "dev", "lo"], check=True) and None

    return cut


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.replication.failovers", description="Failovers by real sentinels.")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    enter_namespace()
    program = oracle_program()
    if program is None:
        sys.exit("there is no Redis that could be a sentinel")
    apart = INSIDE in os.environ
    if apart:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for number in range(len(KINDS)):
            subprocess.run(["ip", "addr", "add", f"{address(number)}/32", "dev", "lo"], check=True)
    else:
        print("no right to make a network namespace: no server is cut off")
    folder = Path(tempfile.mkdtemp())
    nodes: list[Node] = []
    sentinels: Sentinels | None = None
    try:
        for number, kind in enumerate(KINDS):
            places = ("--bind", f"{address(number)} 127.0.0.1", "--protected-mode", "no", "--replica-announce-ip", address(number))
            source = ("--bind-source-addr", address(number))
            nodes.append(Node(kind, folder / str(number), *(places + source if apart else ())))
        host = address(0) if apart else "127.0.0.1"
        for node in nodes[1:]:
            node("REPLICAOF", host, nodes[0].port)
        wait_until(lambda: all(map(is_up, nodes[1:])))
        sentinels = Sentinels(program, folder, (host, nodes[0].port))
        wait_until(lambda: sentinels.know(len(nodes) - 1), 60.0)
        run(options.times, random.Random(options.seed), nodes, sentinels, apart)
    except (TimeoutError, AssertionError):
        print(f"logs and data are in {folder}")
        raise
    finally:
        if sentinels is not None:
            sentinels.stop()
        for node in nodes:
            node.stop()
    shutil.rmtree(folder)


def run(times: int, chance: random.Random, nodes: list[Node], sentinels: Sentinels, apart: bool) -> None:
    """The failovers. AssertionError: acknowledged writes were lost."""
    faults: dict[str, Callable[[Node], Callable[[], None]]] = {"kill": kill, "hang": hang}
    if apart:
        faults["cut off"] = cut_off(nodes)
    done = dict.fromkeys(faults, 0)
    began = time.monotonic()
    checked = 0
    with Writer(sentinels) as writer:
        for number in range(times):
            name = chance.choice(sorted(faults))
            primary = fail_over(sentinels, nodes, faults[name])
            done[name] += 1
            enough = len(writer.acknowledged) + 20
            wait_until(lambda enough=enough: len(writer.acknowledged) >= enough)
            acknowledged = len(writer.acknowledged)
            print(f"{number + 1}/{times} {name}: {primary.kind} leads, {acknowledged} acknowledged", flush=True)
            lost = writer.lost(primary, checked)
            assert not lost, lost
            checked = acknowledged
    wait_until(lambda: all(agree(primary, node) for node in nodes if node is not primary))
    lost = writer.lost(primary, 0)
    assert not lost, lost
    for node in nodes:
        if node is not primary:
            assert_equal(primary, node)
    print(f"{done}, {len(writer.acknowledged)} writes acknowledged by a replica, none lost, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
