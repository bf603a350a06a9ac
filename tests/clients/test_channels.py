"""channels_redis: Django's channel layer, which sends to groups and drops what is beyond a channel's capacity by scripts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

from tests.needs import needs_command, needs_package

needs_package("channels_redis")


@pytest.fixture
def layers(url: str) -> list[Any]:
    """Two layers, as two processes have them."""
    from channels_redis.core import RedisChannelLayer

    with redis.Redis.from_url(url) as client:
        needs_command(client, "EVAL", "channels_redis")
    return [RedisChannelLayer(hosts=[url], capacity=5, group_expiry=100) for _ in range(2)]


def test_layers(layers: list[Any]) -> None:
    """What is sent arrives, in order; so does what is sent to a group, at all who are in it; a full channel refuses."""
    from channels.exceptions import ChannelFull

    async def body() -> None:
        one, two = layers
        for number in range(3):
            await one.send("plain", {"type": "number", "number": number})
        assert [(await two.receive("plain"))["number"] for _ in range(3)] == [0, 1, 2]
        names = [await layer.new_channel() for layer in layers for _ in range(3)]
        for name in names:
            await one.group_add("group", name)
        await two.group_discard("group", names[1])
        await one.group_send("group", {"type": "word", "word": "hello"})
        for place in (0, 2, 3, 4, 5):
            assert (await layers[place // 3].receive(names[place]))["word"] == "hello"
        for _ in range(5):
            await one.send("full", {"type": "x"})
        with pytest.raises(ChannelFull):
            await one.send("full", {"type": "x"})
        for _ in range(20):
            await two.group_send("group", {"type": "word", "word": "again"})
        assert (await one.receive(names[0]))["word"] == "again"
        for layer in layers:
            await layer.flush()
            await layer.close_pools()

    asyncio.run(asyncio.wait_for(body(), 60))


def test_pubsub_layer(url: str, layers: list[Any]) -> None:
    """The layer over pub/sub, which needs no script."""
    from channels_redis.pubsub import RedisPubSubChannelLayer

    async def body() -> None:
        layer = RedisPubSubChannelLayer(hosts=[url])
        name = await layer.new_channel()
        await layer.group_add("group", name)
        await layer.group_send("group", {"type": "word", "word": "hello"})
        assert (await layer.receive(name))["word"] == "hello"
        await layer.flush()

    asyncio.run(asyncio.wait_for(body(), 60))
