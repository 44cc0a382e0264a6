//! Operations of several steps, killed in the midst of them: done wholly or not at all.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { until } from "../interop/deadline.mjs";
import { Node } from "../interop/node.mjs";
import { Failure, Ours } from "../interop/ours.mjs";
import { Dice } from "./dice.mjs";

const ATTEMPTS = 10;

/** Starts `work` on a served person and kills the process at a random moment of it. */
async function killDuring(person, dice, typicalMs, work) {
  const served = await person.serve();
  const result = work(served).then((value) => ({ value }), (error) => ({ error }));
  await pause(dice.fraction() * typicalMs);
  await served.crash();
  const { value, error } = await result;
  if (error instanceof Failure) throw error;
  return value;
}

test("registration goes on where a crash stopped it", { timeout: 10 * 60_000 }, async (t) => {
  const dice = new Dice();
  t.diagnostic(`KILL_SEED=${dice.seed}`);
  const node = await Node.start();
  const people = [];
  t.after(async () => {
    for (const person of people) await person.close();
    await node.stop();
  });
  const started = Date.now();
  const alix = await Ours.create("Alix", node.url);
  const typicalMs = Date.now() - started;
  people.push(alix);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const bo = await Ours.prepare(`Bo ${attempt}`, node.url);
    people.push(bo);
    const creation = bo.start(["account", "create", "--private-key-file", bo.walletFile], { node: node.url });
    await Promise.race([pause(dice.fraction() * typicalMs), creation.exited]);
    await creation.end("SIGKILL");
    await bo.register().catch(async (error) => {
      // The kill came too late to interrupt anything.
      if (error.code !== "account_exists") throw error;
      Object.assign(bo, { inboxId: (await bo.one(["account", "show"])).inbox_id });
    });
    const account = await bo.one(["account", "show"]);
    assert.equal(account.registered, true);
    assert.equal((await bo.lines(["device", "list"])).length, 1, "one installation, not one per attempt");
    const group = await alix.createGroup(`After crash ${attempt}`, [bo.inboxId]);
    const id = await alix.send(group, "can you read this?");
    await bo.sync();
    assert.deepEqual((await bo.messages(group)).map((message) => message.id), [id]);
  }
});

test("a group is made wholly or not at all", { timeout: 10 * 60_000 }, async (t) => {
  const dice = new Dice();
  t.diagnostic(`KILL_SEED=${dice.seed}`);
  const node = await Node.start();
  const alix = await Ours.create("Alix", node.url);
  const bo = await Ours.create("Bo", node.url);
  const caro = await Ours.create("Caro", node.url);
  t.after(async () => {
    for (const person of [alix, bo, caro]) await person.close();
    await node.stop();
  });
  const who = [bo.inboxId, caro.inboxId];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    await killDuring(alix, dice, 200, (served) => served.createGroup(`Half ${attempt}?`, who));
  }
  await alix.sync();
  for (const id of await alix.conversations()) {
    const made = await alix.view(id);
    assert.equal(made.members.length, 3, `"${made.name}" has all its members`);
    for (const person of [bo, caro]) {
      await until(`${person.name} is in "${made.name}"`, async () => {
        await person.sync();
        return (await person.conversations()).includes(id);
      });
      const theirs = await person.view(id);
      assert.deepEqual([theirs.name, theirs.epoch, theirs.authenticator], [made.name, made.epoch, made.authenticator]);
    }
  }
});

test("people are added wholly or not at all", { timeout: 10 * 60_000 }, async (t) => {
  const dice = new Dice();
  t.diagnostic(`KILL_SEED=${dice.seed}`);
  const node = await Node.start();
  const alix = await Ours.create("Alix", node.url);
  const bo = await Ours.create("Bo", node.url);
  t.after(async () => {
    for (const person of [alix, bo]) await person.close();
    await node.stop();
  });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const id = await alix.createGroup(`Half ${attempt}?`, []);
    await killDuring(alix, dice, 150, (served) =>
      served.call("member_add", { conversation_id: id, who: [bo.inboxId] }),
    );
    await alix.sync();
    const after = await alix.view(id);
    if (after.members.length === 1) await alix.add(id, bo); // not at all: it can be done again
    const message = await alix.send(id, "welcome");
    await until("Bo reads what was sent after the addition", async () => {
      await bo.sync();
      return (await bo.conversations()).includes(id);
    });
    assert.deepEqual((await bo.messages(id)).map((one) => one.id), [message]);
    const [mine, theirs] = [await alix.view(id), await bo.view(id)];
    assert.deepEqual([theirs.epoch, theirs.authenticator], [mine.epoch, mine.authenticator]);
  }
});
