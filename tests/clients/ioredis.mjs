// ioredis: strings to pub/sub and a blocking pop. Argument: the server's port.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.ZIPPY_CLIENTS + "/");
const Redis = require("ioredis");
const port = Number(process.argv[2]);
const r = new Redis(port, "127.0.0.1");

assert.equal(await r.set("a", "1", "EX", 100), "OK");
assert.equal(await r.incrby("a", 41), 42);
assert.deepEqual(await r.mget("a", "none"), ["42", null]);
assert.equal(await r.hset("h", { x: "1", y: "2" }), 2);
assert.deepEqual(await r.hgetall("h"), { x: "1", y: "2" });
await r.rpush("l", 1, 2, 3);
assert.deepEqual(await r.lrange("l", 0, -1), ["1", "2", "3"]);
await r.sadd("s", "m", "n");
assert.deepEqual((await r.smembers("s")).sort(), ["m", "n"]);
await r.zadd("z", 1, "one", 2, "two");
assert.deepEqual(await r.zrange("z", 0, -1, "WITHSCORES"), ["one", "1", "two", "2"]);
assert.deepEqual(await r.getBuffer("a"), Buffer.from("42"));

assert.deepEqual(await r.multi().set("b", 1).incr("b").lpush("b", 1).exec().then((all) => all.map(([error, value]) => error ? "error" : value)), ["OK", 2, "error"]);
const pipeline = r.pipeline();
for (let i = 0; i < 1000; i++) pipeline.incr("n");
assert.equal((await pipeline.exec()).at(-1)[1], 1000);
await assert.rejects(r.lpush("a", 1), /WRONGTYPE/);

const found = new Set();
for await (const keys of r.scanStream({ match: "?", count: 10 })) keys.forEach((key) => found.add(key));
assert.deepEqual([...found].sort(), ["a", "b", "h", "l", "n", "s", "z"]);

const blocked = r.duplicate();
const popped = blocked.blpop("queue", 10);
await new Promise((done) => blocked.once("ready", done));
await r.rpush("queue", "job");
assert.deepEqual(await popped, ["queue", "job"]);
assert.equal(await blocked.blpop("queue", 0.05), null);

const subscriber = r.duplicate();
const heard = new Promise((done) => subscriber.on("pmessage", (...message) => done(message)));
const heardPlainly = new Promise((done) => subscriber.on("message", (...message) => done(message)));
await subscriber.subscribe("news");
await subscriber.psubscribe("n*");
assert.equal(await r.publish("news", "hello"), 2);
assert.deepEqual(await heardPlainly, ["news", "hello"]);
assert.deepEqual(await heard, ["n*", "news", "hello"]);

const watching = r.duplicate();
const monitor = await watching.monitor();
const seen = new Promise((done) => monitor.on("monitor", (time, args) => args[0].toLowerCase() === "get" && done(args)));
await r.get("watched");
assert.deepEqual(await seen, ["get", "watched"]);

for (const client of [blocked, subscriber, watching, monitor, r]) client.disconnect();
console.log("ok");
