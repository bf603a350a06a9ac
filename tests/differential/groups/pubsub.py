"""Publish and subscribe: two listeners come and go, a third connection publishes; all that a listener receives is compared."""

from __future__ import annotations

from tests.differential.groups.group import Group
from tests.differential.steps import LISTENERS, Step, Unit
from tests.differential.values import Source


def listener(source: Source) -> Unit:
    """A listener's command."""
    random = source.random
    channels = [source.channel() for _ in range(random.choice((1, 1, 2, 3)))]
    patterns = [source.channelpattern() for _ in range(random.choice((1, 1, 2)))]
    line: tuple[bytes, ...] = random.choice(
        [
            (b"SUBSCRIBE", *channels),
            (b"SUBSCRIBE", *channels),
            (b"PSUBSCRIBE", *patterns),
            (b"PSUBSCRIBE", *patterns),
            (b"SSUBSCRIBE", *channels),
            (b"UNSUBSCRIBE", *channels),
            (b"PUNSUBSCRIBE", *patterns),
            (b"SUNSUBSCRIBE", *channels),
            (b"UNSUBSCRIBE",),
            (b"PUNSUBSCRIBE",),
            (b"SUNSUBSCRIBE",),
            (b"PING",),
            (b"PING", b"hello"),
            (b"PING", b"a", b"b"),
            (b"GET", b"s0"),
            (b"PUBLISH", *channels[:1], b"from a listener"),
            (b"SUBSCRIBE",),
            (b"ECHO", b"x"),
            (b"MULTI", b"x"),
            (b"RESET",) if random.random() < 0.1 else (b"PING",),
        ]
    )
    return Unit((Step(line, random.choice(LISTENERS)),))


def publish(source: Source) -> Unit:
    """A message unlike all others, so that what a listener receives shows which one came from where."""
    command = b"SPUBLISH" if source.random.random() < 0.2 else b"PUBLISH"
    return Unit((Step((command, source.channel(), b"message %d" % source.random.getrandbits(40))),))


GROUP = Group(
    "pubsub",
    "any",
    """
    3   PUBSUB CHANNELS [channelpattern]
    3   PUBSUB NUMSUB [channel+]
    2   PUBSUB NUMPAT
    2   PUBSUB SHARDCHANNELS [channelpattern]
    2   PUBSUB SHARDNUMSUB [channel+]
    1   PUBSUB ('foo|NUMPAT 'a|CHANNELS 'a 'b|'foo 'a)
    1   PUBLISH channel
    1   PUBLISH channel val val
    """,
    [(20, listener), (20, publish)],
    filler="",
    listens=True,
)
