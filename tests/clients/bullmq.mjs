// BullMQ: all its kinds of jobs, each command of it a script. Argument: the server's port.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.ZIPPY_CLIENTS + "/");
const { DelayedError, FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } = require("bullmq");
const connection = { host: "127.0.0.1", port: Number(process.argv[2]), maxRetriesPerRequest: null };
const closing = [];
const opened = (thing) => (closing.push(thing), thing);
const queueOf = (name) => opened(new Queue(name, { connection }));
const workerOf = (name, work, options = {}) => opened(new Worker(name, work, { connection, ...options }));
const eventsOf = async (name) => {
    const events = opened(new QueueEvents(name, { connection }));
    await events.waitUntilReady();
    return events;
};
const until = async (condition) => {
    while (!(await condition())) await new Promise((done) => setTimeout(done, 10));
};

// many jobs, their results, and what is kept of them
{
    const queue = queueOf("plain");
    const events = await eventsOf("plain");
    workerOf("plain", async (job) => job.data.n * 2, { concurrency: 8 });
    const jobs = await queue.addBulk(Array.from({ length: 200 }, (_, n) => ({ name: "double", data: { n } })));
    const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20000)));
    assert.deepEqual(results, Array.from({ length: 200 }, (_, n) => 2 * n));
    assert.equal(await queue.getCompletedCount(), 200);
    const kept = await queue.add("double", { n: 1 }, { removeOnComplete: { count: 10 } });
    await kept.waitUntilFinished(events, 20000);
    assert.equal(await queue.getCompletedCount(), 10);
    const gone = await queue.add("double", { n: 1 }, { jobId: "same", delay: 100000 });
    assert.equal((await queue.add("double", { n: 2 }, { jobId: "same" })).id, gone.id);
    assert.equal((await queue.getJob("same")).data.n, 1);
    await gone.promote();
    assert.equal(await gone.waitUntilFinished(events, 20000), 2);
    assert.equal((await queue.clean(0, 1000, "completed")).length, 11);
}

// priorities, and LIFO, in the order in which they are taken while the queue is paused
{
    const queue = queueOf("order");
    await queue.pause();
    assert.equal(await queue.isPaused(), true);
    for (const [name, options] of [["low", { priority: 10 }], ["high", { priority: 1 }], ["middle", { priority: 5 }], ["first", {}], ["last in", { lifo: true }]]) await queue.add(name, {}, options);
    assert.equal((await queue.getPrioritized()).length, 3);
    const changed = (await queue.getPrioritized()).find((job) => job.name === "low");
    await changed.changePriority({ priority: 2 });
    const taken = [];
    workerOf("order", async (job) => taken.push(job.name), { concurrency: 1 });
    await queue.resume();
    await until(() => taken.length === 5);
    assert.deepEqual(taken, ["last in", "first", "high", "low", "middle"]);
}

// delays, retries with a backoff, failures, and what moves itself back
{
    const queue = queueOf("again");
    const events = await eventsOf("again");
    let tries = 0;
    workerOf("again", async (job, token) => {
        if (job.name === "retry" && ++tries < 3) throw new Error("not yet");
        if (job.name === "fatal") throw new UnrecoverableError("never");
        if (job.name === "moved" && !job.data.moved) {
            await job.updateData({ moved: true });
            await job.moveToDelayed(Date.now() + 20, token);
            throw new DelayedError();
        }
        await job.updateProgress(50);
        await job.log("a line");
        return job.attemptsMade;
    });
    const retried = await queue.add("retry", {}, { attempts: 5, backoff: { type: "exponential", delay: 10 } });
    const late = await queue.add("late", {}, { delay: 50 });
    const moved = await queue.add("moved", {});
    const fatal = await queue.add("fatal", {}, { attempts: 5 });
    assert.equal(await retried.waitUntilFinished(events, 20000), 2);
    assert.equal(await late.waitUntilFinished(events, 20000), 0);
    await moved.waitUntilFinished(events, 20000);
    await assert.rejects(fatal.waitUntilFinished(events, 20000), /never/);
    assert.equal(await fatal.isFailed(), true);
    assert.deepEqual((await queue.getJobLogs(late.id)).logs, ["a line"]);
    assert.equal((await queue.getJobCounts("failed")).failed, 1);
    await queue.retryJobs({ state: "failed" });
    await until(async () => (await queue.getFailedCount()) === 1);
    await (await queue.getJob(fatal.id)).remove();
    assert.equal(await queue.getFailedCount(), 0);
}

// a flow: a parent waits for its children and reads what they returned
{
    const events = await eventsOf("parents");
    workerOf("children", async (job) => job.data.n);
    workerOf("parents", async (job) => Object.values(await job.getChildrenValues()).reduce((a, b) => a + b, 0));
    queueOf("parents");
    const flow = opened(new FlowProducer({ connection }));
    const child = (n) => ({ name: "child", queueName: "children", data: { n } });
    const tree = await flow.add({ name: "parent", queueName: "parents", children: [child(1), child(2), child(39)] });
    assert.equal(await tree.job.waitUntilFinished(events, 20000), 42);
}

// job schedulers: every so many milliseconds, and by a pattern
{
    const queue = queueOf("times");
    let runs = 0;
    workerOf("times", async () => void runs++);
    await queue.upsertJobScheduler("often", { every: 30 }, { name: "tick" });
    await queue.upsertJobScheduler("nightly", { pattern: "0 3 * * *" });
    assert.equal((await queue.getJobSchedulers()).length, 2);
    await until(() => runs >= 3);
    assert.equal(await queue.removeJobScheduler("often"), true);
    assert.equal(await queue.removeJobScheduler("nightly"), true);
    assert.equal(await queue.getJobSchedulersCount(), 0);
}

// a rate limit, deduplication, and a global concurrency
{
    const queue = queueOf("limited");
    const began = [];
    const worker = workerOf("limited", async () => void began.push(Date.now()), { limiter: { max: 2, duration: 150 } });
    await queue.addBulk(Array.from({ length: 5 }, () => ({ name: "job", data: {} })));
    await until(() => began.length === 5);
    assert.ok(began[4] - began[0] >= 150, `${began}`);
    await worker.close();
    const one = await queue.add("job", {}, { deduplication: { id: "same", ttl: 10000 } });
    assert.equal((await queue.add("job", {}, { deduplication: { id: "same", ttl: 10000 } })).id, one.id);
    assert.equal(await queue.getDeduplicationJobId("same"), one.id);
    await queue.setGlobalConcurrency(1);
    assert.equal(await queue.getGlobalConcurrency(), 1);
    await queue.drain();
    assert.equal(await queue.count(), 0);
    await queue.obliterate({ force: true });
}

await Promise.all(closing.filter((thing) => thing instanceof Worker).map((worker) => worker.close()));
await Promise.all(closing.filter((thing) => !(thing instanceof Worker)).map((thing) => thing.close()));
console.log("ok");
process.exit(0);
