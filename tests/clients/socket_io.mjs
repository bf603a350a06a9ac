// socket.io's adapter for Redis streams: two servers that tell each other by a stream. Argument: the server's port.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(process.env.ZIPPY_CLIENTS + "/");
const { createAdapter } = require("@socket.io/redis-streams-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");
const connect = require("socket.io-client").io;

const url = `redis://127.0.0.1:${process.argv[2]}`;
const connections = [];
const servers = [];
for (let i = 0; i < 2; i++) {
    const connection = await createClient({ url }).connect();
    connections.push(connection);
    const adapter = createAdapter(connection, { streamName: "socket.io", readCount: 10, maxLen: 1000 });
    servers.push(new Server(0, { adapter, connectionStateRecovery: {} }));
}
servers.forEach((server) => server.on("connection", (socket) => socket.join("room")));
const clients = servers.map((server) => connect(`http://127.0.0.1:${server.httpServer.address().port}`, { transports: ["websocket"] }));
await Promise.all(clients.map((client) => once(client, "connect")));

// each server knows the other's sockets
while ((await servers[0].fetchSockets()).length < 2) await new Promise((done) => setTimeout(done, 20));
assert.equal((await servers[1].in("room").fetchSockets()).length, 2);

// what one sends arrives at clients of the other, in order
const heard = clients.map((client) => {
    const numbers = [];
    const all = new Promise((done) => client.on("number", (number) => numbers.push(number) === 100 && done()));
    return { numbers, all };
});
for (let number = 0; number < 100; number++) servers[0].to("room").emit("number", number);
await Promise.all(heard.map(({ all }) => all));
for (const { numbers } of heard) assert.deepEqual(numbers, Array.from({ length: 100 }, (_, number) => number));

// what a client that lost its connection did not hear is read from the stream
const [, lost] = clients;
const missed = new Promise((done) => lost.on("missed", done));
const disconnected = once(lost, "disconnect");
lost.io.engine.close();
await disconnected;
servers[0].emit("missed", "while you were away");
await once(lost, "connect");
assert.equal(lost.recovered, true);
assert.equal(await missed, "while you were away");

clients.forEach((client) => client.close());
await Promise.all(servers.map((server) => server.close()));
await Promise.all(connections.map((connection) => connection.destroy()));
console.log("ok");
process.exit(0);
