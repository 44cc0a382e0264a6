//! Join storm: 200 messages without a pause while four people come in at once, everybody streaming and
//! syncing all the time, Conclave and the official engine among the old members and the new ones.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { until } from "./deadline.mjs";
import { Node } from "./node.mjs";
import { Official } from "./official.mjs";
import { Ours, wallet } from "./ours.mjs";

const ROUNDS = Number(process.env.STORM_ROUNDS ?? 20);
const MESSAGES = 200;
const PUBLISH_EVERY = 5;

const cast = {
  members: { Alix: "ours", Bo: "official", Caro: "ours", Davon: "official" },
  guests: { Eri: "ours", Fritz: "official", Gabi: "ours", Hal: "official" },
};

/** One group's storm: who was in it from the start, who comes in, and what was said. */
class Storm {
  texts = new Map(); // message id -> text

  constructor(node, members, guests, number) {
    Object.assign(this, { node, members, guests, number });
    this.everybody = [...members, ...guests];
  }

  async begin() {
    const [maker, ...others] = turned(this.members, this.number);
    this.id = await maker.createGroup(`Storm ${this.number}`, others.map(({ inboxId }) => inboxId));
    for (const actor of others) await until(`${actor.name} is in`, () => this.#isIn(actor));
  }

  async #isIn(actor) {
    await actor.sync();
    return (await actor.conversations()).includes(this.id);
  }

  /** Everybody talks, comes in, streams and syncs at once, until all is said and everybody is in. */
  async rage() {
    const streams = [];
    for (const actor of this.everybody) streams.push(await actor.stream());
    let raging = true;
    const syncing = this.everybody.map(async (actor) => {
      while (raging) await actor.sync();
    });
    try {
      await Promise.all([...this.members.map((actor) => this.#talk(actor)), this.#arrivals()]);
    } finally {
      raging = false;
      await Promise.all(syncing);
    }
    return streams;
  }

  async #talk(actor) {
    for (let n = 0; n < MESSAGES / this.members.length; n += 1) {
      const text = `${actor.name} ${this.number}.${n}`;
      const { id } = await actor.post(this.id, text);
      assert.ok(!this.texts.has(id), `two messages have the id ${id}`);
      this.texts.set(id, text);
      if (n % PUBLISH_EVERY === PUBLISH_EVERY - 1) await actor.publish(this.id);
    }
  }

  /** Four people at once: by one member in one commit, or by four members in a race. */
  async #arrivals() {
    const adders = turned(this.members, this.number >> 1);
    const add = (adder, ...guests) => adder.persist(() => adder.add(this.id, ...guests));
    if (this.number % 2) await add(adders[0], ...this.guests);
    else await Promise.all(adders.map((adder, index) => add(adder, this.guests[index])));
  }

  /** Waits until everybody has exactly what it must have, and the same state. Gives how the storm was. */
  async settle() {
    let difference;
    try {
      return await until("the storm settles", async () => {
        await Promise.all(this.everybody.map((actor) => actor.sync()));
        const views = new Map();
        for (const actor of this.everybody) views.set(actor, await actor.view(this.id));
        try {
          return await this.#compare(views);
        } catch (error) {
          difference = error;
          return undefined;
        }
      }, { seconds: 60, everyMs: 100 });
    } catch (late) {
      throw late.cause ?? difference ?? late;
    }
  }

  async #compare(views) {
    const [first] = this.members; // ours: shows the node's time of every message, its own too
    const reference = views.get(first);
    for (const [actor, view] of views) {
      const pair = `${actor.name} and ${first.name}`;
      for (const part of ["name", "creator", "members", "epoch", "authenticator"]) {
        assert.deepEqual(view[part], reference[part], `${part} of ${pair}`);
      }
      assert.deepEqual([view.active, view.forked], [true, false], `${actor.name} is in, and sees no fork`);
    }
    const envelopes = await this.node.envelopes(this.id);
    const commits = envelopes.filter(({ isCommit }) => isCommit);
    assert.equal(reference.messages.length, this.texts.size, `${first.name} has everything that was said`);
    const epochs = epochsByTime(envelopes);
    const entitled = this.#epochs(reference, epochs);
    const missed = [];
    for (const [actor, { messages, changes }] of views) {
      const since = this.guests.includes(actor) ? this.#joined(actor, reference, envelopes) : 0;
      // What was sent before a guest came can be sent again under the same id once nobody could read
      // the first copy any more; the time that the guest shows is that of the copy it got.
      const copies = new Map(messages.map(({ id, sentAtNs }) => [id, epochs.get(sentAtNs)]));
      const must = [...entitled].filter(([id, epoch]) => epoch >= since || copies.get(id) >= since).map(([id]) => id);
      const pairs = (list) => list.map(({ id, text }) => `${text} ${id}`).sort();
      assert.deepEqual(
        pairs(messages),
        pairs(must.map((id) => ({ id, text: this.texts.get(id) }))),
        `messages of ${actor.name}, who is in since epoch ${since}`,
      );
      for (const { inboxId, name } of this.guests) {
        const times = changes.filter(({ added }) => added.includes(inboxId)).length;
        // The official engine at times notes its own coming more than once, from its stream and its sync.
        if (actor instanceof Official && inboxId === actor.inboxId) continue;
        assert.ok(times === 1 || (times === 0 && this.guests.includes(actor)), `${actor.name} shows once how ${name} came`);
      }
      missed.push(this.texts.size - must.length);
    }
    return { epochs: reference.epoch, commits: commits.length, missed: Math.max(...missed) };
  }

