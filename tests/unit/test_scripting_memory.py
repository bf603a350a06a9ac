"""Want of memory in Lua: whichever block is missing, the client is told, and the next script finds all as it should be."""

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


def test_scripts_that_cannot_be_kept() -> None:
    """Whatever Lua's registry looks like, what was compiled is given back without memory: an error there would end the process."""
    engine = RecordingEngine()
    refused = 0
    for kept in range(80):
        assert engine.call("SCRIPT", "LOAD", f"return {kept}")[0].startswith(b"$40")
        for calls in range(1000):
            fail_allocations(calls, FOREVER)
            reply = engine.call("EVAL", f"return 1000+{kept}", 0)[0]
            failed = failures()
            fail_allocations(0, 0)
            if engine.reply_failed:
                engine.reconnect()
            if not failed:
                break
            refused += b"memory" in reply
        assert reply == b":%d\r\n" % (1000 + kept)
    assert refused
    assert engine.close() == 0
