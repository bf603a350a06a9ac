"""SLOWLOG and LATENCY: what took long."""

from __future__ import annotations

import math
from typing import Any

from zippy import commandspec
from zippy._core.introspection import clock_us, command_durations, latency_events, reply_slowlog, slowlog_clear, slowlog_length
from zippy._core.resp.kinds import OK, NoReply, ReplyError, Verbatim
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.server.arguments import integer, repeated, subcommand_error, text
from zippy.server.registry import command
from zippy.settings import Settings

DEFAULT_COUNT = 10
GRAPH_WIDTH = 80
GRAPH_ROWS = 4
GRAPH_STEPS = "_o#"  # within a row, from low to high
LEAST_POWER = 10  # of LATENCY HISTOGRAM: 1024 ns
LONGEST_NS = (1 << 30) - 1  # what the histograms tell apart
SECONDS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@command("slowlog|get")
def slowlog_get(session: Session, args: Words) -> Any:
    """SLOWLOG GET [count]."""
    if len(args) > 3:
        raise subcommand_error(args)
    error = "ERR count should be greater than or equal to -1"
    count = integer(args[2], error) if len(args) == 3 else DEFAULT_COUNT
    if count < -1:
        raise ReplyError(error)
    reply_slowlog(session, count)
    return NoReply()


@command("slowlog|len")
def slowlog_len(session: Session, args: Words) -> Any:
    """SLOWLOG LEN."""
    return slowlog_length(session.core)


@command("slowlog|reset")
def slowlog_reset(session: Session, args: Words) -> Any:
    """SLOWLOG RESET."""
    slowlog_clear(session.core)
    return OK


@command("latency|latest")
def latency_latest(session: Session, args: Words) -> Any:
    """LATENCY LATEST. Replies with each event, time and ms of its last sample, and its worst ms."""
    return [[name, *samples[-1], worst] for name, (worst, samples) in latency_events(session.core).items()]


@command("latency|history")
def latency_history(session: Session, args: Words) -> Any:
    """LATENCY HISTORY event."""
    return latency_events(session.core).get(text(args[2]), (0, []))[1]


@command("latency|graph")
def latency_graph(session: Session, args: Words) -> Any:
    """LATENCY GRAPH event. Draws a column a sample, with its age below."""
    name = text(args[2])
    worst, samples = latency_events(session.core).get(name, (0, []))
    if not samples:
        raise ReplyError(f"ERR No samples available for event '{repeated(args[2])}'")
    times = [ms for _, ms in samples]
    lines = [f"{name} - high {max(times)} ms, low {min(times)} ms (all time high {worst} ms)", "-" * GRAPH_WIDTH]
    now = clock_us(session.core) // 1000000
    return Verbatim("\n".join(lines + columns(samples[-GRAPH_WIDTH:], now)) + "\n")


def columns(samples: list[tuple[int, int]], now: int) -> list[str]:
    """The graph's rows and the ages below it."""
    low, high = min(ms for _, ms in samples), max(ms for _, ms in samples)
    top = GRAPH_ROWS * len(GRAPH_STEPS) - 1
    heights = [(ms - low) * top // max(high - low, 1) for _, ms in samples]
    rows = []
    for row in reversed(range(GRAPH_ROWS)):
        steps = [height - row * len(GRAPH_STEPS) for height in heights]
        rows.append("".join(" " if step < 0 else GRAPH_STEPS[min(step, len(GRAPH_STEPS) - 1)] for step in steps))
    ages = [age(now - at) for at, _ in samples]
    depth = max(len(label) for label in ages)
    return [*rows, "", *("".join(label.ljust(depth)[line] for label in ages) for line in range(depth))]


def age(seconds: int) -> str:
    """Seconds in their largest unit: 5s, 3m."""
    return next((f"{seconds // size}{unit}" for unit, size in SECONDS if seconds >= size), "0s")


ADVICE = (
    ({"command", "fast-command"}, "SLOWLOG GET names the commands. Ask for less at a time (SCAN for KEYS, ranges for whole values)."),
    ({"expire-cycle"}, "Many keys expire at the same moment: spread their times, or lower active-expire-effort."),
    ({"eviction-cycle"}, "Much has to be evicted at once: raise maxmemory, or write less in a burst."),
    ({"fork"}, "Saving copies the page tables of a large process: save less often."),
    ({"aof-write", "aof-fsync-always", "aof-write-pending-fsync"}, "The disk is slow: appendfsync everysec works beside the traffic."),
)


class LatencyDoctor:
    """LATENCY DOCTOR."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @command("latency|doctor")
    def latency_doctor(self, session: Session, args: Words) -> Any:
        """LATENCY DOCTOR. Tells of the samples in words, with what usually helps."""
        events = latency_events(session.core)
        if not self.settings.integer("latency-monitor-threshold"):
            return Verbatim(
                'The latency monitor is off. "CONFIG SET latency-monitor-threshold <milliseconds>" switches it on: '
                "events that take longer are kept.\n"
            )
        if not events:
            return Verbatim("No event took longer than latency-monitor-threshold so far.\n")
        lines = ["These events took longer than latency-monitor-threshold:", ""]
        for number, (name, (worst, samples)) in enumerate(events.items(), 1):
            times = [ms for _, ms in samples]
            average = sum(times) / len(times)
            deviation = math.sqrt(sum((ms - average) ** 2 for ms in times) / len(times))
            every = (samples[-1][0] - samples[0][0]) / max(len(samples) - 1, 1)
            lines.append(
                f"{number}. {name}: {len(samples)} spikes (average {average:.0f}ms, "
                f"deviation {deviation:.0f}ms, one in {every:.2f} sec). The worst of all took {worst}ms."
            )
        lines += ["", "What usually helps:", ""]
        advice = [text for names, text in ADVICE if names & set(events)] or ["Compare the times with LATENCY HISTORY to what ran then."]
        return Verbatim("\n".join(lines + [f"- {line}" for line in advice]) + "\n")


@command("latency|histogram")
def latency_histogram(session: Session, args: Words) -> Any:
    """LATENCY HISTOGRAM [command [command ...]]. Replies with calls, and how many took up to so many microseconds."""
    wanted = None if len(args) == 2 else set().union(*(names_of(text(name)) for name in args[2:]))
    found = {}
    for name, histogram in command_durations(session.core):
        if wanted is None or name in wanted:
            found[name] = {"calls": sum(count for _, _, count in histogram), "histogram_usec": cumulative(histogram)}
    return found


def names_of(name: str) -> set[str]:
    """The command and its subcommands; nothing for an unknown one."""
    spec = commandspec.find_command(name)
    return set() if spec is None else {spec.name, *(subcommand.name for subcommand in spec.subcommands)}


def cumulative(histogram: list[tuple[int, int, int]]) -> dict[int, int]:
    """Calls of up to so many us, by powers of two of 1024 ns on, for those that have calls of their own; as Redis: each with all that is
    not told apart from it, so that 1024 us are 1056."""
    total, power, shown = 0, LEAST_POWER, {}
    for _, most, count in histogram:
        while most > bound(power):
            power += 1
        total += count
        shown[min(bound(power), LONGEST_NS) // 1000] = total
    return shown


def bound(power: int) -> int:
    """The longest time in ns that counts as 2 ** power, to two digits."""
    return int((1 << power) + (1 << power - 7) - 1)