  /** The MLS epoch of each message, by its time at the node. */
  #epochs(reference, byTime) {
    return new Map(
      reference.messages.map(({ id, sentAtNs }) => {
        assert.ok(byTime.has(sentAtNs), `the node has an envelope of ${sentAtNs}`);
        return [id, byTime.get(sentAtNs)];
      }),
    );
  }

  /** The first epoch of a guest: the one that the commit which added it began. */
  #joined(actor, reference, envelopes) {
    const { sentAtNs } = reference.changes.find(({ added }) => added.includes(actor.inboxId));
    return envelopes.find((envelope) => envelope.isCommit && envelope.sentAtNs === sentAtNs).epoch + 1;
  }

  /** What Conclave's streams brought of this storm: all of it, each once. */
  async drain(streams) {
    for (const [index, stream] of streams.entries()) {
      const actor = this.everybody[index];
      if (stream.complete) {
        const must = (await actor.messages(this.id)).map(({ text }) => text).sort();
        const ours = () => stream.texts.filter((text) => text.includes(` ${this.number}.`)).sort();
        await until(`${actor.name}'s stream brought everything`, () => ours().length >= must.length);
        assert.deepEqual(ours(), must, `the stream of ${actor.name}`);
      }
      assert.deepEqual(stream.errors, [], `${actor.name}'s stream had no error`);
      await stream.end();
    }
  }
}

/** The MLS epoch of each application message at the node, by its time. */
function epochsByTime(envelopes) {
  return new Map(envelopes.filter(({ isCommit }) => !isCommit).map(({ sentAtNs, epoch }) => [sentAtNs, epoch]));
}

/** The list, beginning at another place. */
function turned(list, by) {
  return list.map((_, index) => list[(index + by) % list.length]);
}

describe("join storm", () => {
  const people = [];
  const actors = { members: [], guests: [] };
  let node;

  before(async () => {
    node = await Node.start();
    for (const [group, names] of Object.entries(cast)) {
      for (const [name, engine] of Object.entries(names)) {
        const person = await (engine === "ours" ? Ours : Official).create(`${name} (${engine})`, node.url, wallet());
        people.push(person);
        actors[group].push((await person.live()).actor);
      }
    }
  });

  after(async () => {
    for (const actor of [...actors.members, ...actors.guests]) if (actor.person) await actor.close();
    for (const person of people) await person.close();
    await node?.stop();
  });

  test(`${ROUNDS} rounds`, { timeout: 15 * 60_000 }, async (t) => {
    let missed = 0;
    for (let number = 0; number < ROUNDS; number += 1) {
      const storm = new Storm(node, actors.members, actors.guests, number);
      await storm.begin();
      const start = performance.now();
      const streams = await storm.rage();
      const raged = performance.now() - start;
      const { epochs, commits, missed: most } = await storm.settle();
      await storm.drain(streams);
      missed += most;
      t.diagnostic(
        `round ${number}: ${Math.round(raged)} ms, settled after ${Math.round(performance.now() - start - raged)} ms, ` +
          `${commits} commits for ${epochs} epochs, the last guest came after ${most} messages`,
      );
    }
    assert.ok(missed > 0 && missed < ROUNDS * MESSAGES, "people came in while messages were under way");
  });
});
