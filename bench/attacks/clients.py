"""Attacks by what a client sends and how, whatever is stored."""

from __future__ import annotations

import time

from bench.attacks.attacker import Attack, Act, Attacker, Ground, many, sized, words, sent
from bench.wire import request


def nothing(attacker: Attacker) -> Act:
    """The machine's part."""
    return lambda: time.sleep(0.5)


CLIENTS = Ground("nothing", lambda attacker: None, (
    Attack("nothing", nothing),
    Attack("pipeline of 100,000 SET", sent(*(request("SET", f"work", i) for i in range(100_000)))),
    Attack("EXISTS of many keys", sized(lambda size: ("EXISTS", *many("key", size // 10)))),
))
