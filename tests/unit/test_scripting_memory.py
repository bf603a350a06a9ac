"""Want of memory while Lua is opened: whichever block is missing, the client is told, and the next script finds all as it should be."""

from __future__ import annotations

import pytest

from zippy._core.testing.engine_shim import RecordingEngine
from zippy._core.testing.mem_shim import DEBUG, fail_allocations, failures

pytestmark = pytest.mark.skipif(not DEBUG, reason="only a debug build can make the allocator fail")

FOREVER = 1 << 40


@pytest.mark.parametrize("most", [1, FOREVER])
def test_opening(most: int) -> None:
    calls = 0
    while True:
        engine = RecordingEngine()
        fail_allocations(calls, most)
        reply = engine.call("EVAL", "return 1", 0)[0]
        failed = failures()
        fail_allocations(0, 0)
        if engine.reply_failed:
            # the server would have closed it
            engine.reconnect()
        assert engine.call("EVAL", "return 1", 0)[0] == b":1\r\n"
        assert engine.close() == 0
        if not failed:
            break
        assert reply == b":1\r\n" or b"memory" in reply or not reply
        # the steps grow, so that the beginning is looked at closely
        calls += 1 + calls // 20
    assert calls > 100
