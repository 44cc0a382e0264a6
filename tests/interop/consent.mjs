//! Consent: who must be heard, who waits, who is blocked, on each engine.

import assert from "node:assert/strict";

import { until } from "./deadline.mjs";
import { ENGINES } from "./words.mjs";

export function consentTable(findings) {
  return findings.table(
    "Consent",
    "Consent stays on the person's own devices; nothing of it is sent to others. *unknown* in Conclave means: among the\n" +
      "requests.",
    "What happened",
    { ours: "On Conclave", official: "On an official client" },
  );
}

export function consentTests(test, people, table) {
  for (const engine of ENGINES) {
    test(`consent on ${engine}`, async () => {
      const other = ENGINES.find((name) => name !== engine);
      const [actor, stranger] = [people()[engine].admin, people()[other].member];
      const made = await actor.createGroup("Made by myself", [stranger.inboxId]);
      table.note("A group the person made", engine, await actor.consent(made));

      const id = await stranger.createGroup("Made by a stranger", [actor.inboxId]);
      const send = async (text) => {
        const message = await stranger.send(id, text);
        await until(`${actor.name} has "${text}"`, async () => {
          await stranger.sync();
          await actor.syncAll();
          return (await actor.messages(id)).some((one) => one.id === message);
        });
      };
      await actor.sync();
      await send("may I?");
      table.note("A group that a stranger added them to", engine, await actor.consent(id));
      await actor.send(id, "you may");
      table.note("After they answer there", engine, await actor.consent(id));
      assert.equal(await actor.isListed(id), true);

      await actor.setConsent(id, "denied");
      await send("are you there?");
      table.note("Blocked: new messages", engine, "stored");
      table.note("Blocked: the list", engine, (await actor.isListed(id)) ? "shows it" : "hides it");
      assert.equal(await actor.consent(id), "denied");
      await actor.setConsent(id, "allowed");
      assert.equal(await actor.isListed(id), true);
      assert.ok((await actor.messages(id)).some(({ text }) => text === "are you there?"), "nothing is lost meanwhile");

      await actor.setInboxConsent(stranger.inboxId, "denied");
      assert.equal(await actor.inboxConsent(stranger.inboxId), "denied");
      const next = await stranger.createGroup("Made by somebody who is blocked", [actor.inboxId]);
      await until(`${actor.name} has the group`, async () => {
        await actor.syncAll();
        return actor.has(next);
      });
      table.note("A group of a person they blocked", engine, `${(await actor.isListed(next)) ? "listed" : "hidden"}, ${await actor.consent(next)}`);
      await actor.setInboxConsent(stranger.inboxId, "allowed");
      assert.equal(await actor.isListed(next), true);
      assert.equal(await actor.inboxConsent(stranger.inboxId), "allowed");
    });
  }
}
