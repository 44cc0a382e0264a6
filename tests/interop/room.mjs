//! A conversation as the test knows it: who is in it and which messages each of them must have.

import assert from "node:assert/strict";

import { until } from "./deadline.mjs";
import { Official } from "./official.mjs";

export class Room {
  #ledger = new Map(); // actor -> ids that it must have
  #texts = new Map(); // id -> text
  #may = new Map(); // actor -> ids that it may have
  #inside = new Set();

  constructor(id, ...actors) {
    this.id = id;
    this.enter(...actors);
  }

  /** From now on these see every message. */
  enter(...actors) {
    for (const actor of actors) {
      this.#inside.add(actor);
      if (!this.#ledger.has(actor)) this.#ledger.set(actor, new Set());
    }
  }

  /** From now on these see nothing more. */
  leave(...actors) {
    for (const actor of actors) this.#inside.delete(actor);
  }

  async say(actor, text) {
    const id = await actor.send(this.id, text);
    this.note(id, text);
    return id;
  }

  /** Notes a message that was sent by other means than `say`. */
  note(id, text) {
    assert.ok(!this.#texts.has(id), `two messages have the id ${id}`);
    this.#texts.set(id, text);
    for (const actor of this.#inside) this.#ledger.get(actor).add(id);
  }

  /**
   * A new installation of a member comes in by itself once somebody sends. It may or may not have
   * the messages sent meanwhile; it must have all after that.
   */
  async admit(newcomer, sender) {
    const knocks = new Set();
    await until(`${newcomer.name}'s new installation is in the group`, async () => {
      knocks.add(await this.say(sender, `knock ${knocks.size}`));
      await newcomer.sync();
      return (await newcomer.conversations()).includes(this.id);
    }, { everyMs: 1000, seconds: 60 });
    this.#may.set(newcomer, knocks);
    this.enter(newcomer);
  }

  /** Waits until everybody inside shows the same state and exactly the messages they must have. */
  async agree(seconds = 60) {
    let difference;
    try {
      await until("everybody agrees", async () => {
        const views = new Map();
        for (const actor of this.#inside) await actor.sync();
        for (const actor of this.#inside) views.set(actor, await actor.view(this.id));
        try {
          this.#compare(views);
        } catch (error) {
          difference = error;
          return false;
        }
        return true;
      }, { seconds, everyMs: 200 });
    } catch (late) {
      throw late.cause ?? difference ?? late;
    }
  }

  /**
   * While it syncs and streams at once, the official engine sometimes keeps the local time of a message
   * of its own, from before it was published, instead of the node's (groups.md 7.2). Only the sender
   * itself shows it so; everybody else's time is put in its place, and the order made anew.
   */
  #settleOwnTimes(views) {
    const isOwn = (actor, { sender }) => actor instanceof Official && sender === actor.inboxId;
    const times = new Map();
    for (const [actor, { messages }] of views) {
      for (const message of messages) if (!isOwn(actor, message)) times.set(message.id, message.sentAtNs);
    }
    const settled = (actor, message) =>
      isOwn(actor, message) ? { ...message, sentAtNs: times.get(message.id) ?? message.sentAtNs } : message;
    const byTime = (a, b) => Number(BigInt(a.sentAtNs) - BigInt(b.sentAtNs));
    for (const [actor, view] of views) {
      view.messages = view.messages.map((message) => settled(actor, message));
      if (actor instanceof Official) view.messages.sort(byTime);
    }
  }

  #compare(views) {
    this.#settleOwnTimes(views);
    const [[first, reference], ...others] = [...views].sort(
      ([a], [b]) => this.#ledger.get(b).size - this.#ledger.get(a).size,
    );
    for (const [actor, view] of views) {
      assert.equal(view.active, true, `${actor.name} is a member`);
      assert.equal(view.forked, false, `${actor.name} sees no fork`);
      assert.equal(view.gaps ?? 0, 0, `${actor.name} has no gap`);
      this.#messagesOf(actor, view.messages);
    }
    for (const [actor, view] of others) {
      const pair = `${actor.name} and ${first.name}`;
      for (const part of ["kind", "name", "creator", "members", "epoch", "authenticator"]) {
        assert.deepEqual(view[part], reference[part], `${part} of ${pair}`);
      }
      const known = new Set(view.messages.map(({ id }) => id));
      assert.deepEqual(view.messages, reference.messages.filter(({ id }) => known.has(id)), `order of ${pair}`);
      // What an actor knows of the group's changes begins with its own welcome.
      const welcome = view.changes.findLastIndex(({ added }) => added.includes(actor.inboxId));
      const later = view.changes.slice(welcome + 1);
      const same = reference.changes.slice(reference.changes.length - later.length);
      assert.deepEqual(later, same, `changes of ${pair}`);
    }
  }

  /** Exactly those it must have, each once, with their texts. */
  #messagesOf(actor, messages) {
    const must = this.#ledger.get(actor);
    const may = this.#may.get(actor) ?? new Set();
    const ids = messages.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, `${actor.name} has nothing twice`);
    const counted = messages.filter(({ id }) => must.has(id) || !may.has(id));
    const pairs = (list) => list.map(({ id, text }) => `${text} ${id}`).sort();
    const wanted = [...must].map((id) => ({ id, text: this.#texts.get(id) }));
    assert.deepEqual(pairs(counted), pairs(wanted), `messages of ${actor.name}`);
  }

  /** Waits until an actor knows that it is out; it keeps what it had and gets nothing more. */
  async out(actor) {
    assert.ok(!this.#inside.has(actor));
    await until(`${actor.name} knows that it was removed`, async () => {
      await actor.sync();
      return !(await actor.isActive(this.id));
    });
    this.#messagesOf(actor, await actor.messages(this.id));
  }
}
