//! Two people write to each other as fast as they can while processes are killed at random moments.
//! Whatever `message_send` acknowledged must be there afterwards, once, on both sides.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { until } from "../interop/deadline.mjs";
import { Node } from "../interop/node.mjs";
import { Failure, Ours } from "../interop/ours.mjs";
import { Dice } from "./dice.mjs";

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 200);
const LATEST_MS = 300;

/** One person who is started again after each crash. */
class Side {
  acknowledged = []; // {id, text}, over all rounds
  inFlight = false;

  constructor(person) {
    this.person = person;
  }

  get name() {
    return this.person.name;
  }

  async start() {
    this.served = await this.person.serve();
  }

  /** Writes, syncs and now and then renames until it is told to stop or the process dies. */
  async work(id, round, dice, done) {
    for (let n = 0; !done(); n += 1) {
      const text = `round ${round} ${this.name} ${n}`;
      try {
        this.inFlight = true;
        if (n > 0 && dice.below(40) === 0) await this.served.rename(id, `name of ${text}`);
        if (n > 0 && dice.below(10) === 0) await this.served.call("conversation_sync", { conversation_id: id });
        const message = await this.served.post(id, text);
        this.acknowledged.push({ id: message.id, text });
        this.inFlight = false;
      } catch (error) {
        // A connection that broke is what this test is about, and so is a node that is away for a
        // moment; any other answer that says no is a defect.
        if (!(error instanceof Failure)) return;
        if (!error.retryable) throw error;
      }
    }
  }

  /** What this side shows: at least the last `count` rows, and the group's state. */
  async shows(id, count) {
    await this.served.call("conversation_sync", { conversation_id: id });
    const rows = await this.served.rows(id, count);
    const { name, epoch } = await this.served.call("conversation_get", { conversation_id: id });
    const { epoch_authenticator: authenticator, fork } = await this.served.call("group_debug", { conversation_id: id });
    const messages = rows.filter(({ kind }) => kind === "application");
    return {
      settled: messages.every(({ delivery }) => delivery === "published"),
      failed: messages.filter(({ delivery }) => delivery === "failed").map(({ text, failure }) => ({ text, failure })),
      gaps: rows.filter(({ kind }) => kind === "gap").length,
      messages: messages.map(({ id, text, sender_inbox_id, sent_at_ns }) => ({ id, text, sender_inbox_id, sent_at_ns })),
      state: { name, epoch, authenticator, fork },
    };
  }
}

/** Waits until both show the same, then checks that it is what was acknowledged. */
async function agree(id, sides, since, count) {
  let shown;
  const same = () => until("both sides show the same, all of it published", async () => {
    shown = await Promise.all(sides.map((side) => side.shows(id, count)));
    for (const { failed } of shown) assert.deepEqual(failed, [], "nothing fails for good");
    const [a, b] = shown.map(({ messages, state }) => {
      const from = messages.findIndex(({ text }) => text.startsWith(`round ${since} `));
      return JSON.stringify([from < 0 ? [] : messages.slice(from), state]);
    });
    return shown.every(({ settled }) => settled) && a === b;
  });
  await same().catch((late) => {
    if (shown) {
      assert.deepEqual(shown[0].state, shown[1].state);
      assert.deepEqual(shown[0].messages, shown[1].messages);
    }
    throw late;
  });
  for (const { gaps, state, messages } of shown) {
    assert.equal(gaps, 0, "no gap");
    assert.equal(state.fork, "none");
    const texts = messages.map(({ text }) => text);
    assert.equal(new Set(texts).size, texts.length, "nothing twice");
    assert.equal(new Set(messages.map(({ id }) => id)).size, messages.length, "no id twice");
    const byText = new Map(messages.map((message) => [message.text, message.id]));
    for (const { acknowledged } of sides) {
      for (const { id, text } of acknowledged) {
        if (Number(text.split(" ")[1]) >= since) assert.equal(byText.get(text), id, `"${text}" is not lost`);
      }
    }
  }
}

async function conversation(t) {
  const node = await Node.start();
  const sides = [];
  t.after(async () => {
    for (const side of sides) {
      if (!side.served?.program.exit) await side.served?.close();
      await side.person.close();
    }
    await node.stop();
  });
  for (const name of ["Alix", "Bo"]) sides.push(new Side(await Ours.create(name, node.url)));
  const [alix, bo] = sides;
  const id = await alix.person.createGroup("Kill", [bo.person.inboxId]);
  await bo.person.sync();
  for (const side of sides) await side.start();
  return { node, sides, id };
}

/** Both work; after a random moment `strike` ends something; both agree on this round's messages. */
async function round(number, { id, sides }, dice, strike) {
  let over = false;
  const before = sides.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  const working = sides.map((side) => side.work(id, number, dice, () => over));
  await pause(dice.fraction() * LATEST_MS); // the random moment itself, not a wait for something
  await strike();
  over = true;
  await Promise.all(working);
  for (const side of sides) if (side.served.program.exit) await side.start();
  const written = sides.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0) - before;
  await agree(id, sides, number, written + 100);
}

test(`kill -9 at ${ROUNDS} random moments of a busy conversation`, { timeout: 30 * 60_000 }, async (t) => {
  const dice = new Dice();
  t.diagnostic(`KILL_SEED=${dice.seed}`);
  const talk = await conversation(t);
  let amidst = 0;
  for (let number = 0; number < ROUNDS; number += 1) {
    const victims = dice.one([[0], [1], [0], [1], [0, 1]]).map((index) => talk.sides[index]);
    await round(number, talk, dice, async () => {
      if (victims.some(({ inFlight }) => inFlight)) amidst += 1;
      await Promise.all(victims.map(({ served }) => served.crash()));
    });
  }
  await agree(talk.id, talk.sides, 0, Infinity);
  const total = talk.sides.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  t.diagnostic(`${total} messages acknowledged; ${amidst} of ${ROUNDS} kills hit a command that was being carried out`);
  assert.ok(total > ROUNDS, "the conversation was busy");
  assert.ok(amidst > ROUNDS / 2, "kills hit real work");
});

test("kill -9 of the node under a busy conversation", { timeout: 10 * 60_000 }, async (t) => {
  const dice = new Dice();
  t.diagnostic(`KILL_SEED=${dice.seed}`);
  const talk = await conversation(t);
  const rounds = Math.ceil(ROUNDS / 20);
  for (let number = 0; number < rounds; number += 1) {
    await round(number, talk, dice, () => talk.node.restart({ signal: "SIGKILL" }));
  }
  await agree(talk.id, talk.sides, 0, Infinity);
});
