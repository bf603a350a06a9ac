"""Expiry of keys under a set clock, against a model: each step moves the clock to just before, onto and just past the moments
at which keys end, which no test against a running clock can do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.resp import RawClient, Reply
from tests.waiting import wait_until

START_MS = 1_800_000_000_000
KEYS = [b"a", b"b", b"c", b"d"]

pytestmark = [pytest.mark.zippy_only, pytest.mark.socket_only]


class Model:
    """Keys with values and the ms since the epoch at which they end. A key lives until the clock is past its end."""

    def __init__(self) -> None:
        self.now = START_MS
        self.keys: dict[bytes, tuple[bytes, int | None]] = {}

    def live(self, key: bytes) -> tuple[bytes, int | None] | None:
        """The value and end of a key that has not ended."""
        found = self.keys.get(key)
        if found is not None and found[1] is not None and self.now > found[1]:
            del self.keys[key]
            return None
        return found

    def put(self, key: bytes, value: bytes, end: int | None) -> None:
        """Set a key; an end that is not in the future means that it is not there at all."""
        if end is not None and end <= self.now:
            self.keys.pop(key, None)
        else:
            self.keys[key] = (value, end)

    def expire(self, key: bytes, end: int, condition: bytes | None) -> int:
        """EXPIRE and its like: 1 when the end was set (or the key deleted), 0 when not."""
        found = self.live(key)
        if found is None:
            return 0
        value, old = found
        if (
            (condition == b"NX" and old is not None)
            or (condition == b"XX" and old is None)
            or (condition == b"GT" and (old is None or end <= old))
            or (condition == b"LT" and old is not None and end >= old)
        ):
            return 0
        self.put(key, value, end)
        return 1

    def end_reply(self, key: bytes, relative: bool, ms: bool) -> int:
        """TTL, PTTL, EXPIRETIME and PEXPIRETIME: seconds are rounded half up."""
        found = self.live(key)
        if found is None:
            return -2
        if found[1] is None:
            return -1
        number = max(found[1] - (self.now if relative else 0), 0)
        return number if ms else (number + 500) // 1000


class Driver:
    """Draws steps, does each on the model and the server, and compares."""

    def __init__(self, client: RawClient, seed: int) -> None:
        self.client = client
        self.random = random.Random(seed)
        self.model = Model()
        self.history: list[str] = []
        self.set_clock()

    def set_clock(self) -> None:
        """Bring the server's clock to the model's."""
        self.ask(Reply("+", b"OK"), b"DEBUG", b"SET-CLOCK", b"%d" % (self.model.now * 1000))

    def ask(self, expected: Reply, *args: bytes) -> None:
        """Send a command whose reply is known."""
        self.history.append(b" ".join(args).decode())
        reply = self.client(*args)
        assert reply == expected, f"{reply} is not {expected} after\n" + "\n".join(self.history[-25:])

    def step(self) -> None:
        """One random step."""
        often = [self.set, self.expire, self.ends, self.advance]
        seldom = [self.get, self.persist, self.getex, self.keeping, self.rename, self.copy, self.delete, self.exists]
        self.random.choice([*often, *often, *seldom])()

    def key(self) -> bytes:
        """One of a few keys."""
        return self.random.choice(KEYS)

    def duration(self) -> int:
        """A time to live in ms, on both sides of a rounding edge."""
        return self.random.choice([1, 2, 499, 500, 501, 999, 1000, 1001, 1499, 1500, 2000, 60_000, 86_400_000])

    def advance(self) -> None:
        """Move the clock a little, or to a moment around some key's end."""
        ends = [end for _, end in self.model.keys.values() if end is not None]
        if ends and self.random.random() < 0.7:
            self.model.now = max(self.model.now, self.random.choice(ends) + self.random.choice([-1, 0, 1]))
        else:
            self.model.now += self.random.choice([0, 1, 10, 500, 1000])
        self.set_clock()

    def end_option(self) -> tuple[list[bytes], int]:
        """EX, PX, EXAT or PXAT with its number, and the end in ms."""
        duration = self.duration()
        end_s = (self.model.now + duration) // 1000 + 1
        return self.random.choice(
            [
                ([b"PX", b"%d" % duration], self.model.now + duration),
                ([b"EX", b"%d" % (duration // 1000 + 1)], self.model.now + (duration // 1000 + 1) * 1000),
                ([b"PXAT", b"%d" % (self.model.now + duration)], self.model.now + duration),
                ([b"EXAT", b"%d" % end_s], end_s * 1000),
            ]
        )

    def set(self) -> None:
        """SET with an end, without, or with KEEPTTL."""
        key = self.key()
        value = b"%d" % self.random.randint(0, 99)
        options, end = self.random.choice([self.end_option(), ([], None), ([b"KEEPTTL"], None)])
        if options == [b"KEEPTTL"]:
            found = self.model.live(key)
            end = found[1] if found else None
            self.model.keys[key] = (value, end)
        else:
            self.model.put(key, value, end)
        self.ask(Reply("+", b"OK"), b"SET", key, value, *options)

    def expire(self) -> None:
        """EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT, with conditions, now and then into the past."""
        key = self.key()
        duration = self.random.choice([self.duration(), self.duration(), 0, -1, -5000])
        found = self.model.live(key)
        if found and found[1] is not None and self.random.random() < 0.3:
            duration = found[1] - self.model.now
        condition = self.random.choice([None, None, b"NX", b"XX", b"GT", b"LT"])
        if self.random.random() < 0.6:
            end = self.model.now + duration
            args = self.random.choice([(b"PEXPIRE", duration), (b"PEXPIREAT", end)])
        else:
            seconds = duration // 1000
            end_s = (self.model.now + duration) // 1000
            args, end = self.random.choice([((b"EXPIRE", seconds), self.model.now + seconds * 1000), ((b"EXPIREAT", end_s), end_s * 1000)])
        expected = self.model.expire(key, end, condition)
        self.ask(Reply(":", expected), args[0], key, b"%d" % args[1], *([condition] if condition else []))

    def ends(self) -> None:
        """When a key ends, in all four forms."""
        key = self.key()
        for name, relative, ms in (
            (b"TTL", True, False),
            (b"PTTL", True, True),
            (b"EXPIRETIME", False, False),
            (b"PEXPIRETIME", False, True),
        ):
            self.ask(Reply(":", self.model.end_reply(key, relative, ms)), name, key)

    def get(self) -> None:
        """GET."""
        key = self.key()
        self.ask(self.value(key), b"GET", key)

    def value(self, key: bytes) -> Reply:
        """What GET replies."""
        found = self.model.live(key)
        return Reply("$-1", None) if found is None else Reply("$", found[0])

    def persist(self) -> None:
        """PERSIST."""
        key = self.key()
        found = self.model.live(key)
        lasting = found is not None and found[1] is not None
        if found is not None:
            self.model.keys[key] = (found[0], None)
        self.ask(Reply(":", int(lasting)), b"PERSIST", key)

    def getex(self) -> None:
        """GETEX with an end, with PERSIST, or with neither."""
        key = self.key()
        expected = self.value(key)
        found = self.model.live(key)
        options, end = self.random.choice([self.end_option(), ([b"PERSIST"], None), ([], -1)])
        if found is not None and end != -1:
            self.model.put(key, found[0], end)
        self.ask(expected, b"GETEX", key, *options)

    def keeping(self) -> None:
        """Commands that change a value and keep its end; a key that has ended counts as absent."""
        key = self.key()
        found = self.model.live(key)
        number = int(found[0]) + 1 if found else 1
        self.model.keys[key] = (b"%d" % number, found[1] if found else None)
        self.ask(Reply(":", number), b"INCR", key)

    def rename(self) -> None:
        """RENAME takes the end along."""
        key, to = self.random.sample(KEYS, 2)
        found = self.model.live(key)
        if found is None:
            self.ask(Reply("-", b"ERR no such key"), b"RENAME", key, to)
            return
        del self.model.keys[key]
        self.model.keys[to] = found
        self.ask(Reply("+", b"OK"), b"RENAME", key, to)

    def copy(self) -> None:
        """COPY takes the end along; a target that has ended is no obstacle."""
        key, to = self.random.sample(KEYS, 2)
        found, other = self.model.live(key), self.model.live(to)
        copied = found is not None and other is None
        if found is not None and copied:
            self.model.keys[to] = found
        self.ask(Reply(":", int(copied)), b"COPY", key, to)

    def delete(self) -> None:
        """DEL counts no key that has ended."""
        key = self.key()
        was = self.model.live(key) is not None
        self.model.keys.pop(key, None)
        self.ask(Reply(":", int(was)), b"DEL", key)

    def exists(self) -> None:
        """EXISTS and KEYS show no key that has ended."""
        self.ask(Reply(":", sum(self.model.live(key) is not None for key in KEYS)), b"EXISTS", *KEYS)
        found = self.client(b"KEYS", b"*")
        assert {item.value for item in found.value} == {key for key in KEYS if self.model.live(key)}, "\n".join(self.history[-25:])


@pytest.fixture
def still(raw: RawClient) -> Iterator[RawClient]:
    """A connection to a server whose clock is set, and let go afterwards."""
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    yield raw
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    raw("DEBUG", "SET-CLOCK", 0)


@pytest.mark.parametrize("seed", range(12))
def test_keys_end_as_in_the_model(still: RawClient, seed: int) -> None:
    """Random commands and moments."""
    driver = Driver(still, seed)
    for _ in range(250):
        driver.step()


def test_active_expiry_removes_what_nobody_asks_for(still: RawClient) -> None:
    """With active expiry on, ended keys leave DBSIZE although no command touches them."""
    still("DEBUG", "SET-CLOCK", START_MS * 1000)
    for number in range(200):
        still("SET", f"key:{number}", "v", "PX", 1000 + number % 2 * 10_000)
    still("DEBUG", "SET-CLOCK", (START_MS + 2000) * 1000)
    assert still("DBSIZE") == Reply(":", 200)
    still("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    wait_until(lambda: still("DBSIZE") == Reply(":", 100))
