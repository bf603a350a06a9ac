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
        ("a*b*c", "axxbyy", False), ("**a", "ba", True), ("a*", "a", True), ("a*b", "ab", True), ("a*ab", "ab", False),
        ("*\\", "a\\", True), ("*\\a", "\\b", False), ("*\\*", "a*", True), ("*[*]", "a*", True), ("*[a", "ba", True), ("*]", "a]", True),
        ("*[a*]b", "a*b", True), ("a*b*", "ac", False), ("*?", "a", True), ("*??", "a", False), ("*[ab]c*", "xbcx", True),
        ("[x*c", "c", True), ("[*c", "d", False), ("a\\b", "ab", True), ("*a*ab", "aab", True), ("*ab*ab", "ab", False),
        ("[^*]*]", "a]", True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern.encode(), text.encode()) is fits


@given(st.text("ab*?", max_size=8), st.text("ab", min_size=1, max_size=8))
def test_stars_and_question_marks(pattern: str, text: str) -> None:
    assert matches(pattern.encode(), text.encode()) == bool(re.fullmatch(fnmatch.translate(pattern), text))


PIECES = {
    "a": "a", "b": "b", "ab": "ab", "*": ".*", "**": ".*", "?": ".", "\\*": "\\*", "\\a": "a", "[ab]": "[ab]", "[^a]": "[^a]", "[*]": "[*]",
    "[]": "(?!)", "[^]": ".", "[\\]b]": "[]b]", "]": "]",
}  # fmt: skip
"""Pieces of patterns, and what they are as regular expressions."""


@given(st.lists(st.sampled_from(list(PIECES)), max_size=8), st.text("ab*]", min_size=1, max_size=10))
def test_all_that_a_pattern_may_have(pieces: list[str], text: str) -> None:
    pattern = "".join(pieces)
    fits = bool(re.fullmatch("".join(PIECES[piece] for piece in pieces), text))
    assert matches(pattern.encode(), text.encode()) == fits
    assert matches(pattern.upper().encode(), text.encode(), True) == fits


def test_what_no_text_can_fit_is_soon_found_out() -> None:
    """Neither a long pattern nor a long text is gone through for each place where it might fit."""
    texts = (b"ab" * 50_000,) * 100
    began = time.process_time()
    for pattern in (b"*a*a*a*a*x", b"*a*a*a*x?", b"*a*a*a*x*", b"*b" + b"a" * 200_000, b"*b" * 10 + b"[x]", b"*" * 1000 + b"x"):
        assert fitting(pattern, texts) == []
    assert time.process_time() - began < 1


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
