// node-redis, which opens with HELLO and CLIENT SETINFO: strings to pub/sub and a blocking pop, in both protocols. Argument: the server's port.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.ZIPPY_CLIENTS + "/");
const { createClient } = require("redis");
const url = `redis://127.0.0.1:${process.argv[2]}`;

for (const RESP of [2, 3]) {
    const r = await createClient({ url, RESP, name: "tester" }).connect();
    await r.flushAll();
    const info = await r.sendCommand(["CLIENT", "INFO"]);
    assert.match(String(info), /name=tester.*lib-name=node-redis/);
    assert.match(String(info), new RegExp(`resp=${RESP}`));

    assert.equal(await r.set("a", "1", { EX: 100 }), "OK");
    assert.equal(await r.incrBy("a", 41), 42);
    assert.deepEqual(await r.mGet(["a", "none"]), ["42", null]);
    assert.equal(await r.hSet("h", { x: "1", y: "2" }), 2);
    assert.deepEqual({ ...(await r.hGetAll("h")) }, { x: "1", y: "2" });
    await r.rPush("l", ["1", "2", "3"]);
    assert.deepEqual(await r.lRange("l", 0, -1), ["1", "2", "3"]);
    await r.sAdd("s", ["m", "n"]);
    assert.deepEqual([...(await r.sMembers("s"))].sort(), ["m", "n"]);
    await r.zAdd("z", [{ score: 1, value: "one" }, { score: 2.5, value: "two" }]);
    assert.deepEqual(await r.zRangeWithScores("z", 0, -1), [{ value: "one", score: 1 }, { value: "two", score: 2.5 }]);

    assert.deepEqual(await r.multi().set("b", "1").incr("b").exec(), ["OK", 2]);
    assert.equal((await Promise.all(Array.from({ length: 1000 }, () => r.incr("n")))).at(-1), 1000);
    await assert.rejects(r.lPush("a", "1"), /WRONGTYPE/);
    await r.watch("b");
    const other = await r.duplicate().connect();
    await other.set("b", "theirs");
    await assert.rejects(r.multi().set("b", "ours").exec(), /watched keys/i);

    const found = new Set();
    for await (const keys of r.scanIterator({ MATCH: "?", COUNT: 10 })) keys.forEach((key) => found.add(key));
    assert.deepEqual([...found].sort(), ["a", "b", "h", "l", "n", "s", "z"]);

    const popped = other.blPop("queue", 10);
    await r.rPush("queue", "job");
    assert.deepEqual({ ...(await popped) }, { key: "queue", element: "job" });
    assert.equal(await other.blPop("queue", 0.05), null);

    const subscriber = await r.duplicate().connect();
    const heard = [];
    const done = new Promise((resolve) => {
        const listener = (message, channel) => heard.push([channel, message]) === 3 && resolve();
        subscriber.subscribe("news", listener).then(() => subscriber.pSubscribe("n*", listener)).then(() => subscriber.sSubscribe("shard", listener))
            .then(() => r.publish("news", "hello")).then((count) => assert.equal(count, 2)).then(() => r.sPublish("shard", "there"));
    });
    await done;
    assert.deepEqual(heard.sort(), [["news", "hello"], ["news", "hello"], ["shard", "there"]]);
    await subscriber.unsubscribe("news");
    await subscriber.pUnsubscribe("n*");
    await subscriber.sUnsubscribe("shard");
    assert.equal(String(await subscriber.ping()), "PONG");

    for (const client of [subscriber, other, r]) await client.close();
}
console.log("ok");
