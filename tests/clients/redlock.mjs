// Redlock of node, whose scripts hold one lock over several names. Argument: the server's port.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.ZIPPY_CLIENTS + "/");
const Redis = require("ioredis");
const { default: Redlock, ExecutionError } = require("redlock");
const client = new Redis(Number(process.argv[2]), "127.0.0.1");
const redlock = new Redlock([client], { retryCount: 0 });

let lock = await redlock.acquire(["a", "b"], 50000);
await assert.rejects(redlock.acquire(["b"], 50000), ExecutionError);
lock = await lock.extend(200000);
assert.ok((await client.pttl("a")) > 100000);
await lock.release();
assert.equal(await client.exists("a", "b"), 0);
await assert.rejects(lock.release(), ExecutionError);

// one at a time, though all want it
const patient = new Redlock([client], { retryCount: -1, retryDelay: 5, retryJitter: 5 });
let inside = 0;
let total = 0;
await Promise.all(Array.from({ length: 20 }, () => patient.using(["c"], 50000, async () => {
    assert.equal(++inside, 1);
    total++;
    await new Promise((done) => setTimeout(done, 2));
    inside--;
})));
assert.equal(total, 20);
await client.quit();
console.log("ok");
