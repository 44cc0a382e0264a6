//! Leave requests of each engine's people, executed by each engine's super admin.

import assert from "node:assert/strict";

import { refusal } from "./council.mjs";
import { until } from "./deadline.mjs";
import { Room } from "./room.mjs";
import { ENGINES } from "./words.mjs";

export function leaveTable(findings) {
  return findings.table(
    "Leaving",
    "A person asks to leave, a super admin's app takes them out, and everybody shows that they left rather than that they\n" +
      "were removed. Who left keeps what they had and reads nothing more; they can be added again.",
    "Who leaves",
    { ours: "Conclave's super admin executes it", official: "An official client's super admin executes it" },
  );
}

export function leaveTests(test, people, table) {
  for (const executor of ENGINES) {
    for (const leaver of ENGINES) {
      test(`${leaver} leaves, ${executor} executes it`, async () => {
        const chair = people()[executor].super_admin;
        const goer = people()[leaver].member;
        const witnesses = ENGINES.map((engine) => people()[engine].admin);
        const who = [goer, ...witnesses];
        const room = new Room(await chair.createGroup("Revolving door", who.map(({ inboxId }) => inboxId)), chair, ...who);
        await room.agree();
        await room.say(chair, "stay a little");
        await room.agree();

        await goer.leave(room.id);
        await until(`${goer.name} is out`, async () => {
          await Promise.all([chair, ...who].map((actor) => actor.sync()));
          return !(await goer.isActive(room.id));
        });
        room.leave(goer);
        await room.say(chair, "now among ourselves");
        await room.agree();
        await room.out(goer);
        for (const actor of [chair, ...witnesses]) {
          const { left, removed } = (await actor.view(room.id)).changes.at(-1);
          assert.deepEqual({ left, removed }, { left: [goer.inboxId], removed: [] }, `what ${actor.name} shows`);
        }

        await chair.add(room.id, goer);
        room.enter(goer);
        await room.agree();
        await room.say(goer, "back again");
        await room.agree();
        table.note(leaver === "ours" ? "Somebody on Conclave" : "Somebody on an official client", executor, "works");
      });
    }
  }

  test("nobody leaves a group alone", async () => {
    for (const engine of ENGINES) {
      const actor = people()[engine].super_admin;
      const id = await actor.createGroup("Alone", []);
      await refusal(actor, actor.leave(id), { code: "cannot_leave" });
    }
  });
}
