"""A cluster of three primaries with a replica each, in which everything happens, while a client writes.

    python -m tests.cluster.lives --times 50 --seed 1
    python -m tests.cluster.lives --times 50 --seed 1 --zippy-alone

Half of the nodes are Redis's, and replicas are of the other kind than their primaries. After each step all nodes have to agree and
`redis-cli --cluster check` has to be clean; in the end everything has to be there that a replica had acknowledged too (WAIT 1).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.cluster.load import FIRST_SLOTS, ClusterLoad
from tests.cluster.servers import (
    REDIS,
    ZIPPY,
    ClusterServer,
    address,
    agree,
    check,
    create,
    impatient,
    join,
    redis_cli,
    reshard,
    role_of,
    slots_of,
    table,
)  # fmt: skip
from tests.waiting import wait_until

MIXED = (ZIPPY, REDIS, ZIPPY, REDIS, ZIPPY, REDIS)  # three primaries and their replicas
LONG = 120.0  # seconds, for whatever has to be in the end
LIMIT = 600  # bytes of an error shown


class Lives:
    """The cluster, and what can happen to it."""

    def __init__(self, kinds: tuple[str, ...], chance: random.Random, folder: Path) -> None:
        self.kinds = kinds
        self.chance = chance
        self.folder = folder
        self.made = 0
        self.nodes: list[ClusterServer] = []
        try:
            for kind in kinds[:3]:
                self.nodes.append(self.make(kind))
            create(self.nodes)
            for kind, primary in zip(kinds[3:], self.nodes[:3], strict=True):
                self.nodes.append(join(self.make(kind), self.nodes, primary))
        except BaseException:
            self.stop()
            raise
        self.load = ClusterLoad(self.nodes[0], seed=chance.randrange(1000), wait=True)

    def make(self, kind: str) -> ClusterServer:
        """A new node."""
        self.made += 1
        return ClusterServer(kind, self.folder / f"node{self.made}")

    def stop(self) -> None:
        """Ends all."""
        for node in self.nodes:
            node.stop()

    # Who is who

    def primaries(self) -> list[ClusterServer]:
        """Those that have slots."""
        return [node for node in self.nodes if role_of(node) == "master"]

    def replica_of(self, primary: ClusterServer) -> ClusterServer:
        """Its replica."""
        id = primary.id
        return next(node for node in self.nodes if node.nodes()[node.id][3] == id)

    def pair(self) -> tuple[ClusterServer, ClusterServer]:
        """A primary and its replica."""
        primary = self.chance.choice(self.primaries())
        return primary, self.replica_of(primary)

    def wait_for_successor(self, primary: ClusterServer, replica: ClusterServer) -> None:
        """Waits until a replica has the place of its primary, which does not answer."""
        with impatient([node for node in self.nodes if node is not primary]):
            wait_until(lambda: role_of(replica) == "master", LONG)

    def settle(self) -> None:
        """Waits until all is well again."""
        wait_until(lambda: agree(self.nodes), LONG)
        check(self.nodes)
        wait_until(lambda: all(link_is_up(node) for node in self.nodes), LONG)

    # What happens

    def move_slots(self) -> str:
        """Slots go from one primary to another one."""
        source, target = self.chance.sample(self.primaries(), 2)
        count = self.chance.randrange(1, 60)
        reshard(self.nodes[0], source, target, count)
        return f"{count} slots from {source.kind} to {target.kind}"

    def even_out(self) -> str:
        """redis-cli gives all primaries as many slots."""
        redis_cli("rebalance", address(self.nodes[0]), "--cluster-threshold", "1")
        return f"slots: {[len(slots_of(node)) for node in self.primaries()]}"

    def fail_over(self) -> str:
        """A manual failover, in one of the three ways."""
        primary, replica = self.pair()
        way = self.chance.choice(["", "FORCE", "TAKEOVER"])
        assert replica.ask("CLUSTER", "FAILOVER", *([way] if way else [])).value == b"OK"
        wait_until(lambda: role_of(replica) == "master", LONG)
        return f"{replica.kind} for {primary.kind} by hand {way.lower()}"

    def kill(self) -> str:
        """A primary dies and comes back when its replica has its place."""
        primary, replica = self.pair()
        primary.process.kill()
        self.wait_for_successor(primary, replica)
        primary.process.start()
        wait_until(lambda: role_of(primary) == "slave", LONG)
        return f"{primary.kind}, {replica.kind} takes over"

    def hang(self) -> str:
        """A primary stands still and goes on when its replica has its place."""
        primary, replica = self.pair()
        process = primary.process.process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        try:
            self.wait_for_successor(primary, replica)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        wait_until(lambda: role_of(primary) == "slave", LONG)
        return f"{primary.kind}, {replica.kind} takes over"

    def kill_in_a_move(self) -> str:
        """One of both primaries dies while slots move; its replica takes over, and what is left open is mended.

        What was written to these slots is not sure any more, whoever does it: MIGRATE does not wait for the target's replicas, a replica
        knows of no slot that its primary was about to send, and redis-cli puts keys over others when it mends.
        """
        source, target = self.chance.sample(self.primaries(), 2)
        dies = self.chance.choice([source, target])
        replica = self.replica_of(dies)
        lives = target if dies is source else source
        moving = slots_of(source)[:FIRST_SLOTS]
        before, enough = len(slots_of(lives)), self.chance.randrange(1, 40)
        program = shutil.which("redis-cli")
        assert program is not None
        ends = ("--cluster-from", source.id, "--cluster-to", target.id, "--cluster-slots", str(FIRST_SLOTS), "--cluster-yes")
        with subprocess.Popen(
            [program, "--cluster", "reshard", address(lives), *ends], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as tool:
            wait_until(lambda: abs(len(slots_of(lives)) - before) >= enough, LONG)
            dies.process.kill()
            tool.wait(LONG)
        self.wait_for_successor(dies, replica)
        dies.process.start()
        wait_until(lambda: agree(self.nodes), LONG)
        redis_cli("fix", address(lives), "--cluster-replace")
        wait_until(lambda: agree(self.nodes), LONG)
        told = ""
        if role_of(dies) == "master":
            # its replica had not heard of the slot that it got last
            told = f", which kept {len(slots_of(dies))}"
            reshard(lives, dies, replica, len(slots_of(dies)))
        wait_until(lambda: role_of(dies) == "slave", LONG)
        self.load.doubt(set(moving))
        return f"the {'source' if dies is source else 'target'}, {dies.kind}, {source.kind} to {target.kind}{told}"

    def restart(self) -> str:
        """A replica is ended in good order or at once, and started again: it is who it was."""
        _, replica = self.pair()
        before = table(replica)[replica.id] if (id := replica.id) else ()
        end: Callable[[], object] = self.chance.choice([replica.process.terminate, replica.process.kill])
        end()
        replica.process.start()
        assert replica.id == id
        wait_until(lambda: table(replica).get(id) == before, LONG)
        return replica.kind

    def come_and_go(self) -> str:
        """A new primary with a replica gets slots, gives them back, and both leave."""
        kinds = [self.chance.choice(self.kinds) for _ in range(2)]
        new = self.make(kinds[0])
        redis_cli("add-node", new.place, address(self.nodes[0]))
        self.nodes.append(new)
        wait_until(lambda: agree(self.nodes), LONG)
        replica = join(self.make(kinds[1]), self.nodes, new)
        self.nodes.append(replica)
        other = self.chance.choice([node for node in self.primaries() if node is not new])
        reshard(self.nodes[0], other, new, FIRST_SLOTS)
        self.settle()
        # a node that gives its last slot away becomes a replica of whom it gave it to
        reshard(self.nodes[0], new, other, FIRST_SLOTS)
        for node in (new, replica):
            self.nodes.remove(node)
            redis_cli("del-node", address(self.nodes[0]), node.id)
            node.stop()
        return f"{kinds[0]} with {kinds[1]}"

    def stranger(self) -> str:
        """A node that nobody knows is met, forgotten, made new and met once more, and leaves."""
        new = self.make(self.chance.choice(self.kinds))
        for _ in range(2):
            self.nodes[0].meet(new)
            self.nodes.append(new)
            wait_until(lambda: agree(self.nodes), LONG)
            self.nodes.remove(new)
            id = new.id
            assert new.ask("CLUSTER", "RESET", "HARD").value == b"OK"
            assert new.id != id
            for node in self.nodes:
                node.ask("CLUSTER", "FORGET", id)
            wait_until(lambda id=id: all(id not in node.nodes() for node in self.nodes), LONG)
        new.stop()
        return new.kind

    def move_replica(self) -> str:
        """A primary's only replica is gone for a while: one of another one's two comes."""
        orphan, replica = self.pair()
        donor = self.chance.choice([node for node in self.primaries() if node is not orphan])
        second = join(self.make(self.chance.choice(self.kinds)), self.nodes, donor)
        self.nodes.append(second)
        donor_id, orphan_id, gone = donor.id, orphan.id, replica.id
        replica.process.kill()
        alive = [node for node in self.nodes if node is not replica]
        with impatient(alive):
            wait_until(lambda: all("fail" in node.nodes()[gone][2].split(",") for node in alive), LONG)
        wait_until(lambda: any(words[3] == orphan_id and id != gone for id, words in donor.nodes().items()), LONG)
        replica.process.start()
        wait_until(lambda: agree(self.nodes), LONG)
        moved = next(node for node in self.nodes if node is not replica and node.nodes()[node.id][3] == orphan_id)
        stays = next(node for node in self.nodes if node.nodes()[node.id][3] == donor_id)
        # each primary has one again
        self.nodes.remove(replica)
        redis_cli("del-node", address(self.nodes[0]), replica.id)
        replica.stop()
        return f"{moved.kind} to {orphan.kind}, {stays.kind} stays with {donor.kind}"


STEPS: dict[str, Callable[[Lives], str]] = {
    "slots move": Lives.move_slots,
    "rebalance": Lives.even_out,
    "failover": Lives.fail_over,
    "kill": Lives.kill,
    "hang": Lives.hang,
    "kill in a move": Lives.kill_in_a_move,
    "restart": Lives.restart,
    "come and go": Lives.come_and_go,
    "stranger": Lives.stranger,
    "replica moves": Lives.move_replica,
}


def link_is_up(node: ClusterServer) -> bool:
    """Whether a node is a primary, or has its primary's data."""
    return role_of(node) == "master" or node.client.info("replication").get("master_link_status") == "up"


