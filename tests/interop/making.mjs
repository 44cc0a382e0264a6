//! How groups are made: presets, permissions of one's own, disappearing messages; and what a minimum
//! version does to older clients.

import assert from "node:assert/strict";

import { refusal } from "./council.mjs";
import { until } from "./deadline.mjs";
import { ENGINES, EVERYONE } from "./words.mjs";

const ADMINS = { ...EVERYONE, add_member: "admin", name: "admin", description: "admin", image: "admin", app_data: "admin" };
/** Every option somewhere, and hardly one where a preset has it. */
const CUSTOM = {
  add_member: "super_admin",
  remove_member: "deny",
  add_admin: "admin",
  remove_admin: "deny",
  name: "super_admin",
  description: "deny",
  image: "super_admin",
  app_data: "deny",
  // The fallback rule: the official engine writes its choice for one of the two fields only.
  disappearing: "admin",
};

const choices = {
  "Preset: everyone": [{ preset: "everyone" }, EVERYONE],
  "Preset: admins": [{ preset: "admins" }, ADMINS],
  "Permissions of one's own": [{ permissions: CUSTOM }, CUSTOM],
  "Disappearing messages from the start": [{ disappearing: 3600 }, EVERYONE],
};

export function makingTable(findings) {
  return findings.table(
    "Making groups",
    "*works*: both show the same permissions and settings.",
    "Made with",
    { ours: "By Conclave", official: "By an official client" },
  );
}

export function makingTests(test, people, table) {
  for (const [choice, [options, permissions]] of Object.entries(choices)) {
    test(`made with: ${choice}`, async () => {
      for (const engine of ENGINES) {
        const maker = people()[engine].super_admin;
        const other = people()[ENGINES.find((name) => name !== engine)].admin;
        const id = await maker.createGroup(choice, [other.inboxId], options);
        await until(`${other.name} is in`, async () => {
          await other.sync();
          return other.has(id);
        });
        const [mine, theirs] = [await maker.state(id), await other.state(id)];
        for (const state of [mine, theirs]) {
          assert.deepEqual(state.permissions, permissions);
          assert.equal(state.fields.disappearing, options.disappearing ?? null);
        }
        assert.deepEqual([mine.members, mine.superAdmins], [theirs.members, theirs.superAdmins]);
        table.note(choice, engine, "works");
      }
    });
  }

  test("a minimum version that official clients do not have pauses them", async () => {
    const [chair, friend, guest] = [people().ours.super_admin, people().ours.member, people().official.member];
    const id = await chair.createGroup("Only for the newest", [friend.inboxId, guest.inboxId]);
    await until("all are in", async () => {
      await Promise.all([friend.sync(), guest.sync()]);
      return (await friend.has(id)) && (await guest.has(id));
    });
    await chair.setField(id, "minimum_version", "1.10.0");
    await until(`${guest.name} is paused`, async () => {
      await guest.sync();
      return (await guest.pausedFor(id)) === "1.10.0";
    });
    const after = await chair.send(id, "you read this once you have updated");
    await until(`${friend.name} goes on`, async () => {
      await friend.sync();
      return (await friend.messages(id)).some((message) => message.id === after);
    });
    assert.equal(await friend.pausedFor(id), null);
    await guest.sync();
    assert.deepEqual(await guest.messages(id), []);
    await refusal(guest, guest.send(id, "can you hear me?"));
    await refusal(guest, guest.setField(id, "name", "Can you see me?"));
    await refusal(chair, chair.setField(id, "minimum_version", "999.0.0"), { code: "invalid_version" });
  });
}
