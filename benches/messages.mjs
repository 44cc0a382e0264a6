//! `./dev bench messages [--quick]`, its second part: somebody was away, 5,000 messages wait in 100 groups,
//! and a real window is typed into while they come. How long after each key the page has drawn again, with
//! a draft stored on the way as always.

import { availableParallelism, cpus } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { register } from "../tests/e2e/outsider.mjs";
import { Person } from "../tests/e2e/person.mjs";
import { at } from "../tests/e2e/screen.mjs";
import { Window } from "../tests/e2e/window.mjs";
import { until } from "../tests/interop/deadline.mjs";
import { Node } from "../tests/interop/node.mjs";
import { Ours } from "../tests/interop/ours.mjs";
import { binary, run } from "../tests/interop/program.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
process.env.CONCLAVE_BIN ??= join(root, "target/release");

const plan = process.argv.includes("--quick") ? { groups: 10, messages: 500 } : { groups: 100, messages: 5_000 };
const GOAL_MS = 100;

/** Runs in the page: types a letter each 50 ms and notes how long it took until the page was drawn with it. */
function typing() {
  const field = document.querySelector('[data-testid="composer"]');
  const took = (window.took = []);
  const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  (async () => {
    while (!window.typed) {
      const pressed = performance.now();
      field.value += "a";
      field.dispatchEvent(new InputEvent("input", { bubbles: true, data: "a", inputType: "insertText" }));
      await drawn();
      took.push(performance.now() - pressed);
      await new Promise((done) => setTimeout(done, 50));
    }
  })();
}

/** Runs in the page: how many messages are unread, as the program says it. */
async function unread() {
  const { total_unread: total } = await window.__TAURI_INTERNALS__.invoke("call", { command: "conversation_list", args: { limit: 1 } });
  return total;
}

function print(name, all) {
  const sorted = [...all].sort((a, b) => a - b);
  const part = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(0);
  console.log(`${name.padEnd(34)} ${part(0.5)} ms median, ${part(0.99)} ms p99, ${part(1)} ms longest of ${all.length} keys`);
  return sorted.at(-1);
}

async function main() {
  const ends = [];
  try {
    const node = await Node.start();
    ends.push(() => node.stop());
    const screen = await Window.prepare("alix");
    ends.push(() => screen.remove());
    const account = await register(screen, node.url);
    const person = await Ours.create("bo", node.url);
    ends.push(() => person.close());
    const bo = await person.serve();
    ends.push(() => bo.close());

    // What a stranger sends is a request, and counted nowhere.
    const folder = ["--data", screen.data, "--key-file", screen.keyFile];
    const { code, stderr } = await run(binary("conclave-cli"), [...folder, "consent", "set", "inbox", bo.inboxId, "allowed"]);
    if (code !== 0) throw new Error(stderr);

    const groups = [];
    for (let n = 0; n < plan.groups; n++) groups.push(await bo.createGroup(`Group ${n}`, [account.inbox_id]));
    await screen.open();
    const alix = new Person(screen);
    await alix.arrive();
    await alix.createGroup("Notes", []);
    await screen.session.call(typing);
    await new Promise((done) => setTimeout(done, 5_000));
    await screen.session.call(() => { window.typed = true; });
    const atRest = await screen.session.call(() => window.took);
    await screen.close();

    for (const id of groups) {
      for (let n = 0; n < plan.messages / plan.groups; n++) {
        await bo.call("message_send", { conversation_id: id, text: `message ${n} of a long absence` });
      }
      await bo.call("conversation_sync", { conversation_id: id });
    }
    console.error(`${plan.messages} messages wait in ${plan.groups} groups`);

    // The node answers only once somebody is typing, so that all of it comes meanwhile.
    node.program.child.kill("SIGSTOP");
    ends.push(() => node.program.child.kill("SIGCONT"));
    await screen.open();
    // Far down in the list by now.
    await alix.arrive();
    await screen.press("Control+k");
    await screen.type("Notes");
    await screen.see(at("palette-entry", { text: "Notes" }));
    await screen.press("Enter");
    await screen.see("composer");
    await screen.session.call(typing);
    // The first keys after the start are not about what comes.
    await until("some keys were typed", () => screen.session.call(() => window.took.length > 10));
    await screen.session.call(() => { window.took.length = 0; });
    const before = await screen.session.callAsync(unread);
    const began = performance.now();
    node.program.child.kill("SIGCONT");
    await until("all have come", async () => (await screen.session.callAsync(unread)) >= plan.messages, { seconds: 300, everyMs: 250 });
    const last = performance.now();
    await until("some keys were typed", () => screen.session.call(() => window.took.length > 20));
    await screen.session.call(() => { window.typed = true; });
    const meanwhile = await screen.session.call(() => window.took);
    console.log(`\n${cpus()[0].model}, ${availableParallelism()} cores`);
    console.log(`${plan.messages - before} of ${plan.messages} messages came while it was typed, in ${((last - began) / 1000).toFixed(1)} s`);
    print("key to drawn page, at rest", atRest);
    const longest = print("key to drawn page, catching up", meanwhile);
    console.log(`goal ${GOAL_MS} ms: ${longest <= GOAL_MS ? "ok" : "MISSED"}`);
    if (await screen.sees(at("problem"))) throw new Error("something went wrong in the window");
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

await main();
