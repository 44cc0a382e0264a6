//! `./dev bench history [--quick]`, its second part: the same conversations given to a new installation by
//! ours and by the official engine (npm @xmtp/node-bindings 1.8.1), over the same node: bytes of the
//! archive, and the time from the request until it lies there and until it is taken in.

import { randomBytes } from "node:crypto";
import { availableParallelism, cpus } from "node:os";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "../tests/interop/deadline.mjs";
import { Node } from "../tests/interop/node.mjs";
import { Official } from "../tests/interop/official.mjs";
import { Ours, wallet } from "../tests/interop/ours.mjs";

process.env.CONCLAVE_BIN ??= resolve(dirname(fileURLToPath(import.meta.url)), "../target/release");

const plan = process.argv.includes("--quick") ? { groups: 5, messages: 500 } : { groups: 50, messages: 10_000 };
const WORDS = "tea by the sea with a friend of mine who knows the way over the hills and back again".split(" ");

/** 3 to 60 words, as people write them: nothing repeats from one message to the next. */
function text(number) {
  const length = 3 + ((number * 31) % 58);
  return Array.from({ length }, (_, n) => WORDS[(number * 7 + n * n) % WORDS.length]).join(" ") + ` ${number}`;
}

async function main() {
  const ends = [];
  const keep = (actor) => {
    ends.push(() => actor.close());
    return actor;
  };
  try {
    const node = await Node.start();
    ends.push(() => node.stop());
    const account = wallet();
    const desktop = keep(await Ours.create("Alix' desktop", node.url, account));
    await desktop.sync();
    const historyServer = `http://${node.httpAddress}`;
    const encryptionKey = randomBytes(32);
    const phone = keep(await Official.create("Alix' phone", node.url, account, { historyServer, encryptionKey }));
    const bo = keep(await (keep(await Ours.create("Bo", node.url))).serve());
    for (let group = 0; group < plan.groups; group++) {
      const id = await bo.createGroup(`Group ${group}`, [desktop.inboxId]);
      for (let n = 0; n < plan.messages / plan.groups; n++) await bo.post(id, text(group * 1_000 + n));
      await bo.call("conversation_sync", { conversation_id: id });
    }
    await phone.sync();
    await desktop.sync();

    const transfer = async (actor, pin) => (await actor.one(["history", "list"])).transfers.find((one) => one.pin === pin);
    const secondsSince = (began) => (performance.now() - began) / 1000;
    const rows = [];
    /** A new installation asks and takes; `give` is what somebody else does meanwhile. */
    const measure = async (who, give) => {
      const tablet = keep(await Ours.create(`for ${who}`, node.url, account));
      await tablet.sync();
      const asked = await tablet.one(["history", "request"]);
      const began = performance.now();
      let ready;
      await until(`${who} gave the history`, async () => {
        await give(asked.pin);
        await tablet.sync();
        ready = await transfer(tablet, asked.pin);
        return ready.phase === "ready";
      }, { seconds: 300, everyMs: 200 });
      const given = secondsSince(began);
      const taking = performance.now();
      const done = await tablet.one(["history", "take", asked.pin]);
      if (done.phase !== "done") throw new Error(JSON.stringify(done));
      rows.push({ who, given, taken: secondsSince(taking), bytes: done.bytes_total, messages: done.messages_done });
    };
    // The phone answers what it finds when it syncs, and not what the desktop has claimed.
    await measure("ours", async (pin) => {
      await desktop.sync();
      if ((await transfer(desktop, pin))?.phase === "held") await desktop.one(["history", "allow", pin]);
    });
    await measure("official", () => phone.syncDevices());

    console.log(`\n${cpus()[0].model}, ${availableParallelism()} cores; ${plan.messages} messages in ${plan.groups} groups, given to a new installation`);
    for (const { who, given, taken, bytes, messages } of rows) {
      const each = (bytes / messages).toFixed(0);
      console.log(`${who.padEnd(9)} ${messages} messages, ${(bytes / 1e6).toFixed(2)} MB (${each} bytes each), there after ${given.toFixed(1)} s, taken in after another ${taken.toFixed(1)} s`);
    }
    const [own, theirs] = rows;
    console.log(`bytes, ours to official: ${(own.bytes / own.messages / (theirs.bytes / theirs.messages)).toFixed(2)}`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

await main();
