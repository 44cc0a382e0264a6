//! `./dev bench groups [--quick]`: groups of many people and of people with many devices, by our engine and
//! by the official one (npm @xmtp/node-bindings 1.8.1), on the same node, in the same run. Both databases
//! are encrypted. Ten of each group's people are live on the engine that is measured, two on the other one;
//! the rest are installations that registered and are offline. Bytes are those of the ten, both ways, with
//! HTTP/2. In the end the twelve show the same members, name and epoch authenticator.

import { randomBytes } from "node:crypto";
import { availableParallelism, cpus } from "node:os";
import { resolve, dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "../tests/interop/deadline.mjs";
import { meteredLine } from "../tests/interop/meter.mjs";
import { Node } from "../tests/interop/node.mjs";
import { Official } from "../tests/interop/official.mjs";
import { Ours, wallet } from "../tests/interop/ours.mjs";

process.env.CONCLAVE_BIN ??= resolve(dirname(fileURLToPath(import.meta.url)), "../target/release");

const quick = process.argv.includes("--quick");
const plan = quick
  ? { shapes: [[24, 1], [40, 1], [24, 3]], repeats: 1 }
  : { shapes: [[50, 1], [240, 1], [400, 1], [50, 8]], repeats: 3 };
const TALKERS = 10;
const WITNESSES = 2;
const AT_ONCE = 8;
const ENGINES = ["ours", "official"];

const table = [];
const cleanups = [];

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Runs `work` for every item, some at a time. */
async function each(items, work) {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Registers an installation that stays offline; gives its inbox id. */
async function offline(url, account) {
  const actor = await Official.create("offline", url, account, { encryptionKey: randomBytes(32) });
  await actor.close();
  return actor.inboxId;
}

/** Ten live people of an engine, on a line of their own. */
async function talkers(engine, node) {
  const line = await meteredLine(node.address);
  cleanups.push(() => line.close());
  const accounts = Array.from({ length: TALKERS }, wallet);
  const actors = [];
  for (const [number, account] of accounts.entries()) {
    const name = `${engine} ${number}`;
    if (engine === "ours") {
      const person = await Ours.create(name, line.url, account);
      const actor = await person.serve();
      cleanups.push(async () => {
        await actor.close();
        await person.close();
      });
      actors.push(actor);
    } else {
      const actor = await Official.create(name, line.url, account, { encryptionKey: randomBytes(32) });
      cleanups.push(() => actor.close());
      actors.push(actor);
    }
  }
  return { line, accounts, actors };
}

/** One group's life, step by step; `measure(step, work)` times each. */
async function life({ actors }, witnesses, others, measure) {
  const [maker, ...rest] = actors;
  const who = [...[...rest, ...witnesses].map(({ inboxId }) => inboxId), ...others];
  const leaving = who.slice(-Math.floor((who.length + 1) / 2)).map((inboxId) => ({ inboxId }));
  let id;
  await measure("create", async () => (id = await maker.createGroup("many", who)));
  await measure("ten join", () => together(actors, (actor) => actor.sync(), async (actor) => actor.has(id)));
  await measure("ten write at once, until all have all", async () => {
    const say = async (actor) => {
      await actor.post(id, `${actor.name} says so`);
      await actor.publish(id);
    };
    await together(actors, say, async (actor) => {
      await actor.catchUp(id);
      return (await actor.messages(id)).length === TALKERS;
    });
  });
  await measure("rename", () => maker.rename(id, "very many"));
  await measure("remove half", () => maker.remove(id, ...leaving));
  await measure("add them again", () => maker.addInboxes(id, leaving.map(({ inboxId }) => inboxId)));
  await together([...actors, ...witnesses], (actor) => actor.sync(), async (actor) => {
    await actor.catchUp(id);
    const [mine, theirs] = [await actor.state(id), await maker.state(id)];
    const length = Math.min(mine.authenticator.length, theirs.authenticator.length);
    return (
      mine.epoch === theirs.epoch &&
      mine.authenticator.slice(0, length) === theirs.authenticator.slice(0, length) &&
      mine.members.length === who.length + 1 &&
      mine.fields.name === "very many"
    );
  });
}

/** Everybody begins at the same moment; done when everybody is. */
async function together(actors, begin, isDone) {
  await Promise.all(
    actors.map(async (actor) => {
      await begin(actor);
      await until(`${actor.name} is done`, () => isDone(actor), { seconds: 300, everyMs: 5 });
    }),
  );
}

async function shape([people, installations], sides, crowd) {
  const results = new Map();
  for (let repeat = 0; repeat < plan.repeats; repeat += 1) {
    for (const engine of ENGINES) {
      const side = sides[engine];
      const witnesses = sides[ENGINES.find((other) => other !== engine)].actors.slice(-WITNESSES);
      await life(side, witnesses, crowd.slice(0, people - TALKERS - WITNESSES), async (step, work) => {
        side.line.read();
        const start = performance.now();
        await work();
        const ms = performance.now() - start;
        if (!results.has(step)) results.set(step, { ours: [], official: [] });
        results.get(step)[engine].push({ ms, ...side.line.read() });
      });
    }
  }
  const size = installations === 1 ? `${people} people` : `${people} people x ${installations}`;
  for (const [step, runs] of results) {
    const of = (engine, part) => median(runs[engine].map((run) => run[part]));
    const row = { what: `${size}: ${step}` };
    for (const engine of ENGINES) row[engine] = { ms: of(engine, "ms"), sent: of(engine, "sent"), received: of(engine, "received") };
    table.push(row);
    console.error(`${row.what}: ours ${row.ours.ms.toFixed(0)} ms, official ${row.official.ms.toFixed(0)} ms`);
  }
}

function print() {
  const width = Math.max(...table.map(({ what }) => what.length));
  const time = (value) => value.toFixed(value < 10 ? 2 : 0).padStart(9);
  const kib = (value) => (value / 1024).toFixed(value < 10_240 ? 1 : 0).padStart(8);
  console.log(`\n${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}; medians of ${plan.repeats}`);
  console.log(`${"".padEnd(width)}   ours ms  off'l ms  off'l/ours   KiB sent: ours, off'l   received: ours, off'l`);
  for (const { what, ours, official } of table) {
    const ratio = (official.ms / ours.ms).toFixed(2).padStart(11);
    console.log(
      `${what.padEnd(width)} ${time(ours.ms)} ${time(official.ms)} ${ratio}       ` +
        `${kib(ours.sent)} ${kib(official.sent)}         ${kib(ours.received)} ${kib(official.received)}`,
    );
  }
}

async function main() {
  const node = await Node.start();
  try {
    const sides = {};
    for (const engine of ENGINES) sides[engine] = await talkers(engine, node);
    const single = plan.shapes.filter(([, installations]) => installations === 1);
    const multiple = plan.shapes.filter(([, installations]) => installations > 1);

    const crowd = [];
    const most = Math.max(...single.map(([people]) => people)) - TALKERS - WITNESSES;
    await each(Array.from({ length: most }, wallet), async (account) => crowd.push(await offline(node.url, account)));
    for (const size of single) await shape(size, sides, crowd);

    for (const [people, installations] of multiple) {
      const others = Array.from({ length: people - TALKERS - WITNESSES }, wallet);
      const devices = [];
      for (const account of others) {
        devices.push(await offline(node.url, account));
        for (let n = 1; n < installations; n += 1) await offline(node.url, account);
      }
      await each(ENGINES.flatMap((engine) => sides[engine].accounts), async (account) => {
        for (let n = 1; n < installations; n += 1) await offline(node.url, account);
      });
      await shape([people, installations], sides, devices);
    }
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
    await node.stop();
  }
  print();
}

await main();