def live(cluster: Lives, times: int, names: list[str]) -> None:
    """So many steps."""
    began = time.monotonic()
    with cluster.load as load:
        load.more(200, LONG)
        for number in range(times):
            if number % len(names) == 0:
                # each of them comes once before one comes again
                cluster.chance.shuffle(names)
            name = names[number % len(names)]
            told = STEPS[name](cluster)
            cluster.settle()
            load.more_acknowledged(50, LONG)
            print(f"{number + 1}/{times} {name}: {told}; {load.acknowledged} acknowledged, {len(load.errors)} errors", flush=True)
    load.node = cluster.nodes[0]
    load.verify()
    for primary in cluster.primaries():
        replica = cluster.replica_of(primary)
        wait_until(lambda a=primary, b=replica: a.client.dbsize() == b.client.dbsize(), LONG)
        if primary.kind == replica.kind:
            wait_until(lambda a=primary, b=replica: a.ask("DEBUG", "DIGEST") == b.ask("DEBUG", "DIGEST"), LONG)
    errors = sorted({f"{type(error).__name__}: {error}"[:60] for error in load.errors})
    print(f"{times} steps, {load.acknowledged} writes acknowledged by a replica, none lost, {time.monotonic() - began:.0f} s; {errors}")


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.lives", description="The life of a cluster.")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--zippy-alone", action="store_true")
    parser.add_argument("--steps", nargs="*", choices=sorted(STEPS), default=list(STEPS))
    options = parser.parse_args()
    kinds = (ZIPPY,) * 6 if options.zippy_alone else MIXED
    folder = Path(tempfile.mkdtemp())
    cluster: Lives | None = None
    try:
        cluster = Lives(kinds, random.Random(options.seed), folder)
        live(cluster, options.times, options.steps)
    except BaseException as error:
        print(f"{type(error).__name__} {str(error)[:LIMIT]}; logs and data are in {folder}")
        raise
    finally:
        if cluster is not None:
            cluster.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
