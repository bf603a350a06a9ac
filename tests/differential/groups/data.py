"""The groups of the commands on data: those that other groups mix with their own."""

from __future__ import annotations

from tests.differential.groups import bitmap, geo, hash, hyperloglog, keys, list, set, sorted_set, string
from tests.differential.groups.group import Group

DATA: tuple[Group, ...] = tuple(
    module.GROUP for module in (string, bitmap, hyperloglog, list, set, sorted_set, geo, hash, keys)
)
