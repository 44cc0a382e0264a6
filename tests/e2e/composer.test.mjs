//! Everything the composer can do, at a real window, read by somebody else; and what becomes of it
//! while the node is away or the app is killed.

import assert from "node:assert/strict";
import test from "node:test";

import { until } from "../interop/deadline.mjs";
import { at, SIZES } from "./screen.mjs";
import { onStage } from "./stage.mjs";
import { Window } from "./window.mjs";

const [NARROW] = SIZES;
const MINUTE_MS = 60_000;
/** What is shown with other messages, not as one. */
const BESIDE = /^xmtp\.org\/(reaction|readReceipt|deleteMessage):/;
const text = (one) => ("text" in one.content ? one.content.text : one.content.kind);

/** Everything people wrote in a group, as it came to somebody, oldest first, once as many have come. */
async function reads(reader, groupId, count) {
  let rows = [];
  await until(
    `${count} messages have come`,
    async () => {
      await reader.run("group", "sync", groupId).catch(() => reader.run("conversation", "sync"));
      const all = await reader.run("--offline", "group", "messages", groupId, "--kind", "application");
      rows = all.filter(({ content_type }) => !BESIDE.test(content_type));
      return rows.length >= count;
    },
    { seconds: 120, everyMs: 500 },
  );
  return rows;
}

