"""Units for the commands whose reply is random: the elements are read first, the reply is checked against them, and what
was removed at random on each side is removed from the other by emptying the key.
"""

from __future__ import annotations

from tests.differential.groups.group import Maker, commands
from tests.differential.steps import Step, Unit
from tests.differential.values import Source


def picks(read: bytes, pick: bytes, key: str, with_values: bytes | None = None) -> Maker:
    """SRANDMEMBER, HRANDFIELD and ZRANDMEMBER: `read` gives the elements, `pick` chooses among them."""

    def make(source: Source) -> Unit:
        name = getattr(source, key)()
        args = [pick, name]
        if source.random.random() < 0.8:
            args.append(source.safecount())
            if with_values is not None and source.random.random() < 0.5:
                args.append(with_values)
        reads = (read, name, b"0", b"-1", b"WITHSCORES") if read == b"ZRANGE" else (read, name)
        return Unit((Step(reads), Step(tuple(args), check="picked")), True)

    return make


def spop(source: Source) -> Unit:
    """SPOP: of some members, and then the key goes; or of all."""
    name = source.xkey()
    if source.random.random() < 0.4:
        return commands((b"SPOP", name, source.pick([b"100000", b"0", b"-1", b"a", b"100000"])), check="unordered")
    args = (b"SPOP", name) if source.random.random() < 0.5 else (b"SPOP", name, source.pick([b"0", b"1", b"2", b"3", b"5", b"-1"]))
    return Unit((Step((b"SMEMBERS", name)), Step(args, check="picked"), Step((b"SCARD", name)), Step((b"DEL", name))), True)


def scans(command: bytes, key: str | None) -> Maker:
    """SCAN and its like, followed to the end.

    SCAN deletes the expired keys that it meets. Which these are behind a cursor other than 0 is each server's own affair, so where
    keys expire it begins at the beginning.
    """

    def make(source: Source) -> Unit:
        args = [command] if key is None else [command, getattr(source, key)()]
        others = [b"a", b"-1", b""] if key is None and source.clock else [b"a", b"-1", b"", b"18446744073709551615"]
        args.append(b"0" if source.random.random() < 0.95 else source.pick(others))
        options = [[b"MATCH", source.pattern()], [b"COUNT", source.pick([b"1", b"2", b"10", b"1000", b"0", b"-1", b"a"])]]
        if key is None:
            options.append([b"TYPE", source.typename()])
        if command == b"HSCAN":
            options.append([b"NOVALUES"])
        if source.random.random() < 0.05:
            options.append([b"foo"])
        for option in source.random.sample(options, source.random.randint(0, len(options))):
            args += option
        return commands(args, check="scan")

    return make
