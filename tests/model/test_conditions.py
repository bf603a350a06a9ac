"""Conditions on values, digests and INCREX against a model: no server that the tests have knows them all."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from tests.needs import package
from tests.resp import RawClient, Reply

pytestmark = [pytest.mark.zippy_only]
xxhash = package("xxhash")

FAR = 99_999_999_999_999  # ms since the epoch
LOW, HIGH = -(2**63), 2**63 - 1
KEYS = [b"a", b"b", b"c"]
VALUES = [b"", b"x", b"0", b"5", b"-7", b"9223372036854775807", b"1.5", b"v" * 300]
NUMBERS = [0, 1, -1, 3, 100, -100, HIGH, LOW, HIGH - 3]
CONDITIONS = [b"IFEQ", b"IFNE", b"IFDEQ", b"IFDNE"]


def digest(value: bytes) -> bytes:
    """As DIGEST tells it."""
    return bytes(xxhash.xxh3_64_hexdigest(value), "ascii")


def text(number: Fraction) -> bytes:
    """A number of few digits, as it is written."""
    return (f"{float(number):.17f}".rstrip("0").rstrip(".") or "0").encode()


class Model:
    """Strings, and whether each has an expiry."""

    def __init__(self) -> None:
        self.keys: dict[bytes, tuple[bytes, bool]] = {}

    def meets(self, key: bytes, condition: bytes, operand: bytes) -> bool:
        """Whether a condition is true of a key, that may be absent."""
        equal = False
        if key in self.keys:
            value = self.keys[key][0]
            equal = digest(value) == operand.lower() if b"D" in condition else value == operand
        return equal == condition.endswith(b"EQ")

    def set_if(self, key: bytes, value: bytes, condition: bytes, operand: bytes, keeps: bool) -> bool:
        """SET with a condition."""
        if not self.meets(key, condition, operand):
            return False
        self.keys[key] = (value, keeps and self.expires(key))
        return True

    def delete_if(self, key: bytes, condition: bytes, operand: bytes) -> int:
        """DELEX."""
        if key not in self.keys or not self.meets(key, condition, operand):
            return 0
        del self.keys[key]
        return 1

    def expires(self, key: bytes) -> bool:
        """Whether the key has an expiry."""
        return self.keys.get(key, (b"", False))[1]

    def add(self, key: bytes, change: Fraction, bounds: tuple[Fraction, Fraction], saturate: bool, expiry: bytes, floats: bool) -> object:
        """INCREX: its value and change; None: an error."""
        value = self.keys.get(key, (b"0", False))[0]
        try:
            before = Fraction(value.decode()) if floats else Fraction(int(value))
        except ValueError:
            return None
        if not value or value.startswith((b"+", b" ")) or (not floats and str(int(value)).encode() != value):
            return None
        low, high = bounds
        after = min(max(before + change, low), high)
        if after != before + change:
            if not saturate:
                return before, Fraction(0)
            change = after - before
            if not floats and not LOW <= change <= HIGH:
                return None
        expires = {b"": self.expires(key), b"PXAT": True, b"PERSIST": False}[expiry]
        self.keys[key] = (text(after) if floats else b"%d" % after, expires)
        return after, change


class Player:
    """Sends random commands and holds the replies against the model."""

    def __init__(self, raw: RawClient, seed: int) -> None:
        self.raw = raw
        self.random = random.Random(seed)
        self.model = Model()

    def operand(self, condition: bytes) -> bytes:
        """A value or a digest."""
        value = self.random.choice(VALUES)
        return value if b"D" not in condition else self.random.choice([digest(value), digest(value).upper()])

    def set_if(self) -> None:
        """SET with a condition."""
        key, value, condition = self.random.choice(KEYS), self.random.choice(VALUES), self.random.choice(CONDITIONS)
        operand, keeps, get = self.operand(condition), self.random.random() < 0.5, self.random.random() < 0.5
        before = self.model.keys.get(key)
        words = [b"SET", key, value, condition, operand, *([b"KEEPTTL"] if keeps else []), *([b"GET"] if get else [])]
        done = self.model.set_if(key, value, condition, operand, keeps)
        expected: object = b"OK" if done else None
        if get:
            expected = before[0] if before else None
        assert self.raw(*words).value == expected, words

    def delete_if(self) -> None:
        """DELEX and DELIFEQ."""
        key, condition = self.random.choice(KEYS), self.random.choice(CONDITIONS)
        operand = self.operand(condition)
        words = [b"DELEX", key, condition, operand]
        if condition == b"IFEQ" and self.random.random() < 0.5:
            words = [b"DELIFEQ", key, operand]
        assert self.raw(*words).value == self.model.delete_if(key, condition, operand), words

    def add(self) -> None:
        """INCREX."""
        key = self.random.choice(KEYS)
        # a fraction beside a large integer is more than a long double holds
        floats = self.random.random() < 0.4 and len(self.model.keys.get(key, (b"", False))[0]) < 10
        numbers = [Fraction(n, 4) for n in range(-9, 10)] if floats else [Fraction(n) for n in NUMBERS]
        change = self.random.choice(numbers)
        bounds = sorted(self.random.choice(numbers) for _ in range(2))
        limit = Fraction(10**30) if floats else Fraction(HIGH)
        low = bounds[0] if self.random.random() < 0.5 else -limit - (not floats)
        high = bounds[1] if self.random.random() < 0.5 else limit
        saturate = self.random.random() < 0.5
        expiry = self.random.choice([b"", b"PXAT", b"PERSIST"])
        words = [b"BYFLOAT" if floats else b"BYINT", text(change) if floats else b"%d" % change]
        words += [b"LBOUND", text(low) if floats else b"%d" % low] if low == bounds[0] else []
        words += [b"UBOUND", text(high) if floats else b"%d" % high] if high == bounds[1] else []
        words += [b"SATURATE"] if saturate else []
        words += {b"": [], b"PXAT": [b"PXAT", b"%d" % FAR], b"PERSIST": [b"PERSIST"]}[expiry]
        expected = self.model.add(key, change, (low, high), saturate, expiry, floats)
        reply = self.raw(b"INCREX", key, *words)
        if expected is None:
            assert reply.kind == "-", words
        else:
            assert tuple(Fraction(str(part if isinstance(part, int) else part.decode())) for part in reply.plain()) == expected, words

    def look(self) -> None:
        """The keys as they are."""
        for key in KEYS:
            value, expires = self.model.keys.get(key, (None, False))
            assert self.raw("GET", key).value == value
            assert self.raw("DIGEST", key).value == (None if value is None else digest(value))
            assert self.raw("PEXPIRETIME", key) == Reply(":", -2 if value is None else FAR if expires else -1)


@pytest.mark.parametrize("seed", range(20))
def test_any_commands(raw: RawClient, seed: int) -> None:
    """Replies, values, digests and expiries are the model's."""
    player = Player(raw, seed)
    for _ in range(100):
        player.random.choice([player.set_if, player.set_if, player.delete_if, player.add, player.add])()
        player.look()
