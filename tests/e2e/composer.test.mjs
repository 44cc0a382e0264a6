//! Everything the composer can do, at a real window, read by somebody else; and what becomes of it
//! while the node is away or the app is killed.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { until } from "../interop/deadline.mjs";
import { Node } from "../interop/node.mjs";
import { binary, folder, run } from "../interop/program.mjs";
import { Person } from "./person.mjs";
import { at, SIZES } from "./screen.mjs";
import { Window } from "./window.mjs";

const [NARROW] = SIZES;
const MINUTE_MS = 60_000;
/** What is shown with other messages, not as one. */
const BESIDE = /^xmtp\.org\/(reaction|readReceipt|deleteMessage):/;
const text = (one) => ("text" in one.content ? one.content.text : one.content.kind);

/** Somebody without a window, who reads what came to them exactly as it is stored. */
class Reader {
  static async register(name, url) {
    const reader = new Reader();
    reader.home = await folder(name);
    const key = join(reader.home.path, "database.key");
    await writeFile(key, randomBytes(32).toString("hex"), { mode: 0o600 });
    reader.options = ["--data", join(reader.home.path, "account"), "--key-file", key, "--json"];
    const [{ address }] = await reader.run("--node", url, "account", "create");
    reader.address = address;
    return reader;
  }

