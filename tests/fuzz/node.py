"""The fuzzer's server as a node of a cluster that has all slots, and what its connections say to it then.

The other node is nowhere, and nobody notices. While connections talk it has a slot, since without any the cluster would be down for a
while. Slots begin to move to it and from it, become its own if they hold no key, or nobody's; now and then the node gets all of them back.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from tests import servers
from tests.differential.groups import cluster
from tests.differential.groups.group import Group
from tests.differential.nodes import ME, OTHER, OTHERS, SETTINGS, TAGS, parsed, slot_of, slots_in
from tests.differential.steps import Step, Unit
from tests.differential.values import Source
from tests.fuzz.state import hold
from tests.resp import RawClient
from tests.waiting import wait_until
from zippy._core.cluster import SLOTS

PATIENCE = 60.0  # seconds
TAG_WEIGHTS = (20, 6, 4, 4, 1, 2)
AWAY = slot_of(OTHERS)


def options() -> list[str]:
    """The server's."""
    given = {**SETTINGS, "cluster-port": servers.free_port()}
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


def write_file(folder: Path) -> None:
    """Has the server that starts there be the node, with its slots."""
    folder.mkdir(parents=True, exist_ok=True)
    me, other = ME.decode(), OTHER.decode()
    (folder / "nodes.conf").write_text(
        f"{me} 127.0.0.1:7000@17000,,tls-port=0,shard-id={'a' * 40} myself,master - 0 0 5 connected 0-{SLOTS - 1}\n"
        f"{other} 127.0.0.2:7000@17000,,tls-port=0,shard-id={'b' * 40} master - 0 0 3 connected\n"
        "vars currentEpoch 5 lastVoteEpoch 0\n"
    )


def ask_back(client: RawClient, but: Set[int] = frozenset()) -> bool:
    """Asks for the node to have all slots but these, and for none of them to move; whether it has all, and it was so. Others may ask for
    something else meanwhile."""
    told = client("CLUSTER", "NODES")
    if told.is_error and but:
        # somebody has taken the right to ask away
        return False
    hold(not told.is_error and b" myself," in told.value, f"CLUSTER NODES: {told}")
    nodes = {words[0]: words for words in map(bytes.split, told.value.removeprefix(b"txt:").splitlines())}
    mine = next(words for words in nodes.values() if b"myself" in words[2])
    for word in mine[8:]:
        if word.startswith(b"["):
            client("CLUSTER", "SETSLOT", word[1:].partition(b"-")[0], "STABLE")
    others = {slot for words in nodes.values() if words is not mine for slot in slots_in(parsed(words[8:]))}
    for slot in others - but:
        client("CLUSTER", "SETSLOT", slot, "NODE", mine[0])
    free = set(range(SLOTS)) - but - others - slots_in(parsed(mine[8:]))
    if free:
        client("CLUSTER", "ADDSLOTS", *free)
    return mine[8:] == [b"0-%d" % (SLOTS - 1)]


def take_back(client: RawClient) -> None:
    """Gives the node all slots, none of which moves; returns when it serves them."""
    wait_until(lambda: ask_back(client) and b"cluster_state:ok" in client("CLUSTER", "INFO").value, PATIENCE)


def take_most_back(client: RawClient) -> None:
    """Asks for the same while others talk: the other node keeps its slot."""
    ask_back(client, {AWAY})


def give_away(client: RawClient) -> None:
    """Gives the other node its slot, in which no key may be; one that CLUSTER RESET has forgotten gets none."""
    client("CLUSTER", "SETSLOT", AWAY, "NODE", OTHER)


def named(arg: bytes, tag: bytes) -> bytes:
    """A word with its key, if it is one, in a tag's slot."""
    return b"{%b}%b" % (tag, arg) if arg in cluster.TAGGED or arg.startswith(b"churn:") else arg


def tagged(source: Source, steps: list[Step]) -> list[Step]:
    """Steps with their keys in one slot, now and then one of them in another, and at times behind ASKING."""
    chosen = source.random.choices(TAGS, TAG_WEIGHTS)[0]
    found: list[Step] = []
    for step in steps:
        if source.random.random() < 0.08:
            found.append(replace(step, args=(b"ASKING",)))
        tag = source.random.choice(TAGS) if source.random.random() < 0.05 else chosen
        found.append(replace(step, args=(step.args[0], *(named(arg, tag) for arg in step.args[1:]))))
    return found


def lose_all(source: Source) -> Unit:
    """No slot is the node's any more, if it has no key; most are again."""
    return Unit((
        Step((b"FLUSHALL",)), Step((b"CLUSTER", b"FLUSHSLOTS")), Step((b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"%d" % (AWAY - 1))),
        Step((b"CLUSTER", b"ADDSLOTSRANGE", b"%d" % (AWAY + 1), b"%d" % (SLOTS - 1))),
    ))  # fmt: skip


def give(source: Source) -> Unit:
    """Slots that are nobody's become the node's."""
    first = source.random.randrange(SLOTS)
    there = Step((b"CLUSTER", b"ADDSLOTSRANGE", b"%d" % first, b"%d" % min(first + source.random.randrange(300), SLOTS - 1)))
    return Unit((there, *(Step((b"CLUSTER", b"ADDSLOTS", b"%d" % slot_of(tag))) for tag in TAGS if tag != OTHERS)))


def list_keys(source: Source) -> Unit:
    """Some keys of a slot."""
    return Unit((Step((b"CLUSTER", b"GETKEYSINSLOT", cluster.slot(source), b"%d" % source.random.choice((1, 3, 10, 5000)))),))


GROUP = Group("node", "any", "", [(100, cluster.GROUP.unit), (1, lose_all), (10, give), (10, list_keys)], filler="", mangles=False)
"""What is said to a node and to no other server."""
