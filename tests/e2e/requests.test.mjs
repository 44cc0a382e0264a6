//! Strangers add Alix to their groups: what she sees before she decides, and what becomes of it.

import assert from "node:assert/strict";

import { until } from "../interop/deadline.mjs";
import { Details } from "./details.mjs";
import { everywhere } from "./places.mjs";
import { at, inside } from "./screen.mjs";

everywhere(async ({ chapter, settle, outsider }) => {
  let alix, bo, davon, eri, fritz, tickets;

  await chapter("somebody unknown adds her: she sees who, where else, and nothing of what was written", async () => {
    [alix, bo, davon, eri, fritz] = await Promise.all([
      settle("alix"),
      settle("bo"),
      ...["davon", "eri", "fritz"].map((name) => outsider(name)),
    ]);
    await bo.createGroup("Choir", [alix, davon]);
    await bo.say("Rehearsal is on Thursday.");
    const { screen } = alix;
    await screen.see("requests-waiting");
    await screen.click("filter-requests");
    await screen.click(at("conversation-row", { text: "Choir" }));
    await screen.see(at("request-address", { value: bo.address }));
    await screen.see(at("request-consent", { consent: "unknown" }));
    await screen.see(at("request-members", { text: "3" }));
    await screen.see(at("request-shared", { text: "no other conversation" }));
    assert.equal(await screen.sees("message"), false);
    assert.equal(await screen.sees("composer"), false);
    await screen.look("50-request");
  });

  await chapter("she looks into it, accepts it and answers", async () => {
    const { screen } = alix;
    await screen.click("request-preview");
    await alix.reads("Rehearsal is on Thursday.");
    await screen.look("51-request-open");
    await screen.click("request-hide");
    await screen.gone("message");
    await screen.click("request-accept");
    await alix.reads("Rehearsal is on Thursday.");
    await alix.say("I will be there.");
    await bo.reads("I will be there.");
    await screen.see(at("conversation-row", { text: "Choir" }));
  });

  await chapter("a group of somebody else she blocks and leaves", async () => {
    const { screen } = alix;
    tickets = await davon.beginGroup("Free tickets", [alix], "You have won!");
    await screen.click("filter-requests");
    await screen.click(at("conversation-row", { text: "Free tickets" }));
    await screen.see(at("request-shared", { text: "Choir" }));
    await screen.click("request-leave");
    await screen.see("block-leave-dialog");
    await screen.look("52-block-and-leave");
    await screen.click("block-leave-confirm");
    await screen.gone("block-leave-dialog");
    await screen.gone(at("conversation-row", { text: "Free tickets" }));
    await screen.see("empty");
    await screen.look("53-no-requests");
    // Davon's app, a super admin's, takes her out.
    await until("Alix is out of the group", async () => {
      await davon.run("group", "sync", tickets);
      return (await davon.run("group", "members", tickets)).length === 1;
    });
  });

  await chapter("another one she only blocks: the group is silent and hidden, and she is still in it", async () => {
    const { screen } = alix;
    const id = await eri.beginGroup("Crypto tips", [alix], "Buy now!");
    await screen.click(at("conversation-row", { text: "Crypto tips" }));
    await screen.click("request-block");
    await screen.see("block-dialog");
    await screen.look("54-block");
    await screen.click("block-dialog-confirm");
    await screen.gone("block-dialog");
    await screen.gone(at("conversation-row", { text: "Crypto tips" }));
    // What comes after that shows nothing: not the message, and not another group of the same person.
    await eri.run("group", "send", id, "Last chance!");
    await eri.beginGroup("More tips", [alix], "Hello again");
    await fritz.beginGroup("Neighbours", [alix], "The lift is being repaired.");
    await screen.see(at("conversation-row", { text: "Neighbours" }));
    await screen.see("conversation-row", { count: 1 });
    assert.equal((await eri.run("group", "members", id)).length, 2);
  });

  await chapter("a direct message of somebody blocked does not come either", async () => {
    const { screen } = alix;
    const [{ id }] = await davon.run("dm", "create", alix.address);
    await davon.run("group", "send", id, "Why did you leave?");
    await fritz.beginGroup("Garden", [alix], "Who waters the roses?");
    await screen.see(at("conversation-row", { text: "Garden" }));
    await screen.see("conversation-row", { count: 2 });
  });

  await chapter("the blocked are listed, and one of them is as unknown as before", async () => {
    const { screen } = alix;
    await screen.press("Control+,");
    await screen.click("settings-people");
    await screen.see(at("person", { state: "denied" }), { count: 2 });
    await screen.look("55-blocked");
    for (const { inboxId } of [davon, eri]) await screen.see(at("person", { "inbox-id": inboxId }));
    await screen.click("people-allowed");
    await screen.see(inside("people-dialog", "empty"));
    await screen.look("56-nobody-allowed");
    await screen.click("people-denied");
    await screen.click(inside(at("person", { "inbox-id": eri.inboxId }), "person-forget"));
    await screen.see("person", { count: 1 });
    await screen.press("Escape");
    await screen.gone("people-dialog");
    // What she was added to waits for a decision again; nothing was lost meanwhile.
    await screen.click(at("conversation-row", { text: "Crypto tips" }));
    await screen.click("request-preview");
    await alix.reads("Last chance!");
    await screen.see(at("conversation-row", { text: "More tips" }));
    await screen.click("filter-all");
    await screen.see("conversation-row", { count: 1 });
  });

  await chapter("hurrying from one conversation to the next ends at the right one", async () => {
    const { screen } = alix;
    await alix.acceptConversation("Neighbours");
    await alix.acceptConversation("Garden");
    const words = { Choir: "I will be there.", Neighbours: "The lift is being repaired.", Garden: "Who waters the roses?" };
    const [top, ...rest] = (await screen.see("conversation-title", { count: 3 })).map(({ text }) => text);
    await alix.open(top);
    const back = Array(10).fill(["Alt+ArrowDown", "Alt+ArrowUp"]).flat();
    await screen.press(...back, "Alt+ArrowDown", "Alt+ArrowDown");
    await screen.see(at("open-title", { text: rest[1] }));
    await screen.see("message", { each: ({ text }) => text.includes(words[rest[1]]) });
    for (const other of [top, rest[0]]) assert.equal(await screen.sees(at("message", { text: words[other] })), false);
    // What is written goes where it was begun.
    await alix.say("Good to know.");
    await screen.press("Alt+ArrowDown");
    await screen.see(at("open-title", { text: top }));
    assert.equal(await screen.sees(at("message", { text: "Good to know." })), false);
  });

  await chapter("blocked in the list of members, a person is marked there, and can be unblocked there", async () => {
    const { screen } = alix;
    const details = new Details(alix);
    await alix.open("Choir");
    await details.open();
    await screen.see({ ...details.member(davon), text: "Blocked" });
    await details.act(davon, "unblock");
    await screen.gone({ ...details.member(davon), text: "Blocked" });
    await details.act(davon, "block");
    await screen.click("block-dialog-confirm");
    await screen.see({ ...details.member(davon), text: "Blocked" });
  });
});
