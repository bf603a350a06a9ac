"""When two replies count as equal: byte for byte, unless the command's order, choice or time is not defined."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tests.differential.steps import Step
from tests.differential.values import ABSOLUTE_MS, ABSOLUTE_SECONDS
from tests.resp import Reply

UNORDERED = {"SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "HVALS"}
UNORDERED_PAIRS = {"HGETALL"}
UNORDERED_SUBCOMMANDS = {("PUBSUB", "CHANNELS"), ("PUBSUB", "SHARDCHANNELS"), ("COMMAND", "LIST")}
REMAINING = {"TTL": 1, "PTTL": 1000, "HTTL": 1, "HPTTL": 1000}
MOMENT = {"EXPIRETIME": 1, "PEXPIRETIME": 1000, "HEXPIRETIME": 1, "HPEXPIRETIME": 1000}
TOLERANCE_SECONDS = 5
ABSOLUTE = {*ABSOLUTE_SECONDS, *ABSOLUTE_MS, *(second * 1000 for second in ABSOLUTE_SECONDS), *(ms // 1000 for ms in ABSOLUTE_MS)}
"""Times that only absolute commands set: they have to come back exactly."""


def equal(step: Step, ours: Reply, theirs: Reply, before: tuple[Reply, Reply] | None, queued: Sequence[Step] = (),
          tolerance: int = TOLERANCE_SECONDS) -> bool:  # fmt: skip
    """True when both replies to `step` mean the same. `before` are the replies to the step before it in its unit;
    `queued` are the commands that an EXEC ran; times may differ by `tolerance` seconds."""
    if ours == theirs:
        return step.check != "picked" or well_picked(ours, before[0] if before else None)
    name = step.name
    if step.check == "outline":
        return outlined(ours, theirs)
    if step.check == "picked":
        return picked_alike(step, ours, theirs, before)
    if step.check == "nearest":
        return nearest_alike(ours, theirs)
    if (
        step.check == "unordered"
        or name in UNORDERED
        or (len(step.args) > 1 and (name, step.args[1].decode("latin-1").upper()) in UNORDERED_SUBCOMMANDS)
    ):
        return same_items(ours, theirs)
    if name in UNORDERED_PAIRS or (name == "CONFIG" and ours.kind in "*%"):
        return same_pairs(ours, theirs)
    if name == "ACL" and len(step.args) > 1:
        return acl_alike(step.args[1].upper(), ours, theirs, tolerance)
    if name == "CLUSTER":
        return without_counters(ours) == without_counters(theirs)
    if name == "FUNCTION" and len(step.args) > 1:
        return functions_alike(step.args[1].upper(), ours, theirs)
    if name == "HELLO" and ours.kind == theirs.kind and ours.kind in "*%":
        return greeting(ours) == greeting(theirs)
    if name == "OBJECT":
        return len(step.args) > 1 and step.args[1].upper() == b"IDLETIME" and idle_alike(ours, theirs, tolerance)
    if name in REMAINING:
        return near(ours, theirs, tolerance * REMAINING[name])
    if name in MOMENT:
        return near(ours, theirs, tolerance * MOMENT[name], exact=ABSOLUTE)
    if name in ("SORT", "SORT_RO"):
        return sorted_alike(step, ours, theirs, before)
    if name == "EXEC" and ours.kind == theirs.kind == "*" and len(ours.value) == len(theirs.value) == len(queued):
        return all(equal(one, a, b, None, (), tolerance) for one, a, b in zip(queued, ours.value, theirs.value, strict=True))
    return False


COUNTERS = re.compile(
    rb"(?:cluster_stats_messages_|total_cluster_links_|cluster_size)[^\r]*\r\n|(?<= - )\d+ \d+(?= \d+ )|(?:dis)?connected"
)
"""What CLUSTER INFO counts (the size only at a turn's end), and of CLUSTER NODES moments and links."""


def without_counters(reply: Reply) -> Reply:
    """What a node tells of its cluster, but for what it has sent and received, and when; nodes and shards in any order."""
    if not isinstance(reply.value, bytes):
        return sorted_inside(reply)
    return Reply(reply.kind, b"\n".join(sorted(COUNTERS.sub(b"", reply.value.removeprefix(b"txt:")).split(b"\n"))))


TAKEN = re.compile(rb"(?<=^ERR Function )\w+(?= already exists$)")
"""Which of several names an error tells."""


def functions_alike(subcommand: bytes, ours: Reply, theirs: Reply) -> bool:
    """LIST in any order; a DUMP is one, for zippy's LZF finds other repetitions; of several names that are taken any."""
    if ours.kind != theirs.kind:
        return False
    if subcommand == b"LIST":
        return sorted_inside(ours) == sorted_inside(theirs)
    if subcommand == b"DUMP":
        return ours.kind == "$"
    return ours.is_error and TAKEN.sub(rb"", ours.value) == TAKEN.sub(rb"", theirs.value)


def acl_alike(subcommand: bytes, ours: Reply, theirs: Reply, tolerance: int) -> bool:
    """CAT's commands in any order; of LOG all but how the client is described; a password as long as the other."""
    if ours.kind != theirs.kind:
        return False
    if subcommand == b"CAT":
        return same_items(ours, theirs)
    if subcommand == b"GENPASS":
        return ours.kind == "$" and len(ours.value) == len(theirs.value)
    return subcommand == b"LOG" and ours.kind == "*" and refusals(ours, tolerance) == refusals(theirs, tolerance)


def refusals(reply: Reply, tolerance: int) -> list[dict[bytes, Reply]]:
    """ACL LOG's entries, with ids counted from the first one's; without times where no clock is set."""
    entries = [
        dict(entry.value) if entry.kind == "%" else dict(zip(entry.value[::2], entry.value[1::2], strict=True)) for entry in reply.value
    ]
    found = [{name.value: value for name, value in entry.items()} for entry in entries]
    newest = max((entry[b"entry-id"].value for entry in found), default=0)
    for entry in found:
        entry[b"entry-id"] = Reply(":", newest - entry[b"entry-id"].value)
        del entry[b"client-info"]
        for name in (b"age-seconds", b"timestamp-created", b"timestamp-last-updated") if tolerance else ():
            del entry[name]
    return found


def greeting(reply: Reply) -> list[tuple[Reply, Reply]]:
    """HELLO's pairs but for the connection's id and the modules, which only a Redis has."""
    parts = list(reply.value) if reply.kind == "%" else list(zip(reply.value[::2], reply.value[1::2], strict=True))
    return [pair for pair in parts if pair[0].value not in (b"id", b"modules")]


def outlined(ours: Reply, theirs: Reply) -> bool:
    """Two replies of one kind, an array's items too, whatever the words and their number."""
    if ours.kind != theirs.kind or ours.kind not in "*~":
        return ours.kind == theirs.kind
    return {item.kind for item in ours.value} == {item.kind for item in theirs.value}


def sorted_inside(reply: Reply) -> Reply:
    """A reply with all arrays, sets and maps in it sorted."""
    if reply.kind in "*~>":
        return Reply(reply.kind, tuple(sorted(map(sorted_inside, reply.value), key=repr)))
    if reply.kind == "%":
        return Reply(reply.kind, tuple(sorted(((key, sorted_inside(value)) for key, value in reply.value), key=repr)))
    return reply


def same_items(ours: Reply, theirs: Reply) -> bool:
    """Two aggregates of one kind with the same items in any order."""
    if ours.kind != theirs.kind or ours.kind not in "*~>":
        return False
    return Counter(ours.value) == Counter(theirs.value)


def pairs(reply: Reply) -> Counter[tuple[Reply, Reply]]:
    """The pairs of a map, or of an array that alternates keys and values."""
    if reply.kind == "%":
        return Counter(reply.value)
    return Counter(zip(reply.value[::2], reply.value[1::2], strict=False))


def same_pairs(ours: Reply, theirs: Reply) -> bool:
    """Two maps, or two arrays of pairs, with the same pairs in any order."""
    return ours.kind == theirs.kind and ours.kind in "*%" and len(ours.value) == len(theirs.value) and pairs(ours) == pairs(theirs)


def near(ours: Reply, theirs: Reply, tolerance: int, exact: set[int] | None = None) -> bool:
    """Two integers (or arrays of them) that differ by no more than the time between the two servers' turns."""
    if ours.kind != theirs.kind:
        return False
    if ours.kind == "*":
        return len(ours.value) == len(theirs.value) and all(
            near(a, b, tolerance, exact) for a, b in zip(ours.value, theirs.value, strict=True)
        )
    if ours.kind != ":" or (exact and (ours.value in exact or theirs.value in exact)):
        return ours == theirs
    return ours == theirs or (min(ours.value, theirs.value) > 0 and abs(ours.value - theirs.value) <= tolerance)


def idle_alike(ours: Reply, theirs: Reply, tolerance: int) -> bool:
    """Two idle times that are nearly equal; under a set clock any two: a Redis looks at it for them ten times in a true second."""
    return ours.kind == theirs.kind == ":" and (tolerance == 0 or abs(ours.value - theirs.value) <= tolerance)


def sorted_alike(step: Step, ours: Reply, theirs: Reply, before: tuple[Reply, Reply] | None) -> bool:
    """SORT without an order of its own gives a set's items in any order, and with LIMIT any of them; so do equal weights under
    ALPHA. `before` tells the key's type when the check is "sorted"; else it may be a set."""
    words = [arg.upper() for arg in step.args[2:]]
    if ours.kind != theirs.kind or ours.kind != "*":
        return False
    if b"BY" not in words:
        return b"ALPHA" in words and up_to_nul(ours) == up_to_nul(theirs)
    if step.check == "sorted" and before is not None and before[0].value != b"set" and b"ALPHA" not in words:
        return False
    return len(ours.value) == len(theirs.value) and (b"LIMIT" in words or same_items(ours, theirs))


def up_to_nul(reply: Reply) -> list[object]:
    """The items as SORT ALPHA sees them."""
    return [item.value.split(b"\x00")[0] if isinstance(item.value, bytes) else item.value for item in reply.value]


def items(reply: Reply) -> set[Reply]:
    """All simple replies inside one."""
    if reply.kind in "*~>":
        return {inner for item in reply.value for inner in items(item)}
    if reply.kind == "%":
        return {inner for pair in reply.value for item in pair for inner in items(item)}
    return {reply}


def well_picked(reply: Reply, source: Reply | None) -> bool:
    """Nothing but what was there before was picked."""
    if source is None or reply.is_error or reply.is_null or source.is_error:
        return True
    return items(reply) <= items(source)


def shape(reply: Reply) -> object:
    """A reply's kinds without its values."""
    if reply.kind in "*~>":
        return reply.kind, tuple(shape(item) for item in reply.value)
    return reply.kind


def picked_alike(step: Step, ours: Reply, theirs: Reply, before: tuple[Reply, Reply] | None) -> bool:
    """Two random picks of the same shape from what was there; without repeats where the count is not negative."""
    if ours.is_error or theirs.is_error or shape(ours) != shape(theirs):
        return False
    source = before[0] if before else None
    if not well_picked(ours, source):
        return False
    if ours.kind not in "*~" or (len(step.args) > 2 and step.args[2].startswith(b"-")):
        return True
    words = [arg.upper() for arg in step.args]
    with_values = b"WITHSCORES" in words or b"WITHVALUES" in words
    if with_values and ours.value and ours.value[0].kind == "*":
        names = [pair.value[0] for pair in ours.value]
    else:
        names = list(ours.value[::2] if with_values else ours.value)
    return len(set(names)) == len(names)


def nearest_alike(ours: Reply, theirs: Reply) -> bool:
    """Two replies of members with distances, [member, distance, ...], in order of distance: of those at one distance in any order, and of
    those at the last one any of them, since there may be more than were asked for."""
    if ours.kind != "*" or theirs.kind != "*":
        return False
    distances = [item.value[1] for item in ours.value]
    if distances != [item.value[1] for item in theirs.value]:
        return False
    return all(
        Counter(item for item in ours.value if item.value[1] == distance)
        == Counter(item for item in theirs.value if item.value[1] == distance)
        for distance in set(distances) - {distances[-1]}
    )


UNSUBSCRIBED = {b"unsubscribe", b"punsubscribe", b"sunsubscribe"}


def same_stream(ours: Sequence[Reply], theirs: Sequence[Reply]) -> bool:
    """Two listeners' streams: in order; but one message to several patterns, leaving all channels, and keys that expire, in any order."""
    return list(ours) == list(theirs) or canonical(ours) == canonical(theirs)


def canonical(frames: Sequence[Reply]) -> list[object]:
    """A stream with the runs whose order is not defined sorted."""
    runs: list[tuple[object, list[object]]] = []
    for frame in frames:
        label, content = run_of(frame)
        if label is None or not runs or runs[-1][0] != label:
            runs.append((label, []))
        runs[-1][1].append(content)
    return [sorted(content, key=repr) for _, content in runs]


def run_of(frame: Reply) -> tuple[object, object]:
    """What run a frame belongs to (None: it stands alone), and what of it is compared."""
    if frame.kind not in "*>" or not frame.value or frame.value[0].kind != "$":
        return None, frame
    name = frame.value[0].value
    if name in UNSUBSCRIBED:
        return name, frame.value[1]
    if name == b"pmessage":
        # in what order a scan comes to the keys whose time is over is not defined, nor in what order SORT looks a set's weights up
        for event in (b"expired", b"keymiss"):
            if frame.value[2].value.endswith(b":" + event) or frame.value[3].value == event:
                return event, frame
    if name in (b"message", b"pmessage"):
        return ("message", frame.value[-2:]), frame
    return None, frame
