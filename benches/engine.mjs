//! `./dev bench engine [--quick]`: our engine and the official one (npm @xmtp/node-bindings 1.8.1) beside
//! each other, on the same node, in the same run. Both databases are encrypted. Ours is driven through
//! `conclave-cli serve` over WebSocket, whose cost per call is included; starting a process is not.

import { randomBytes } from "node:crypto";
import { availableParallelism, cpus } from "node:os";
import { resolve, dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "../tests/interop/deadline.mjs";
import { Node } from "../tests/interop/node.mjs";
import { Official } from "../tests/interop/official.mjs";
import { Ours, wallet } from "../tests/interop/ours.mjs";

process.env.CONCLAVE_BIN ??= resolve(dirname(fileURLToPath(import.meta.url)), "../target/release");

const quick = process.argv.includes("--quick");
const plan = quick
  ? { registrations: 3, groups: [5, 24, 40], repeats: 1, sends: 50, burst: 30, backlog: 500, listed: 50, lists: 5 }
  : { registrations: 20, groups: [50, 240, 400], repeats: 5, sends: 1000, burst: 200, backlog: 10_000, listed: 1000, lists: 20 };

const table = [];
const cleanups = [];

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function report(what, ours, official, goal) {
  const row = { what, ours: median(ours), official: median(official), goal };
  table.push(row);
  console.error(`${what}: ours ${row.ours.toFixed(2)} ms, official ${row.official.toFixed(2)} ms`);
}

async function official(name, url) {
  const actor = await Official.create(name, url, wallet(), { encryptionKey: randomBytes(32) });
  cleanups.push(() => actor.close());
  return actor;
}

async function ours(name, url) {
  const actor = await Ours.create(name, url);
  cleanups.push(() => actor.close());
  return actor;
}

async function served(person) {
  const actor = await person.serve();
  cleanups.push(async () => {
    if (!actor.program.exit) await actor.close();
  });
  return actor;
}

/** A new wallet becomes an inbox with one installation. */
async function register(url) {
  const own = [];
  const theirs = [];
  for (let n = 0; n < plan.registrations; n += 1) {
    const account = wallet();
    const person = await Ours.prepare(`registering ${n}`, url, account);
    cleanups.push(() => person.close());
    const actor = await served(person);
    await actor.call("wallet_import", { kind: "private_key", secret: account.privateKey, password: null });
    own.push(await timed(() => actor.call("register", { node: { kind: "address", url } })));
    await actor.close();
    theirs.push(await timed(() => official(`registering ${n}`, url)));
  }
  report("register an inbox", own, theirs, 1);
}

/** The people that both engines put into their groups, registered once. */
async function crowd(url) {
  const inboxes = [];
  for (let n = 1; n < Math.max(...plan.groups); n += 1) {
    const actor = await Official.create(`person ${n}`, url, wallet());
    inboxes.push(actor.inboxId);
    await actor.close();
  }
  return inboxes;
}

async function createGroups(url, own, theirs) {
  const inboxes = await crowd(url);
  for (const size of plan.groups) {
    const mine = [];
    const other = [];
    const who = inboxes.slice(0, size - 1);
    for (let n = 0; n < plan.repeats; n += 1) {
      mine.push(
        await timed(async () => {
          const { failed } = await own.call("group_create", { who, name: `${size} people` });
          if (failed.length) throw new Error(`not all were added: ${JSON.stringify(failed[0])}`);
        }),
      );
      other.push(await timed(() => theirs.createGroup(`${size} people`, who)));
    }
    report(`create a group of ${size}`, mine, other, 1);
  }
}

/** One message after the other, each published before the next. */
async function send(url, own, theirs) {
  // Somebody who does nothing: a live receiver would take processor time from the sender measured.
  const { inboxId } = await official("Caro", url);
  const mine = await own.createGroup("sending", [inboxId]);
  const other = await theirs.createGroup("sending", [inboxId]);
  const times = { own: [], theirs: [] };
  for (let n = 0; n < plan.sends; n += 1) {
    times.own.push(
      await timed(async () => {
        await own.post(mine, `message ${n} of a steady talker`);
        const { failed } = await own.call("conversation_sync", { conversation_id: mine });
        if (failed) throw new Error("a message failed");
      }),
    );
    times.theirs.push(await timed(() => theirs.send(other, `message ${n} of a steady talker`)));
  }
  const pending = (await own.rows(mine, 1)).filter(({ delivery }) => delivery !== "published");
  if (pending.length) throw new Error("conversation_sync did not publish");
  report("send and publish one message", times.own, times.theirs, 3);
  await burst(own, mine, theirs, other);
}

/** Many messages written faster than they go out: both engines queue them and publish together. */
async function burst(own, mine, theirs, other) {
  const texts = Array.from({ length: plan.burst }, (_, n) => `message ${n} of a burst`);
  const times = { own: [], theirs: [] };
  for (let round = 0; round < plan.repeats; round += 1) {
    times.own.push(
      await timed(async () => {
        await Promise.all(texts.map((text) => own.post(mine, text)));
        const { failed } = await own.call("conversation_sync", { conversation_id: mine });
        if (failed) throw new Error("a message failed");
      }),
    );
    const rows = await own.rows(mine, plan.burst);
    if (rows.some(({ delivery }) => delivery !== "published")) throw new Error("a message waits");
    times.theirs.push(await timed(() => theirs.sendTogether(other, texts)));
  }
  report(`send a burst of ${plan.burst} messages`, times.own, times.theirs, 3);
}

/** Members who joined and then were away while many messages were sent. */
async function catchUp(url, writer) {
  const repeats = Math.min(plan.repeats, 3);
  const mine = [];
  const other = [];
  for (let n = 0; n < repeats; n += 1) {
    mine.push(await ours(`away ${n}`, url));
    other.push(await official(`away ${n}`, url));
  }
  const id = await writer.createGroup("busy", [...mine, ...other].map(({ inboxId }) => inboxId));
  for (const actor of [...mine, ...other]) await actor.sync();

  // What it costs to start when nothing waits is taken off below.
  const idle = [];
  for (const actor of mine) {
    idle.push(
      await timed(async () => {
        actor.waiting = await actor.serve();
        await actor.waiting.call("sync_all");
      }),
    );
    await actor.waiting.close();
  }
  for (let n = 0; n < plan.backlog; n += 1) await writer.send(id, `message ${n} of a long absence`);
  await writer.call("conversation_sync", { conversation_id: id });

  const own = [];
  const theirs = [];
  const complete = (count) => {
    if (count !== plan.backlog) throw new Error(`${count} messages instead of ${plan.backlog}`);
  };
  for (let n = 0; n < repeats; n += 1) {
    let actor;
    const all = await timed(async () => {
      actor = await mine[n].serve();
      await actor.call("sync_all");
      await until("the last message is there", async () => {
        const [last] = await actor.rows(id, 1).then((rows) => rows.slice(-1));
        return last.text.startsWith(`message ${plan.backlog - 1} `);
      }, { everyMs: 5, seconds: 300 });
    });
    own.push(all - median(idle));
    complete((await actor.messages(id)).length);
    await actor.close();
    theirs.push(await timed(() => other[n].sync()));
    complete((await other[n].messages(id)).length);
  }
  report(`catch up on ${plan.backlog} messages`, own, theirs, 3);
}

/** The list as a window needs it: name and last message of every conversation. */
async function list(url, writer) {
  const person = await ours("listing", url);
  const theirs = await official("listing", url);
  for (let n = 0; n < plan.listed; n += 1) {
    const id = await writer.createGroup(`conversation ${n}`, [person.inboxId, theirs.inboxId]);
    await writer.send(id, `the last message of ${n}`);
  }
  await writer.call("sync_all");
  const own = await served(person);
  await own.sync();
  await theirs.sync();
  const times = { own: [], bare: [], named: [] };
  for (let n = 0; n < plan.lists; n += 1) {
    times.own.push(
      await timed(async () => {
        const { items } = await own.call("conversation_list", { limit: 1000 });
        if (items.length !== plan.listed) throw new Error(`${items.length} conversations`);
      }),
    );
    times.bare.push(
      await timed(async () => {
        const items = theirs.client.conversations().list();
        if (items.length !== plan.listed) throw new Error(`${items.length} conversations`);
      }),
    );
    times.named.push(
      await timed(async () => {
        for (const item of theirs.client.conversations().list()) {
          item.conversation.groupName();
          item.lastMessage;
        }
      }),
    );
  }
  report(`list ${plan.listed} conversations with names and previews`, times.own, times.named, 1);
  report(`list ${plan.listed} conversations (official: ids and last messages only)`, times.own, times.bare, 1);
}

function print() {
  const width = Math.max(...table.map(({ what }) => what.length));
  const cell = (value) => value.toFixed(value < 10 ? 2 : 0).padStart(9);
  console.log(`\n${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}; medians in ms`);
  console.log(`${"".padEnd(width)}      ours  official  official/ours`);
  for (const { what, ours, official, goal } of table) {
    const ratio = official / ours;
    const verdict = ratio >= goal ? "ok" : `goal ${goal.toFixed(2)} missed`;
    console.log(`${what.padEnd(width)} ${cell(ours)} ${cell(official)} ${ratio.toFixed(2).padStart(13)}  ${verdict}`);
  }
}

async function main() {
  const node = await Node.start();
  try {
    const own = await served(await ours("Alix", node.url));
    const theirs = await official("Bo", node.url);
    await register(node.url);
    await createGroups(node.url, own, theirs);
    await send(node.url, own, theirs);
    await catchUp(node.url, own);
    await list(node.url, own);
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
    await node.stop();
  }
  print();
}

await main();
