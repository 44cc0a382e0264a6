//! One story, told by any mixture of engines: groups, people coming and going, names, many messages
//! at once, direct messages, a second device.

import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "./deadline.mjs";
import { Node } from "./node.mjs";
import { Official } from "./official.mjs";
import { Ours, wallet } from "./ours.mjs";
import { Room } from "./room.mjs";

const BURST = 200;
const engines = { ours: Ours, official: Official };

/** What `cast` says which engine each person uses: `{ creator, peer, caro, davon, eri: [first, second] }`. */
export function story(title, cast) {
  test(title, { timeout: 15 * 60_000 }, async (t) => {
    const node = await Node.start();
    const people = [];
    const join = async (name, engine, account = wallet()) => {
      const actor = await engines[engine].create(name, node.url, account);
      people.push(actor);
      return actor;
    };
    t.after(async () => {
      for (const actor of people) await actor.close();
      const exit = await node.stop();
      assert.equal(exit.code, 0, "the node ends cleanly");
    });

    const alix = await join(`Alix (${cast.creator})`, cast.creator);
    const bo = await join(`Bo (${cast.peer})`, cast.peer);
    const caro = await join(`Caro (${cast.caro})`, cast.caro);
    const davon = await join(`Davon (${cast.davon})`, cast.davon);
    const eriWallet = wallet();
    const eri = await join(`Eri (${cast.eri[0]})`, cast.eri[0], eriWallet);

    let room;
    let second;
    // A later step makes no sense where an earlier one failed.
    let broken = false;
    const step = (name, work) =>
      t.test(name, { skip: broken && "an earlier step failed" }, async () => {
        broken = true;
        await work();
        broken = false;
      });

    await step("a group of two", async () => {
      room = new Room(await alix.createGroup("Cabinet", [bo.inboxId]), alix, bo);
      await room.agree();
      await room.say(alix, "hello Bo");
      await room.agree();
      await room.say(bo, "hello Alix, ünïcödé 🗝️");
      await room.agree();
    });

    await step("the creator adds people of both kinds", async () => {
      await alix.add(room.id, caro, davon);
      room.enter(caro, davon);
      await room.agree();
      for (const actor of [caro, davon, bo, alix]) await room.say(actor, `${actor.name} is here`);
      await room.agree();
    });

    await step("the other adds somebody too", async () => {
      await bo.sync();
      await bo.add(room.id, eri);
      room.enter(eri);
      await room.agree();
      await room.say(eri, "thanks for having me");
      await room.agree();
    });

    await step("both rename it", async () => {
      await alix.rename(room.id, "Conclave of five");
      await room.agree();
      assert.equal((await bo.view(room.id)).name, "Conclave of five");
      await bo.rename(room.id, "Conclave: fünf");
      await room.agree();
      assert.equal((await alix.view(room.id)).name, "Conclave: fünf");
    });

    await step("people are removed and read nothing more", async () => {
      await alix.remove(room.id, caro, davon);
      room.leave(caro, davon);
      await room.say(alix, "only for three");
      await room.say(bo, "indeed");
      await room.agree();
      await room.out(caro);
      await room.out(davon);
    });

    await step("removed people come back", async () => {
      await bo.add(room.id, caro);
      await alix.sync();
      await alix.add(room.id, davon);
      room.enter(caro, davon);
      await room.agree();
      await room.say(caro, "back again");
      await room.say(davon, "me too");
      await room.agree();
    });

    await step("a member's second installation, of the other kind", async () => {
      second = await join(`Eri's second (${cast.eri[1]})`, cast.eri[1], eriWallet);
      assert.equal(second.inboxId, eri.inboxId);
      assert.notEqual(second.installationId, eri.installationId);
      await room.admit(second, alix);
      await room.agree();
      await room.say(second, "from my other device");
      await room.say(eri, "and from the first");
      await room.agree();
      const member = (await bo.view(room.id)).members.find(({ inboxId }) => inboxId === eri.inboxId);
      assert.deepEqual(member.installations, [eri.installationId, second.installationId].sort());
    });

    await step(`${BURST} messages each way while both sync and stream`, async () => {
      await burst(room, alix, bo);
      await room.agree(120);
    });

    await step("a group of everybody at once, by each", async () => {
      // So many installations are welcomed through pointers.
      for (const [maker, ...others] of [[alix, bo, caro, davon, eri, second], [bo, alix, caro, davon, eri, second]]) {
        const inboxes = new Set(others.map(({ inboxId }) => inboxId));
        const all = new Room(await maker.createGroup(`All, by ${maker.name}`, [...inboxes]), maker, ...others);
        await all.agree();
        for (const actor of [maker, ...others]) await all.say(actor, `${actor.name} is in`);
        await all.agree();
      }
    });

    await step("a direct message each way", async () => {
      for (const [from, to] of [[alix, bo], [davon, caro]]) {
        const dm = new Room(await from.createDm(to.inboxId), from, to);
        await dm.say(from, "just between us");
        await dm.agree();
        await dm.say(to, "of course");
        await dm.agree();
        assert.equal(await to.createDm(from.inboxId), dm.id, "the other finds the same conversation");
        assert.equal((await to.view(dm.id)).kind, "dm");
        await dm.agree();
      }
    });
  });
}

/** Both send at once, both stream, both sync all the time; each must see all of it exactly once. */
async function burst(room, ...people) {
  const lives = [];
  try {
    for (const person of people) lives.push(await person.live());
    const actors = lives.map(({ actor }) => actor);
    const streams = [];
    for (const actor of actors) {
      await actor.sync();
      streams.push(await actor.stream());
    }
    let sending = true;
    const syncing = actors.map(async (actor) => {
      while (sending) await actor.sync();
    });
    const texts = actors.map((actor) => Array.from({ length: BURST }, (_, n) => `${actor.name} ${n}`));
    try {
      await Promise.all(
        actors.map(async (actor, index) => {
          for (const text of texts[index]) await room.say(actor, text);
        }),
      );
    } finally {
      sending = false;
      await Promise.all(syncing);
    }
    for (const [index, stream] of streams.entries()) {
      const others = texts.filter((_, author) => author !== index).flat();
      const foreign = () => stream.texts.filter((text) => others.includes(text));
      const enough = stream.complete ? others.length : 1;
      await until(`${actors[index].name}'s stream brought everything`, () => new Set(foreign()).size >= enough);
      if (stream.complete) assert.deepEqual(foreign(), others, "everything once and in order");
      assert.deepEqual(stream.errors, []);
      await stream.end();
    }
  } finally {
    for (const { end } of lives) await end();
  }
}
