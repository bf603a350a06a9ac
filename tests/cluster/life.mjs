// A client of a cluster that writes all the time, by a line on its input holds what is there against it, and tells what went wrong.
// Arguments: ioredis or node-redis, a node's port. What it does and tells is described in life.py.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as pass } from "node:timers/promises";

const require = createRequire(process.env.ZIPPY_CLIENTS + "/");
const [, , kind, port] = process.argv;

function ioredis() {
  const { Cluster } = require("ioredis");
  const client = new Cluster([{ host: "127.0.0.1", port: Number(port) }], { slotsRefreshTimeout: 20000 });
  client.on("error", () => {});
  return { set: (key, value) => client.set(key, value), get: (key) => client.get(key), end: () => client.disconnect() };
}

async function nodeRedis() {
  const { createCluster } = require("redis");
  const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] });
  client.on("error", () => {});
  await client.connect();
  return { set: (key, value) => client.set(key, String(value)), get: (key) => client.get(key), end: () => client.destroy() };
}

const client = await { ioredis, "node-redis": nodeRedis }[kind]();
const sure = new Map(), unsure = new Map();
let errors = [], writes = 0;

async function write() {
  const key = `${kind}:${writes % 300}`, number = ++writes;
  try {
    await client.set(key, number);
    sure.set(key, number);
  } catch (error) {
    unsure.set(key, [...(unsure.get(key) ?? []), number]);
    errors.push(String(error.message ?? error));
    await pass(50);
  }
  await pass(1);
}

async function check() {
  const wrong = [];
  for (const [key, number] of sure) {
    const found = Number(await client.get(key));
    if (found !== number && !(found > number && unsure.get(key)?.includes(found))) wrong.push([key, number, found]);
  }
  console.log(JSON.stringify({ writes, errors, wrong }));
  errors = [];
}

const asked = [];
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => asked.push(line));
let ended = false;
lines.on("close", () => (ended = true));
while (!ended) {
  await write();
  while (asked.length) {
    const word = asked.shift();
    await (word === "check" ? check() : console.log(JSON.stringify({ writes, errors })));
  }
}
client.end();
process.exit(0);