  /** Runs a command; gives what it printed, line by line. */
  async run(...args) {
    const { code, stdout, stderr } = await run(binary("conclave-cli"), [...this.options, ...args]);
    assert.equal(code, 0, stderr);
    return stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Everything people wrote in a group, oldest first, once as many have come. */
  async reads(groupId, count) {
    let rows = [];
    await until(
      `${count} messages have come`,
      async () => {
        await this.run("group", "sync", groupId).catch(() => this.run("conversation", "sync"));
        const all = await this.run("--offline", "group", "messages", groupId, "--kind", "application");
        rows = all.filter(({ content_type }) => !BESIDE.test(content_type));
        return rows.length >= count;
      },
      { seconds: 120, everyMs: 500 },
    );
    return rows;
  }
}

/** A node, Alix at a window, a reader, and a group of both that is open. */
async function begin(name) {
  const node = await Node.start();
  const ends = [() => node.stop()];
  const end = async () => {
    const failures = (await Promise.allSettled(ends.reverse().map((one) => one()))).filter(({ reason }) => reason);
    if (failures.length > 0) throw failures[0].reason;
  };
  try {
    const bo = await Reader.register(`reader-${name}`, node.url);
    ends.push(() => bo.home.remove());
    const screen = await Window.prepare(`alix-${name}`);
    ends.push(() => screen.remove());
    await screen.open();
    const alix = new Person(screen);
    await alix.join(node.url);
    await alix.createGroup("Cabin", [bo]);
    const [row] = await screen.see(at("conversation-row", { text: "Cabin" }));
    return { node, bo, alix, screen, groupId: row.data.id, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Puts files on the page as a paste does. Pictures are drawn, so that they are real ones. */
const paste = (screen, ...names) =>
  screen.session.callAsync(async (all) => {
    const data = new DataTransfer();
    for (const name of all) {
      let body = new Blob([`${name}\n`.repeat(40)], { type: "text/plain" });
      if (name.endsWith(".png")) {
        const canvas = Object.assign(document.createElement("canvas"), { width: 480, height: 300 });
        const drawing = canvas.getContext("2d");
        drawing.fillStyle = "teal";
        drawing.fillRect(40, 40, 300, 160);
        body = await new Promise((done) => canvas.toBlob(done, "image/png"));
      }
      data.items.add(new File([body], name, { type: body.type }));
    }
    const event = new Event("paste", { bubbles: true, cancelable: true });
    Object.defineProperty(event, "clipboardData", { value: data });
    document.querySelector('[data-testid="composer"]').dispatchEvent(event);
  }, names);

/** Opens the menu of the newest message with a text and chooses from it, with the keyboard alone. */
async function choose(screen, words, item) {
  // A line that is sent meanwhile may go to another place, and the focus with it.
  await until(`the menu of “${words}” is open`, async () => {
    await screen.session.call((wanted) => {
      const all = [...document.querySelectorAll('[data-testid="message"]')];
      all.findLast((one) => one.textContent.includes(wanted)).focus();
    }, words);
    await screen.press("Enter");
    return screen.sees(`message-menu-${item}`);
  });
  await screen.click(`message-menu-${item}`);
}

/** A message of one of five kinds, by number; gives what the reader will find of it. */
async function writeOfKind(screen, n) {
  const words = `Number ${n}`;
  await screen.click("composer");
  switch (n % 5) {
    case 0:
      await screen.type(words);
      await screen.press("Enter");
      return { kind: "text", text: words };
    case 1:
      await screen.press("ArrowUp");
      await screen.see("reply-banner");
      await screen.type(words);
      await screen.press("Enter");
      return { kind: "text", text: words, isReply: true };
    case 2:
      await screen.click("markdown-toggle");
      await screen.click("composer");
      await screen.type(`**${words}**`);
      await screen.press("Enter");
      await screen.click("markdown-toggle");
      return { kind: "markdown", text: `**${words}**` };
    case 3:
      await paste(screen, `number-${n}.txt`);
      await screen.see(at("enclosure", { state: "ready" }), { count: 1 });
      await screen.press("Enter");
      await screen.gone("enclosures");
      return { kind: "attachments", text: "attachments" };
    default:
      await screen.type(words);
      await screen.press("Shift+Enter");
      await screen.type("and a line");
      await screen.press("Enter");
      return { kind: "text", text: `${words}\nand a line` };
  }
}

const found = (rows) =>
  rows.map((one) => ({
    kind: one.content.kind,
    text: text(one),
    ...(one.reply_to ? { isReply: true } : {}),
  }));

test("each thing the composer does reaches the other side as it was meant", async (t) => {
  const { bo, alix, screen, groupId, end, node } = await begin("actions");
  try {
    let expected = 0;
    const newest = async (count = 1) => (await bo.reads(groupId, (expected += count))).at(-1);

    await t.test("a text, and one of several lines", async () => {
      await alix.say("The stove needs wood.");
      assert.equal(text(await newest()), "The stove needs wood.");
      await screen.click("composer");
      await screen.type("Two");
      await screen.press("Shift+Enter");
      await screen.type("lines");
      await screen.press("Enter");
      assert.equal(text(await newest()), "Two\nlines");
    });

    await t.test("a reply, begun with Up and given up with Escape first", async () => {
      const [{ id }] = (await bo.reads(groupId, expected)).slice(-1);
      await screen.click("composer");
      await screen.press("ArrowUp");
      await screen.see(at("reply-banner", { text: "Two" }));
      await screen.press("Escape");
      await screen.gone("reply-banner");
      await screen.press("ArrowUp");
      await screen.see("reply-banner");
      await screen.look("composer-reply");
      await alix.say("Yes.");
      const reply = await newest();
      assert.equal(reply.reply_to?.message_id, id);
      await screen.see(at("message-quote", { text: "Two" }));
      await screen.click("message-quote");
      await screen.see({ css: ".message.pointed", text: "Two" });
    });

    await t.test("a reaction from the quick bar, taken back by its badge", async () => {
      await choose(screen, "stove", "react");
      await screen.click("reaction-quick");
      await screen.see(at("reaction", { count: "1" }));
      await screen.look("composer-reaction");
      await until("Bo has the reaction", async () => {
        const rows = await bo.reads(groupId, expected);
        return rows.some((one) => one.reactions?.some(({ content, count }) => content === "👍" && count === 1));
      });
      await screen.click("reaction");
      await screen.gone("reaction");
      await until("the reaction is gone for Bo", async () => {
        const rows = await bo.reads(groupId, expected);
        return rows.every((one) => (one.reactions ?? []).length === 0);
      });
    });

    await t.test("a mention, short while writing and whole when sent", async () => {
      await screen.click("composer");
      await screen.type(`Ask @${bo.address.slice(0, 7)}`);
      await screen.see("mention-option", { count: 1 });
      await screen.look("composer-mention");
      await screen.press("Enter");
      await screen.gone("mention-list");
      await screen.press("Enter");
      assert.equal(text(await newest()).toLowerCase().trim(), `ask @${bo.address}`.toLowerCase());
      await screen.see("mention");
    });

    await t.test("an emoji found by name", async () => {
      await screen.click("emoji-open");
      await screen.see("emoji");
      await screen.fill("emoji-search", "fox");
      await screen.see(at("emoji", { emoji: "🦊" }));
      await screen.look("composer-emoji");
      await screen.press("Enter");
      await screen.gone("emoji-picker");
      await screen.press("Enter");
      assert.equal(text(await newest()), "🦊");
    });

    await t.test("markdown, with what will be seen before it is sent", async () => {
      await screen.click("markdown-toggle");
      await screen.click("composer");
      await screen.type("**Bold** <b>not</b>");
      await screen.see({ css: '[data-testid="markdown-preview"] strong', text: "Bold" });
      await screen.look("composer-markdown");
      await screen.press("Enter");
      await screen.click("markdown-toggle");
      const sent = await newest();
      assert.equal(sent.content.kind, "markdown");
      assert.equal(text(sent), "**Bold** <b>not</b>");
      await screen.see({ css: '[data-testid="message-text"] strong', text: "Bold" });
    });

    await t.test("a file and a picture, pasted, each with its chip", async () => {
      await screen.click("composer");
      await paste(screen, "rules.txt", "valley.png");
      await screen.see(at("enclosure", { state: "ready" }), { count: 2 });
      await screen.look("composer-files");
      await screen.type("Look at these");
      await screen.press("Enter");
      await screen.gone("enclosures");
      const [files, words] = (await bo.reads(groupId, (expected += 2))).slice(-2);
      assert.deepEqual(files.content.items.map(({ name }) => name), ["rules.txt", "valley.png"]);
      assert.equal(text(words), "Look at these");
      await screen.see("attachment-picture");
      await screen.look("composer-attachments");
    });

    await t.test("a draft with what it answers survives a restart", async () => {
      await screen.click("composer");
      await screen.press("ArrowUp");
      await screen.type("half a thought");
      // Where another screen takes the place of the conversation the list says what was begun.
      await screen.resize(NARROW);
      await screen.click("back");
      await screen.see(at("conversation-preview", { text: "half a thought" }));
      await screen.close();
      await screen.open();
      await screen.see(at("conversation-preview", { text: "half a thought" }));
      await alix.open("Cabin");
      await screen.see("composer", { each: ({ value }) => value === "half a thought" });
      await screen.see(at("reply-banner", { text: "Look at these" }));
      await screen.click("composer");
      await screen.press("Enter");
      assert.equal(text(await newest()), "half a thought");
      await screen.gone("reply-banner");
    });

    await t.test("deleting for everyone asks, and leaves a sign on both sides", async () => {
      await choose(screen, "half a thought", "delete-everyone");
      await screen.see("delete-message-dialog");
      await screen.look("composer-delete");
      await screen.click("delete-message-dialog-confirm");
      await screen.see(at("message", { kind: "deleted" }));
      await until("it is deleted for Bo", async () => {
        const rows = await bo.reads(groupId, expected);
        return rows.at(-1).content.kind === "deleted" && !JSON.stringify(rows).includes("half a thought");
      });
    });

    await t.test("deleting here leaves it with the others", async () => {
      await choose(screen, "The stove needs wood.", "delete");
      await screen.click("delete-message-dialog-confirm");
      await screen.gone(at("message", { text: "The stove needs wood." }));
      assert.equal((await bo.reads(groupId, expected)).some((one) => text(one) === "The stove needs wood."), true);
    });

    await t.test("what was written while the node is away is sent once it is back", async () => {
      await node.program.end();
      await screen.see(at("connection", { state: "offline" }));
      await alix.write("Can you hear me?");
      await screen.see(at("message", { text: "Can you hear me?", delivery: "unpublished" }));
      await node.restart();
      await screen.see(at("message", { text: "Can you hear me?", delivery: "published" }), { seconds: 60 });
      assert.equal(text(await newest()), "Can you hear me?");
    });

    await t.test("it is found again", async () => {
      await screen.click("composer");
      await screen.press("Control+f");
      await screen.see("find-bar");
      await screen.type("hear");
      await screen.see(at("find-count", { text: "1 of 1" }));
      await screen.look("composer-find");
      await screen.press("Escape");
      await screen.gone("find-bar");
      assert.equal(await screen.sees("problem"), false);
    });
  } finally {
    await end();
  }
});

test("a minute without the node: twenty messages of all kinds go out in order, once", async () => {
  const { node, bo, screen, groupId, end } = await begin("offline");
  try {
    await node.program.end();
    const away = Date.now();
    await screen.see(at("connection", { state: "offline" }));
    const written = [await writeOfKind(screen, 0)];
    for (let n = 1; n < 20; n++) written.push(await writeOfKind(screen, n));
    await until("a minute has passed", () => Date.now() - away >= MINUTE_MS, { seconds: 90, everyMs: 500 });
    await node.restart();
    assert.deepEqual(found(await bo.reads(groupId, 20)), written);
    await screen.see(at("connection", { state: "online" }), { seconds: 60 });
    await screen.gone(at("message", { delivery: "unpublished" }), { seconds: 60 });
    // Whatever is sent twice would have come by now: this one comes after it.
    await screen.click("composer");
    await screen.type("The end");
    await screen.press("Enter");
    assert.deepEqual(found(await bo.reads(groupId, 21)), [...written, { kind: "text", text: "The end" }]);
  } finally {
    await end();
  }
});

test("killed in the middle of that: everything stored goes out in order, once", async () => {
  const { node, bo, alix, screen, groupId, end } = await begin("killed");
  try {
    await node.program.end();
    await screen.see(at("connection", { state: "offline" }));
    const written = [];
    for (let n = 0; n < 10; n++) written.push(await writeOfKind(screen, n));
    // What is on the screen is stored.
    await screen.see(at("message", { text: "and a line", delivery: "unpublished" }));
    await screen.kill();
    await screen.open();
    await alix.open("Cabin");
    for (let n = 10; n < 20; n++) written.push(await writeOfKind(screen, n));
    await node.restart();
    // Killed once more while they go out.
    await bo.reads(groupId, 1);
    await screen.kill();
    await screen.open();
    await alix.open("Cabin");
    assert.deepEqual(found(await bo.reads(groupId, 20)), written);
    await screen.click("composer");
    await screen.type("The end");
    await screen.press("Enter");
    assert.deepEqual(found(await bo.reads(groupId, 21)), [...written, { kind: "text", text: "The end" }]);
  } finally {
    await end();
  }
});
