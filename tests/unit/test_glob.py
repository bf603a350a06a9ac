"""Glob patterns against what a real Redis answered to KEYS."""

from __future__ import annotations

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zippy._core.ground.glob import fitting


def matches(pattern: bytes, text: bytes, ignore_case: bool = False) -> bool:
    """Whether the whole text fits the pattern."""
    return fitting(pattern, (text,), ignore_case) == [text]


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "anything", True), ("*", "", False), ("", "", True), ("", "a", False), ("h?llo", "hello", True), ("h?llo", "hllo", False),
        ("h[ae]llo", "hallo", True), ("h[^e]llo", "hello", False), ("h[a-b]llo", "hbllo", True), ("[z-a]", "m", True), ("[", "[", False),
        ("\\*", "*", True), ("\\*", "a", False), ("a\\", "a\\", True), ("[\\]]", "]", True), ("a*b*c", "axxbyyc", True),
        ("a*b*c", "axxbyy", False), ("**a", "ba", True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern.encode(), text.encode()) is fits


@given(st.text("ab*?", max_size=8), st.text("ab", min_size=1, max_size=8))
def test_stars_and_question_marks(pattern: str, text: str) -> None:
    assert matches(pattern.encode(), text.encode()) == bool(re.fullmatch(fnmatch.translate(pattern), text))


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_any_pattern_ends(pattern: bytes, text: bytes) -> None:
    matches(pattern, text, True)


def test_letter_case() -> None:
    assert matches(b"HE[L-M]lo", b"hello", True)
    assert not matches(b"HELLO", b"hello")


def test_many_stars_take_polynomial_time() -> None:
    began = time.process_time()
    assert not matches(b"a*" * 60 + b"b", b"a" * 5000)
    assert time.process_time() - began < 5
