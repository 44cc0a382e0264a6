//! One person at two windows: the second device asks the first for the history.

import assert from "node:assert/strict";
import test from "node:test";

import { until } from "../interop/deadline.mjs";
import { Ours } from "../interop/ours.mjs";
import { command } from "./outsider.mjs";
import { at } from "./screen.mjs";
import { onStage } from "./stage.mjs";
import { Window } from "./window.mjs";

/** Enough to be stopped in the middle of taking it in. */
const PAST = 3_000;
const past = (n) => `message ${n} of a long past`;
const LAST = past(PAST - 1);
/** What a transfer is doing between the answer and the end. */
const TAKING = new Set(["downloading", "verifying", "importing"]);

/** The eight words that a screen shows for comparison. */
async function code(screen) {
  const [shown] = await screen.see("history-code");
  const words = shown.data.code.split(" ");
  assert.equal(words.length, 8);
  return words;
}

/** The second device asks; the first one is shown the request. Both show the same words. */
async function ask(laptop, alix) {
  await laptop.screen.see("history-dialog");
  await laptop.screen.look("60-history-ask");
  await laptop.screen.click("history-ask");
  await laptop.screen.see(at("transfer-phase", { phase: "waiting" }));
  await alix.screen.see(at("transfer-notice", { phase: "held" }));
  await alix.screen.click("transfer-notice-show");
  await alix.screen.see("history-sheet");
  assert.deepEqual(await code(alix.screen), await code(laptop.screen));
}

test("a second device gets the history by a handshake that is compared", (t) =>
  onStage(t, Window.prepare, async ({ node, chapter, enter }) => {
    let alix, laptop, cabin;

    await chapter("a person with a past", async () => {
      alix = await enter("alix");
      await alix.join(node.url);
      const bo = await Ours.create("bo", node.url);
      try {
        const actor = await bo.serve();
        cabin = await actor.createGroup("Cabin", [alix.address]);
        for (let n = 0; n < PAST; n++) await actor.call("message_send", { conversation_id: cabin, text: past(n) });
        await actor.call("conversation_sync", { conversation_id: cabin });
        await actor.close();
      } finally {
        await bo.close();
      }
      await alix.acceptConversation("Cabin");
      await alix.screen.see(at("conversation-preview", { text: LAST }), { seconds: 120 });
      await alix.say("That was long.");
    });

    await chapter("the same person on a second device: the inbox is there, history is offered", async () => {
      laptop = await enter("laptop");
      const { screen } = laptop;
      await screen.click("first-run-import");
      await screen.fill("import-secret", alix.phrase.join(" "));
      await screen.click("import-submit");
      await laptop.chooseNode(node.url);
      await screen.see("inbox-exists");
      await screen.look("59-inbox-exists");
      await screen.click("register");
      await laptop.arrive();
      assert.equal(laptop.address, alix.address);
    });

    await chapter("the first device asks whether the new one is known", async () => {
      await alix.screen.see("new-device", { count: 1 });
      await alix.screen.look("61-new-device");
      await alix.screen.click("new-device-yes");
      await alix.screen.gone("new-device");
    });

    await chapter("refused once", async () => {
      await ask(laptop, alix);
      await alix.screen.look("62-request");
      await alix.screen.click("request-refuse");
      await alix.screen.click("transfer-close");
      await laptop.screen.see(at("transfer-phase", { phase: "refused" }), { seconds: 60 });
      await laptop.screen.look("63-refused");
      assert.equal(await laptop.screen.sees(at("message", { text: LAST })), false);
    });

    await chapter("allowed once, killed while it is taken in, and gone on with", async () => {
      await laptop.screen.click("transfer-again");
      await ask(laptop, alix);
      await alix.screen.click("request-allow");
      await laptop.screen.see("transfer-phase", { seconds: 60, each: ({ data }) => TAKING.has(data.phase) });
      await laptop.screen.kill();
      await laptop.screen.open();
      await laptop.screen.see("main-window");
      await laptop.screen.see(at("transfer-notice", { phase: "done" }), { seconds: 120 });
      await laptop.screen.click("transfer-notice-show");
      const [done] = await laptop.screen.see("transfer-done");
      assert.match(done.text, /3,00\d messages/);
      await laptop.screen.look("64-done");
      await laptop.screen.click("transfer-close");
      await laptop.screen.gone("transfer-notice");
      // Counts stand on both sides.
      await alix.screen.see(at("transfer-phase", { phase: "done" }), { seconds: 60 });
      const [sent] = await alix.screen.see("transfer-done");
      assert.match(sent.text, /3,00\d messages/);
      await alix.screen.click("transfer-close");
    });

    await chapter("all of it is there, once, and both devices go on", async () => {
      const { screen } = laptop;
      await laptop.open("Cabin");
      await screen.see(at("message", { text: "That was long." }));
      await alix.say("Now on both.");
      await screen.see(at("message", { text: "Now on both." }), { seconds: 60 });
      await screen.look("65-restored");
      assert.equal(await screen.sees("problem"), false);
      await screen.close();
      // The window is gone a moment before its account is free.
      const rows = await until("the account is free", () =>
        command(screen, ["--offline", "group", "messages", cabin, "--kind", "application"]),
      );
      const texts = rows.map(({ text }) => text).filter((text) => text.endsWith("of a long past"));
      assert.deepEqual(texts.toSorted(), Array.from({ length: PAST }, (_, n) => past(n)).toSorted());
    });
  }));
