//! `./dev bench app [--quick]`: how long the app takes from its start to a list that can be used, with
//! 1,000 conversations and 100,000 messages in the data folder, and how much memory all its processes
//! have then. Beside it, in the same run, a window of the same web view with an empty page.
//!
//! Both are started by WebKitWebDriver, so both times include it. Every start is a new process on
//! files that the system has cached already.

import { execFileSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { cpuSeconds, family, memory, nameOf } from "../tests/e2e/processes.mjs";
import { at } from "../tests/e2e/screen.mjs";
import { Window } from "../tests/e2e/window.mjs";
import { until } from "../tests/interop/deadline.mjs";
import { Node } from "../tests/interop/node.mjs";
import { run } from "../tests/interop/program.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
process.env.CONCLAVE_BIN ??= join(root, "target/release");
const examples = join(process.env.CONCLAVE_BIN, "examples");

const quick = process.argv.includes("--quick");
const plan = quick
  ? { conversations: 100, messages: 2_000, starts: 2 }
  : { conversations: 1_000, messages: 100_000, starts: 7 };
/** How much later than the empty window the list may be there. */
const GOAL_MS = 1_000;
/** Below this share of a core, for a second, a program is at rest. */
const REST = 0.05;
/** The web view's own processes, by the names the kernel cuts off. */
const HELPERS = { WebKitNetworkPr: "network process", WebKitWebProces: "web process" };

const now = () => performance.timeOrigin + performance.now();

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Waits until the program and its children have stopped working. */
async function rest(pid) {
  const used = () => family(pid).reduce((sum, one) => sum + cpuSeconds(one), 0);
  let last = used();
  await until(
    "the program is at rest",
    async () => {
      await pause(1_000);
      const before = last;
      last = used();
      return last - before < REST;
    },
    { seconds: 180 },
  );
}

/** When the page asked for what, by the app's log; in ms since 1970. */
function answers(log) {
  const found = {};
  for (const [, time, command] of log.matchAll(/^(\S+Z) .*answered the page.*command="(\w+)"/gm)) {
    found[command] ??= Date.parse(time);
  }
  return found;
}

/** Starts a program once; gives times in ms since its start, and memory in bytes by process. */
async function start(window, marker, options) {
  await window.open(options);
  try {
    // As often as the driver answers: a pause would be part of the time.
    await until(`${marker.css} is shown`, async () => (await window.read(marker)).length > 0, { everyMs: 1, seconds: 60 });
    const shown = now() - window.started;
    const page = await window.session.call(() => performance.timeOrigin);
    const { status, conversation_list: list } = answers(window.driver.stderr);
    await rest(window.pid);
    const atRest = now() - window.started;
    const bytes = {};
    for (const pid of family(window.pid)) {
      const part = HELPERS[nameOf(pid)] ?? "program";
      bytes[part] = (bytes[part] ?? 0) + memory(pid);
    }
    const since = (time) => (time === undefined ? undefined : time - window.started);
    return { page: since(page), status: since(status), list: since(list), shown, atRest, bytes };
  } finally {
    await window.close();
  }
}

async function fill(window, url) {
  const { conversations, messages } = plan;
  const began = now();
  const numbers = [String(conversations), String(messages)];
  const { code, stderr } = await run(join(examples, "full_account"), [window.data, window.keyFile, url, ...numbers], { seconds: 300 });
  if (code !== 0) throw new Error(`the data folder was not filled: ${stderr}`);
  console.error(`${conversations} conversations and ${messages} messages made in ${((now() - began) / 1000).toFixed(1)} s`);
}

function print(empty, app) {
  const of = (all, value) => median(all.map(value));
  const ms = (value) => `${Math.round(value)} ms`.padStart(10);
  const mb = (value) => `${(value / 1024 ** 2).toFixed(0)} MB`.padStart(10);
  const row = (what, ...cells) => console.log(what.padEnd(44) + cells.join(""));
  const missing = "–".padStart(10);

  console.log(`\n${cpus()[0].model}, ${availableParallelism()} cores; medians of ${plan.starts} starts`);
  row("", "empty".padStart(10), "Conclave".padStart(10));
  row("page begins to load", ms(of(empty, ({ page }) => page)), ms(of(app, ({ page }) => page)));
  row("  account answered to the page", missing, ms(of(app, ({ status }) => status)));
  row("  first conversations answered", missing, ms(of(app, ({ list }) => list)));
  row("content is shown", ms(of(empty, ({ shown }) => shown)), ms(of(app, ({ shown }) => shown)));
  row("at rest", ms(of(empty, ({ atRest }) => atRest)), ms(of(app, ({ atRest }) => atRest)));
  for (const part of Object.keys(app[0].bytes)) {
    row(`memory (PSS): ${part}`, mb(of(empty, ({ bytes }) => bytes[part])), mb(of(app, ({ bytes }) => bytes[part])));
  }
  const all = (one) => Object.values(one.bytes).reduce((sum, bytes) => sum + bytes, 0);
  row("memory (PSS): all processes", mb(of(empty, all)), mb(of(app, all)));

  const range = (starts) => {
    const shown = starts.map(({ shown }) => Math.round(shown));
    return `${Math.min(...shown)} to ${Math.max(...shown)} ms`;
  };
  console.log(`Content is shown: empty ${range(empty)}, Conclave ${range(app)}`);
  const later = of(app, ({ shown }) => shown) - of(empty, ({ shown }) => shown);
  const verdict = later <= GOAL_MS ? "ok" : "goal missed";
  console.log(`The list can be used ${Math.round(later)} ms after the empty window would be there (goal: ${GOAL_MS} ms): ${verdict}`);
}

async function main() {
  const cargo = ["build", "--release", "--workspace", "--locked", "--examples"];
  execFileSync("cargo", cargo, { cwd: root, stdio: "inherit" });
  const cleanups = [];
  try {
    const node = await Node.start();
    cleanups.push(() => node.stop());
    const alix = await Window.prepare("alix");
    cleanups.push(() => alix.remove());
    const blank = await Window.prepare("empty");
    cleanups.push(() => blank.remove());
    await fill(alix, node.url);

    const windows = {
      empty: () => start(blank, at("empty-page"), { program: join(examples, "empty_window"), args: [] }),
      app: () => start(alix, at("conversation-row"), { env: { RUST_LOG: "info,conclave::bridge=debug" } }),
    };
    const starts = { empty: [], app: [] };
    // Turn and turn about; the first of each only warms the system's caches.
    for (let n = 0; n <= plan.starts; n += 1) {
      for (const [name, open] of Object.entries(windows)) {
        const one = await open();
        console.error(`${name}: content after ${Math.round(one.shown)} ms${n === 0 ? " (not counted)" : ""}`);
        if (n > 0) starts[name].push(one);
      }
    }
    print(starts.empty, starts.app);
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

await main();
