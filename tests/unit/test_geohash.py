"""Geohashes and searches, against arithmetic with Python's integers; that Redis's are the same is for the differential tests."""

from __future__ import annotations

from math import asin, cos, inf, isclose, radians, sin, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zippy._core.testing.geohash_shim import Search, bits, distance, is_valid, point, score, text

EDGE = 85.05112878
PARTS = 1 << 26
LONGITUDES = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 179.999999, 0.0, 90.0]))
LATITUDES = st.one_of(st.floats(-EDGE, EDGE), st.sampled_from([-EDGE, EDGE, 0.0, 66.0, -80.0, 85.0]))
POINTS = st.tuples(LONGITUDES, LATITUDES)
SIZES = st.one_of(st.floats(0, 7.8).map(lambda power: 10**power), st.sampled_from([0.0, 2.1e7, inf]))

Point = tuple[float, float]


def interleaved(longitude: int, latitude: int) -> int:
    """The bits of two numbers of parts, latitude's at the even places."""
    return sum((latitude >> i & 1) << 2 * i | (longitude >> i & 1) << (2 * i + 1) for i in range(32))


@given(POINTS)
def test_scores(where: Point) -> None:
    """Two numbers of parts, one bit in turn. The eastern and the northern edge are parts of their own; beside both a double lacks a bit."""
    longitude = int((where[0] + 180) / 360 * PARTS)
    latitude = int((where[1] + EDGE) / (2 * EDGE) * PARTS)
    assert bits(score(where)) == pytest.approx(interleaved(longitude, latitude), rel=1e-15)
    middle = point(score(where))
    assert abs(middle[0] - where[0]) <= 720 / PARTS and abs(middle[1] - where[1]) <= 4 * EDGE / PARTS


@pytest.mark.parametrize(
    ("given_score", "expected"),
    [(0, 0), (1.5, 1), (-5, 2**64 - 5), (-0.5, 0), (1e300, 0), (inf, 0), (-inf, 1 << 63), (-1e300, 1 << 63), (2.0**63, 1 << 63)],
)
def test_scores_of_no_point(given_score: float, expected: int) -> None:
    """Any score is some number, and lies somewhere on the map."""
    assert bits(given_score) == expected
    assert is_valid(point(given_score))


@pytest.mark.parametrize(
    ("where", "valid"),
    [((180, EDGE), True), ((-180, -EDGE), True), ((180.0001, 0), False), ((0, 85.0512), False), ((0, -inf), False), ((inf, 0), False)],
)
def test_limits(where: Point, valid: bool) -> None:
    """The map ends before the poles."""
    assert is_valid(where) == valid


def test_texts() -> None:
    """Ten characters that tell of a point and one that tells nothing."""
    assert text((-5.60302734375, 42.60498046875)) == b"ezs42s00000"
    assert text((10.40743969, 57.649110599)) == b"u4pruydqqv0"


@given(POINTS, POINTS)
def test_distances(a: Point, b: Point) -> None:
    """As the haversine formula has them; both ways the same."""
    half = [sin(radians(y - x) / 2) ** 2 for x, y in zip(a, b, strict=True)]
    haversine = half[1] + cos(radians(a[1])) * cos(radians(b[1])) * half[0]
    if haversine < 0.999:
        assert isclose(distance(a, b), 2 * 6372797.560856 * asin(sqrt(haversine)), rel_tol=1e-6, abs_tol=1e-6)
    assert distance(a, b) == distance(b, a) or haversine > 0.999


@st.composite
def searches(draw: st.DrawFn) -> Search:
    """A circle or a box somewhere."""
    center = draw(POINTS)
    return Search(center, draw(SIZES)) if draw(st.booleans()) else Search(center, 0, draw(SIZES), draw(SIZES))


@given(searches())
def test_areas(search: Search) -> None:
    """Nine cells at most, all of one size, none twice."""
    assert 1 <= len(search.areas) <= 9
    assert len({upper - lower for lower, upper in search.areas}) == 1
    assert len(set(search.areas)) == len(search.areas)


@given(searches(), st.integers(0, 1 << 32))
def test_nothing_is_passed_over(search: Search, seed: int) -> None:
    """From any score on, what a search goes on with is the score itself or behind it, and no point of the shape lies between. Scores are
    drawn everywhere, in the areas, and near the last one."""
    random = Random(seed)
    lower, upper = (int(edge) for edge in random.choice(search.areas))
    scores = [random.randrange(1 << 52) for _ in range(20)] + [random.randrange(lower, upper) for _ in range(20)]
    scores += [(scores[-1] + (1 << shift)) % (1 << 52) for shift in range(52)]
    for one in (int(float(exact)) for exact in scores):
        following = int(search.next(one))
        assert following >= one
        if following == one:
            continue
        for passed_over in (one, (one + following) // 2, following - 1, random.randrange(one, following)):
            assert search.holds(passed_over) is None, passed_over
