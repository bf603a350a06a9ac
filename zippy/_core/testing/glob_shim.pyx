"""Glob patterns, for tests."""

from zippy._core.ground.glob cimport glob_match
from zippy._core.ground.slice cimport slice_of


def match(bytes pattern, bytes text, bint ignore_case=False):
    """Whether the whole text fits the pattern."""
    return glob_match(slice_of(<const char*>pattern, len(pattern)), slice_of(<const char*>text, len(text)), ignore_case)