/** A story of Alix at a window and Bo without one, who are in a group that is open. */
function inTheCabin(t, story) {
  return onStage(t, Window.prepare, async ({ node, chapter, settle, outsider }) => {
    const bo = await outsider("bo");
    const alix = await settle("alix");
    const { screen } = alix;
    await alix.createGroup("Cabin", [bo]);
    const [row] = await screen.see(at("conversation-row", { text: "Cabin" }));
    await story({ node, chapter, alix, screen, bo, read: (count) => reads(bo, row.data.id, count) });
  });
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
    return screen.see(`message-menu-${item}`, { seconds: 3 }).catch(() => false);
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
      // The next one answers it, so it must be there.
      await screen.see(at("message", { text: words }));
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
  await inTheCabin(t, async ({ node, chapter, alix, screen, bo, read }) => {
    let expected = 0;
    const newest = async (count = 1) => (await read((expected += count))).at(-1);

    await chapter("a text, and one of several lines", async () => {
      await alix.say("The stove needs wood.");
      assert.equal(text(await newest()), "The stove needs wood.");
      await screen.click("composer");
      await screen.type("Two");
      await screen.press("Shift+Enter");
      await screen.type("lines");
      await screen.press("Enter");
      assert.equal(text(await newest()), "Two\nlines");
    });

    await chapter("a reply, begun with Up and given up with Escape first", async () => {
      const [{ id }] = (await read(expected)).slice(-1);
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

    await chapter("a reaction from the quick bar, taken back by its badge", async () => {
      await choose(screen, "stove", "react");
      await screen.click("reaction-quick");
      await screen.see(at("reaction", { count: "1" }));
      await screen.look("composer-reaction");
      await until("Bo has the reaction", async () => {
        const rows = await read(expected);
        return rows.some((one) => one.reactions?.some(({ content, count }) => content === "👍" && count === 1));
      });
      await screen.click("reaction");
      await screen.gone("reaction");
      await until("the reaction is gone for Bo", async () => {
        const rows = await read(expected);
        return rows.every((one) => (one.reactions ?? []).length === 0);
      });
    });

    await chapter("a mention, short while writing and whole when sent", async () => {
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

    await chapter("an emoji found by name", async () => {
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

    await chapter("markdown, with what will be seen before it is sent", async () => {
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

    await chapter("a file and a picture, pasted, each with its chip", async () => {
      await screen.click("composer");
      await paste(screen, "rules.txt", "valley.png");
      await screen.see(at("enclosure", { state: "ready" }), { count: 2 });
      await screen.look("composer-files");
      await screen.type("Look at these");
      await screen.press("Enter");
      await screen.gone("enclosures");
      const [files, words] = (await read((expected += 2))).slice(-2);
      assert.deepEqual(files.content.items.map(({ name }) => name), ["rules.txt", "valley.png"]);
      assert.equal(text(words), "Look at these");
      await screen.see("attachment-picture");
      await screen.look("composer-attachments");
    });

    await chapter("a draft with what it answers survives a restart", async () => {
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

    await chapter("deleting for everyone asks, and leaves a sign on both sides", async () => {
      await choose(screen, "half a thought", "delete-everyone");
      await screen.see("delete-message-dialog");
      await screen.look("composer-delete");
      await screen.click("delete-message-dialog-confirm");
      await screen.see(at("message", { kind: "deleted" }));
      await until("it is deleted for Bo", async () => {
        const rows = await read(expected);
        return rows.at(-1).content.kind === "deleted" && !JSON.stringify(rows).includes("half a thought");
      });
    });

    await chapter("deleting here leaves it with the others", async () => {
      await choose(screen, "The stove needs wood.", "delete");
      await screen.click("delete-message-dialog-confirm");
      await screen.gone(at("message", { text: "The stove needs wood." }));
      assert.equal((await read(expected)).some((one) => text(one) === "The stove needs wood."), true);
    });

    await chapter("what was written while the node is away is sent once it is back", async () => {
      await node.program.end();
      await screen.see(at("connection", { state: "offline" }));
      await alix.write("Can you hear me?");
      await screen.see(at("message", { text: "Can you hear me?", delivery: "unpublished" }));
      await node.restart();
      await screen.see(at("message", { text: "Can you hear me?", delivery: "published" }), { seconds: 60 });
      assert.equal(text(await newest()), "Can you hear me?");
    });

    await chapter("it is found again", async () => {
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
  });
});

test("a minute without the node: twenty messages of all kinds go out in order, once", async (t) => {
  await inTheCabin(t, async ({ node, screen, read }) => {
    await node.program.end();
    const away = Date.now();
    await screen.see(at("connection", { state: "offline" }));
    const written = [await writeOfKind(screen, 0)];
    for (let n = 1; n < 20; n++) written.push(await writeOfKind(screen, n));
    await until("a minute has passed", () => Date.now() - away >= MINUTE_MS, { seconds: 90, everyMs: 500 });
    await node.restart();
    assert.deepEqual(found(await read(20)), written);
    await screen.see(at("connection", { state: "online" }), { seconds: 60 });
    await screen.gone(at("message", { delivery: "unpublished" }), { seconds: 60 });
    // Whatever is sent twice would have come by now: this one comes after it.
    await screen.click("composer");
    await screen.type("The end");
    await screen.press("Enter");
    assert.deepEqual(found(await read(21)), [...written, { kind: "text", text: "The end" }]);
  });
});

test("killed in the middle of that: everything stored goes out in order, once", async (t) => {
  await inTheCabin(t, async ({ node, alix, screen, read }) => {
    await node.program.end();
    await screen.see(at("connection", { state: "offline" }));
    const written = [];
    for (let n = 0; n < 10; n++) written.push(await writeOfKind(screen, n));
    // What is on the screen is stored.
    await screen.see(at("message", { text: "Number 9", delivery: "unpublished" }));
    await screen.kill();
    await screen.open();
    await alix.open("Cabin");
    for (let n = 10; n < 20; n++) written.push(await writeOfKind(screen, n));
    await node.restart();
    // Killed once more while they go out.
    await read(1);
    await screen.kill();
    await screen.open();
    await alix.open("Cabin");
    assert.deepEqual(found(await read(20)), written);
    await screen.click("composer");
    await screen.type("The end");
    await screen.press("Enter");
    assert.deepEqual(found(await read(21)), [...written, { kind: "text", text: "The end" }]);
  });
});
