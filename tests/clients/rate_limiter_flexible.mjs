// rate-limiter-flexible, over both of node's clients. Argument: the server's port.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.ZIPPY_CLIENTS + "/");
const Redis = require("ioredis");
const { createClient } = require("redis");
const { BurstyRateLimiter, RateLimiterRedis } = require("rate-limiter-flexible");

const port = Number(process.argv[2]);
const stores = [new Redis(port, "127.0.0.1"), await createClient({ url: `redis://127.0.0.1:${port}` }).connect()];
for (const [place, storeClient] of stores.entries()) {
    const make = (options) => new RateLimiterRedis({ storeClient, useRedisPackage: place === 1, ...options });
    const limiter = make({ keyPrefix: `rl${place}`, points: 5, duration: 100 });
    for (let left = 4; left >= 0; left--) assert.equal((await limiter.consume("user")).remainingPoints, left);
    await assert.rejects(limiter.consume("user"), (refused) => refused.remainingPoints === 0 && refused.msBeforeNext > 90000);
    assert.equal((await limiter.get("user")).consumedPoints, 6);
    assert.equal((await limiter.reward("user", 3)).consumedPoints, 3);
    assert.equal((await limiter.penalty("user", 1)).consumedPoints, 4);
    await limiter.block("user", 1000);
    await assert.rejects(limiter.consume("user"), (refused) => refused.msBeforeNext > 900000);
    assert.equal(await limiter.delete("user"), true);
    const window = make({ keyPrefix: `w${place}`, points: 1, duration: 100, blockDuration: 300 });
    await window.consume("user");
    await assert.rejects(window.consume("user"), (refused) => refused.msBeforeNext > 290000);
    const bursts = new BurstyRateLimiter(make({ keyPrefix: `a${place}`, points: 1, duration: 100 }), make({ keyPrefix: `b${place}`, points: 2, duration: 200 }));
    for (let i = 0; i < 3; i++) await bursts.consume("user");
    await assert.rejects(bursts.consume("user"));
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => make({ keyPrefix: `c${place}`, points: 20, duration: 100 }).consume("user")));
    assert.equal(all.filter(({ status }) => status === "fulfilled").length, 20);
}
await stores[0].quit();
stores[1].destroy();
console.log("ok");
