"""The hash and the random source: repeatable, keyed, evenly spread."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zippy._core.testing.hash_shim import Source, hash_of, seed_hash


@pytest.fixture
def seeded():
    """A known seed; another one is as good for whoever hashes later, since no table outlives its test."""
    seed_hash(42)
    yield
    seed_hash(0)


def even(counts, draws):
    """Whether the counts of equally likely outcomes are within five standard deviations of chi-square's mean."""
    expected = draws / len(counts)
    freedom = len(counts) - 1
    return sum((n - expected) ** 2 / expected for n in counts) < freedom + 5 * (2 * freedom) ** 0.5


class TestHash:
    @given(st.binary(max_size=200))
    def test_only_the_bytes_count(self, key):
        assert hash_of(key) == hash_of(bytes(bytearray(key)))

    def test_every_length_and_every_byte_matters(self, seeded):
        seen = set()
        keys = 0
        for size in range(80):
            key = bytearray(size)
            for i, bit in itertools.product(range(size), range(8)):
                key[i] ^= 1 << bit
                seen.add(hash_of(bytes(key)))
                key[i] ^= 1 << bit
                keys += 1
            seen.add(hash_of(bytes(key)))
            keys += 1
        assert len(seen) == keys

    def test_the_seed_matters(self, seeded):
        keys = [b"x" * n for n in range(60)]
        before = [hash_of(key) for key in keys]
        seed_hash(43)
        assert all(a != hash_of(key) for a, key in zip(before, keys, strict=True))
        seed_hash(42)
        assert before == [hash_of(key) for key in keys]

    @pytest.mark.parametrize("form", [b"%d", b"key:%012d", b"user:{%d}:profile:settings:dark"])
    def test_low_bits_and_top_byte_are_even(self, seeded, form):
        """The table takes its bucket from the low bits and its tag from the top byte."""
        low, top, pair = [0] * 256, [0] * 256, [0] * 256
        for n in range(50000):
            h = hash_of(form % n)
            low[h & 255] += 1
            top[h >> 56] += 1
            pair[(h & 15) << 4 | h >> 60] += 1
        assert even(low, 50000) and even(top, 50000) and even(pair, 50000)

    def test_a_flipped_bit_flips_half_of_the_hash(self, seeded):
        for size in (1, 3, 4, 7, 8, 15, 16, 17, 33):
            flips = 0
            for i, bit in itertools.product(range(size), range(8)):
                key = bytearray(b"q" * size)
                plain = hash_of(bytes(key))
                key[i] ^= 1 << bit
                flips += (plain ^ hash_of(bytes(key))).bit_count()
            assert 26 < flips / (size * 8) < 38


class TestRandom:
    def test_xoshiro_by_its_definition(self):
        source = Source(7)
        state = source.state
        mask = 2**64 - 1

        def rotate(x, k):
            return (x << k | x >> (64 - k)) & mask

        for _ in range(100):
            assert source.next() == rotate(state[1] * 5 & mask, 7) * 9 & mask
            t = state[1] << 17 & mask
            state[2] ^= state[0]
            state[3] ^= state[1]
            state[1] ^= state[2]
            state[0] ^= state[3]
            state[2] ^= t
            state[3] = rotate(state[3], 45)
        assert source.state == state

    def test_repeats_with_its_seed(self):
        one, same, other = Source(1), Source(1), Source(2)
        words = [one.next() for _ in range(50)]
        assert words == [same.next() for _ in range(50)] != [other.next() for _ in range(50)]

    @given(st.integers(1, 2**64 - 1), st.integers(0, 2**64 - 1))
    def test_below_its_bound(self, bound, seed):
        assert Source(seed).below(bound) < bound

    @pytest.mark.parametrize("bound", [1, 2, 3, 7, 100])
    def test_below_is_even(self, bound):
        source = Source(bound)
        counts = [0] * bound
        for _ in range(20000):
            counts[source.below(bound)] += 1
        assert bound == 1 or even(counts, 20000)

    def test_below_three_quarters_of_the_range_is_not_biased(self):
        """Without rejection the lower third would be twice as likely as the rest."""
        source = Source(3)
        bound = 3 << 62
        assert even([sum(source.below(bound) < 1 << 62 for _ in range(9000)), 3000, 3000], 9000)

    def test_unit(self):
        source = Source(4)
        values = [source.unit() for _ in range(10000)]
        assert all(0 <= v < 1 for v in values)
        assert 0.48 < sum(values) / len(values) < 0.52
