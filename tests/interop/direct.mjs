//! Direct messages: what cannot be done in them, by either engine.

import assert from "node:assert/strict";

import { refusal } from "./council.mjs";
import { Room } from "./room.mjs";
import { ENGINES } from "./words.mjs";

export function directTable(findings) {
  return findings.table(
    "Direct messages",
    "The same in direct messages that Conclave and that an official client began.",
    "Attempt",
    { ours: "By Conclave", official: "By an official client" },
  );
}

const forbidden = {
  "Name it": (actor, { id }) => actor.setField(id, "name", "Ours alone"),
  "Describe it": (actor, { id }) => actor.setField(id, "description", "Ours alone"),
  "Give it a picture": (actor, { id }) => actor.setField(id, "image", "https://images.example/us"),
  "Give it application data": (actor, { id }) => actor.setField(id, "app_data", "{}"),
  "Change a permission": (actor, { id }) => actor.setPermission(id, "add_member", "allow"),
  "Make oneself an admin": (actor, { id }) => actor.addAdmin(id, actor),
  "Make oneself a super admin": (actor, { id }) => actor.addSuperAdmin(id, actor),
  "Add a third person": (actor, { id, third }) => actor.add(id, third),
  "Remove the other": (actor, { id, other }) => actor.remove(id, other),
  "Leave it": (actor, { id }) => actor.leave(id),
};
const CODES = { "Leave it": "cannot_leave" };

export function directTests(test, people, third, table) {
  for (const maker of ENGINES) {
    test(`direct messages that ${maker} began`, async () => {
      // Another pair each time: two people have one direct message.
      const role = maker === "ours" ? "admin" : "super_admin";
      const pair = { ours: people().ours[role], official: people().official[role] };
      const [first, second] = maker === "ours" ? [pair.ours, pair.official] : [pair.official, pair.ours];
      const room = new Room(await first.createDm(second.inboxId), first, second);
      await room.say(first, "between us");
      await room.agree();
      await room.say(second, "only");
      await room.agree();
      for (const engine of ENGINES) {
        const actor = pair[engine];
        const other = actor === first ? second : first;
        for (const [attempt, work] of Object.entries(forbidden)) {
          const code = CODES[attempt] ?? "direct_message";
          await refusal(actor, work(actor, { id: room.id, other, third: third() }), { code });
          table.note(attempt, engine, "refused");
        }
        await room.agree();
        for (const [how, seconds] of [["on", 3600], ["off", null]]) {
          await actor.setDisappearing(room.id, seconds);
          await room.agree();
          for (const one of [first, second]) assert.equal(await one.disappearing(room.id), seconds, `${how}, as ${one.name} shows`);
          table.note(`Disappearing messages ${how}`, engine, "works");
        }
        await room.say(actor, "and nobody else");
        await room.agree();
      }
    });
  }
}
