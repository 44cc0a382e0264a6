//! What two people do with Conclave from their first minute on. Told once for real windows and once
//! for a browser; only the screens differ.

import assert from "node:assert/strict";

import { at } from "./screen.mjs";
import { onStage } from "./stage.mjs";

/** Nobody listens here. */
const UNREACHABLE = "http://127.0.0.1:9";
/** Well formed, and nobody's. */
const STRANGER = `0x${"11".repeat(20)}`;

/**
 * Tells the story as subtests of `t`. `prepare(name)` gives a person's screen, not opened yet.
 * `nonsense` is the URL of a server that is no node.
 */
export function tell(t, { prepare, nonsense }) {
  return onStage(t, prepare, (stage) => live({ ...stage, nonsense }));
}

async function live({ node, chapter, enter, outsider, nonsense }) {
  let alix, bo, caro;

  await chapter("a new identity: the phrase is shown, and a slip in it is noticed", async () => {
    alix = await enter("alix");
    await alix.screen.see(at("first-run", { page: "choose" }));
    await alix.screen.look("01-choose");
    await alix.screen.click("first-run-import");
    await alix.screen.see("import-secret");
    await alix.screen.look("01-import");
    await alix.screen.click("first-run-back");
    await alix.createIdentity();
    assert.equal(new Set(alix.phrase).size > 6, true, "twelve random words");
    const asked = await alix.screen.see("check-word", { count: 3 });
    for (const { data } of asked) await alix.screen.fill(at("check-word", { place: data.place }), "slip");
    await alix.screen.click("check-continue");
    await alix.screen.see({ css: ".problem", text: "is not word" }, { count: 3 });
    await alix.screen.look("02-check");
    await alix.screen.click("check-show");
    const again = await alix.screen.see("phrase-word", { count: 12 });
    assert.deepEqual(again.map(({ text }) => text.trim()), alix.phrase);
    await alix.screen.look("03-phrase");
    await alix.screen.click("phrase-written");
    await alix.provePhrase();
  });

  await chapter("a wrong node is said at once and can be mended", async () => {
    const { screen } = alix;
    await screen.click("network-address");
    await screen.fill("network-url", UNREACHABLE);
    const [unreachable] = await screen.see("problem");
    assert.match(unreachable.text, /cannot be reached/);
    await screen.look("04-network-unreachable");
    await screen.fill("network-url", nonsense);
    const [wrong] = await screen.see("problem");
    assert.notEqual(wrong.data.code, unreachable.data.code);
    assert.match(wrong.text, /node/);
    await screen.look("05-network-nonsense");
    await alix.chooseNode(node.url);
    await screen.look("06-review");
  });

  await chapter("registering shows its steps", async () => {
    // Halted, the node leaves the first step under way for as long as we look.
    node.program.child.kill("SIGSTOP");
    try {
      await alix.screen.click("register");
      await alix.screen.see("registration-step", { count: 6 });
      await alix.screen.see(at("registration-step", { state: "running" }), { count: 1 });
      await alix.screen.look("07-registering");
    } finally {
      node.program.child.kill("SIGCONT");
    }
    await alix.arrive();
    await alix.screen.see("empty");
    await alix.screen.look("08-empty");
  });

  await chapter("a second person registers", async () => {
    bo = await enter("bo");
    await bo.join(node.url);
    assert.notEqual(bo.address, alix.address);
  });

  await chapter("who cannot be added is marked while typing, and the group is made of the others", async () => {
    const { screen } = alix;
    await screen.click("new-group");
    await screen.fill("who-input", `0x1234 ${STRANGER} ${alix.address} ${bo.address} `);
    await screen.see(at("who-chip", { standing: "malformed" }), { count: 1 });
    await screen.see(at("who-chip", { standing: "not_registered" }), { count: 1 });
    await screen.see(at("who-chip", { standing: "is_self" }), { count: 1 });
    await screen.see(at("who-chip", { standing: "reachable" }), { count: 1 });
    await screen.fill("group-name", "Winter cabin");
    await screen.look("09-new-group");
    await screen.click("who-clear");
    await screen.see("who-chip", { count: 1 });
    await screen.click("create");
    await screen.see(at("open-title", { text: "Winter cabin" }));
  });

  await chapter("an unknown person's group is a request until it is accepted", async () => {
    await bo.screen.see("requests-waiting");
    await bo.screen.click("filter-requests");
    await bo.open("Winter cabin");
    await bo.screen.see("request-card");
    await bo.screen.look("10-request");
    await bo.acceptConversation("Winter cabin");
  });

  await chapter("they write to each other and read it within a moment", async (t) => {
    const began = performance.now();
    await alix.write("The stove needs wood.");
    await bo.reads("The stove needs wood.");
    t.diagnostic(`typed by one and seen by the other after ${Math.round(performance.now() - began)} ms`);
    await alix.screen.see(at("message", { text: "stove", delivery: "published" }));
    await bo.say("I bring some, and **tea** <b>too</b> ☕");
    await alix.reads("and **tea** <b>too</b> ☕");
    await alix.screen.look("11-conversation");
  });

  await chapter("a direct message", async () => {
    const { screen } = bo;
    await screen.click("new-direct");
    await screen.fill("direct-who", alix.address);
    await screen.see(at("direct-start"), { each: ({ disabled }) => !disabled });
    await screen.look("11-new-direct");
    await screen.click("direct-start");
    await screen.see(at("open-title", { text: alix.address.slice(-4) }));
    await bo.say("Between us.");
    await alix.acceptConversation(bo.address.slice(-4));
    await alix.reads("Between us.");
    await alix.open("Winter cabin");
    await bo.open("Winter cabin");
  });

  await chapter("the keyboard is enough: lines, palette, next conversation", async () => {
    const { screen } = alix;
    await screen.click("composer");
    await screen.type("Two");
    await screen.press("Shift+Enter");
    await screen.type("lines");
    await screen.press("Enter");
    await bo.reads("Two\nlines");
    await alix.createGroup("Reading circle", [bo]);
    await screen.press("Alt+ArrowDown");
    await screen.see(at("open-title", { text: "Winter cabin" }));
    await screen.press("Alt+ArrowUp");
    await screen.see(at("open-title", { text: "Reading circle" }));
    await screen.press("Control+k");
    await screen.see("palette");
    await screen.type("winter");
    await screen.see(at("palette-entry", { text: "Winter cabin" }), { count: 1 });
    await screen.look("12-palette");
    await screen.press("Enter");
    await screen.gone("palette");
    await screen.see(at("open-title", { text: "Winter cabin" }));
    await screen.press("Control+/");
    await screen.see("shortcut-sheet");
    await screen.look("13-shortcuts");
    await screen.press("Escape");
    await screen.gone("shortcut-sheet");
  });

  await chapter("a third person is added and removed again", async () => {
    caro = await outsider("caro");
    const { screen } = alix;
    await alix.toggleDetails();
    await screen.see("member", { count: 2 });
    await screen.click("add-people");
    await screen.fill("who-input", `${caro.address} ${bo.address} `);
    await screen.see(at("who-chip", { standing: "reachable" }), { count: 1 });
    await screen.see(at("who-chip", { standing: "member" }), { count: 1 });
    await screen.look("14-add-people");
    await screen.click("add-submit");
    await screen.gone("add-dialog");
    await screen.see("member", { count: 3 });
    await screen.look("15-members");
    await bo.screen.see(at("member-count", { text: "3" }), { seconds: 5 });
    const [member] = await screen.see("member", { count: 1, each: ({ text }) => text.includes(caro.address.slice(-4)) });
    // Below the edge of the pane, where nothing is laid out, nothing can be clicked.
    await screen.reveal({ css: `[data-testid="member"][data-inbox-id="${member.data.inboxId}"]`, text: null });
    await screen.click({ css: `[data-inbox-id="${member.data.inboxId}"] [data-testid="member-menu-open"]`, text: null });
    await screen.click("member-menu-remove");
    await screen.see("remove-dialog");
    await screen.look("16-remove");
    await screen.click("remove-confirm");
    await screen.see("member", { count: 2 });
    await bo.screen.see(at("member-count", { text: "2" }), { seconds: 5 });
    await alix.toggleDetails();
    await screen.gone("info-pane");
  });

  await chapter("quit and started again: no first run, the history is there, and it goes on", async () => {
    await alix.chooseTheme("dark", "17-settings");
    const before = (await alix.screen.see("message-text")).map(({ text }) => text);
    await alix.screen.close();
    await bo.say("Are you there?");
    await alix.screen.open();
    await alix.screen.see("conversation-row", { count: 3 });
    assert.equal(await alix.screen.sees("first-run"), false);
    assert.equal(await alix.screen.theme(), "dark");
    await alix.chooseTheme("system");
    await alix.screen.look("17-list");
    await alix.screen.see(at("conversation-row", { text: "Are you there?" }));
    await alix.open("Winter cabin");
    await alix.reads("Are you there?");
    const after = (await alix.screen.see("message-text")).map(({ text }) => text);
    assert.deepEqual(after, [...before, "Are you there?"]);
    await alix.say("Back again.");
    await bo.reads("Back again.");
    await alix.screen.look("17-restarted");
  });

  await chapter("without the node messages wait, and go out in order once it is back", async () => {
    const { screen } = alix;
    await node.program.end();
    await screen.see(at("connection", { state: "offline" }));
    await screen.see("offline-note");
    const texts = ["Lost in the snow?", "Never mind.", "Still snowing."];
    for (const text of texts) await alix.write(text);
    for (const text of texts) await screen.see(at("message", { text, delivery: "unpublished" }));
    await screen.look("18-waiting");
    await node.restart();
    // The streams are tried again after a pause that grows to ten seconds.
    for (const text of texts) {
      await screen.see(at("message", { text, delivery: "published" }), { seconds: 60 });
    }
    for (const text of texts) await bo.reads(text);
    const read = (await bo.screen.see("message-text")).map(({ text }) => text);
    assert.deepEqual(read.slice(-texts.length), texts);
    await bo.say("I can hear you.");
    await alix.reads("I can hear you.");
  });
}
