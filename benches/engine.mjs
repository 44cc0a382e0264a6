//! `./dev bench engine [--quick]`: our engine and the official one (npm @xmtp/node-bindings 1.8.1) beside
//! each other, on the same node, in the same run. Each is timed in its own process around the calls of its
//! API: ours in `crates/engine/benches/engine.rs`, the official one here. Both databases are encrypted, and
//! where people are at their app both keep their streams open.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { availableParallelism, cpus } from "node:os";
import { resolve, dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Node } from "../tests/interop/node.mjs";
import { Official } from "../tests/interop/official.mjs";
import { wallet } from "../tests/interop/ours.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
process.env.CONCLAVE_BIN ??= resolve(root, "target/release");

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

/** The process in which our people are. */
class Ours {
  #program;
  #answers;

  static start(url) {
    const ours = new Ours();
    const bench = ["bench", "--quiet", "--workspace", "--locked", "--bench", "engine", "--", "--node", url];
    ours.#program = spawn("cargo", bench, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
    ours.#answers = createInterface({ input: ours.#program.stdout })[Symbol.asyncIterator]();
    return ours;
  }

  /** What somebody is to do, as it is called there; gives the answer, with the time it took in `ms`. */
  async call(who, call, values = {}) {
    this.#program.stdin.write(`${JSON.stringify({ who, call, ...values })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`our process ended while ${who} was to ${call}`);
    return JSON.parse(value);
  }

  async stop() {
    if (this.#program.exitCode !== null) return;
    this.#program.stdin.end();
    await once(this.#program, "exit");
  }
}

/** A new wallet becomes an inbox with one installation. */
async function register(url, ours) {
  const own = [];
  const theirs = [];
  for (let n = 0; n < plan.registrations; n += 1) {
    own.push((await ours.call(`registering ${n}`, "register")).ms);
    await ours.call(`registering ${n}`, "leave");
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

async function createGroups(url, ours, theirs) {
  const inboxes = await crowd(url);
  for (const size of plan.groups) {
    const own = [];
    const other = [];
    const who = inboxes.slice(0, size - 1);
    for (let n = 0; n < plan.repeats; n += 1) {
      own.push((await ours.call("Alix", "create_group", { people: who, name: `${size} people` })).ms);
      other.push(await timed(() => theirs.createGroup(`${size} people`, who)));
    }
    report(`create a group of ${size}`, own, other, 1);
  }
}

/** One message after the other, each published before the next; then many at once. */
async function send(url, ours, theirs, when) {
  // Somebody who does nothing: a live receiver would take processor time from the sender measured.
  const { inboxId } = await official("Caro", url);
  const { id } = await ours.call("Alix", "create_group", { people: [inboxId], name: "sending" });
  const other = await theirs.createGroup("sending", [inboxId]);
  const times = { own: [], theirs: [] };
  for (let n = 0; n < plan.sends; n += 1) {
    const text = `message ${n} of a steady talker`;
    times.own.push((await ours.call("Alix", "send", { id, text })).ms);
    times.theirs.push(await timed(() => theirs.send(other, text)));
  }
  report(`send and publish one message, ${when}`, times.own, times.theirs, 3);

  const texts = Array.from({ length: plan.burst }, (_, n) => `message ${n} of a burst`);
  const bursts = { own: [], theirs: [] };
  for (let round = 0; round < plan.repeats; round += 1) {
    bursts.own.push((await ours.call("Alix", "burst", { id, texts })).ms);
    bursts.theirs.push(await timed(() => theirs.sendTogether(other, texts)));
  }
  report(`send a burst of ${plan.burst} messages, ${when}`, bursts.own, bursts.theirs, 3);
}

/** Members who joined and then were away while many messages were sent. */
async function catchUp(url, ours) {
  const repeats = Math.min(plan.repeats, 3);
  const people = [];
  const others = [];
  for (let n = 0; n < repeats; n += 1) {
    people.push(await ours.call(`away ${n}`, "register"));
    others.push(await official(`away ${n}`, url));
  }
  const inboxes = [...people.map(({ inbox_id }) => inbox_id), ...others.map(({ inboxId }) => inboxId)];
  const { id } = await ours.call("Alix", "create_group", { people: inboxes, name: "busy" });
  for (let n = 0; n < repeats; n += 1) {
    await ours.call(`away ${n}`, "sync_all");
    await others[n].sync();
  }
  const texts = Array.from({ length: plan.backlog }, (_, n) => `message ${n} of a long absence`);
  await ours.call("Alix", "burst", { id, texts });

  const own = [];
  const theirs = [];
  const complete = (count) => {
    if (count !== plan.backlog) throw new Error(`${count} messages instead of ${plan.backlog}`);
  };
  for (let n = 0; n < repeats; n += 1) {
    own.push((await ours.call(`away ${n}`, "sync_all")).ms);
    complete((await ours.call(`away ${n}`, "count", { id })).count);
    theirs.push(await timed(() => others[n].sync()));
    complete((await others[n].messages(id)).length);
  }
  report(`catch up on ${plan.backlog} messages`, own, theirs, 3);
}

/** The list as a window needs it: name and last message of every conversation. */
async function list(url, ours) {
  const person = await ours.call("listing", "register");
  const theirs = await official("listing", url);
  for (let n = 0; n < plan.listed; n += 1) {
    const people = [person.inbox_id, theirs.inboxId];
    const { id } = await ours.call("Alix", "create_group", { people, name: `conversation ${n}` });
    await ours.call("Alix", "send", { id, text: `the last message of ${n}` });
  }
  await ours.call("listing", "sync_all");
  await theirs.sync();
  const complete = (count) => {
    if (count !== plan.listed) throw new Error(`${count} conversations instead of ${plan.listed}`);
  };
  const times = { own: [], bare: [], named: [] };
  for (let n = 0; n < plan.lists; n += 1) {
    const own = await ours.call("listing", "list");
    complete(own.count);
    times.own.push(own.ms);
    times.bare.push(await timed(() => complete(theirs.client.conversations().list().length)));
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
  const ours = Ours.start(node.url);
  try {
    await ours.call("Alix", "register");
    const theirs = await official("Bo", node.url);
    await register(node.url, ours);
    await createGroups(node.url, ours, theirs);
    await send(node.url, ours, theirs, "without streams");
    await ours.call("Alix", "start");
    await theirs.stream();
    await send(node.url, ours, theirs, "streams open");
    await catchUp(node.url, ours);
    await list(node.url, ours);
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
    await ours.stop();
    await node.stop();
  }
  print();
}

await main();
