"""The cluster group's commands of clients on a server that is no node; what they do on one is held by tests/unit/test_cluster_gate.py."""

from __future__ import annotations

import pytest

from tests.replies import error, wrong_arguments
from tests.resp import RawClient

NO_CLUSTER = error("ERR This instance has cluster support disabled")


class OnNoNode:
    """A command without arguments that wants a cluster."""

    name = ""

    def test_without_a_cluster(self, raw: RawClient) -> None:
        assert raw(self.name) == NO_CLUSTER

    def test_arguments(self, raw: RawClient) -> None:
        assert raw(self.name, "x") == wrong_arguments(self.name.lower())


class TestAsking(OnNoNode):
    name = "ASKING"


class TestReadonly(OnNoNode):
    name = "READONLY"


class TestReadwrite(OnNoNode):
    name = "READWRITE"


@pytest.mark.parametrize("name", ["ASKING", "READONLY", "READWRITE"])
def test_in_scripts(raw: RawClient, name: str) -> None:
    reply = raw("EVAL", f"return redis.pcall('{name}')", 0)
    assert reply == NO_CLUSTER
