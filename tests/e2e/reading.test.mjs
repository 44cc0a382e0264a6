//! Reading in a real window: nothing jumps while history loads or messages come, and what was said is
//! found again; files that somebody sends are shown and saved.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";

import { until } from "../interop/deadline.mjs";
import { Ours } from "../interop/ours.mjs";
import { at, inside, SIZES, USUAL } from "./screen.mjs";
import { onStage } from "./stage.mjs";
import { Window } from "./window.mjs";

const LINES = 260;
/** The web view may round a place to the next pixel. */
const PIXEL = 1;

/** What is seen of a list of messages, in the page. */
const list = {
  /** Pixels below what is in view. */
  fromBottom: (screen) =>
    screen.session.call(() => {
      const node = document.querySelector('[data-testid="message-list"]');
      return Math.round(node.scrollHeight - node.scrollTop - node.clientHeight);
    }),
  /** What grows or shrinks is drawn within some frames; after them the newest message is still there. */
  staysAtEnd: (screen, what) =>
    until(`${what}, the newest message is in view`, async () => (await list.fromBottom(screen)) <= PIXEL, { seconds: 3 }),
  scrollBy: (screen, pixels) =>
    screen.session.call((pixels) => document.querySelector('[data-testid="message-list"]').scrollBy(0, pixels), pixels),
  /** The first message that is wholly in view, and how far it lies below the upper edge. */
  first: (screen) =>
    screen.session.callAsync(async () => {
      const node = document.querySelector('[data-testid="message-list"]');
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const { top } = node.getBoundingClientRect();
      const all = [...node.querySelectorAll('[data-testid="message"]')];
      const one = all.find((message) => message.getBoundingClientRect().top >= top);
      return { id: one.dataset.id, top: one.getBoundingClientRect().top - top };
    }),
  /** The most that a message moves until as many frames were drawn. */
  moved: (screen, { id, top }, frames) =>
    screen.session.callAsync(
      async (id, before, frames) => {
        const node = document.querySelector('[data-testid="message-list"]');
        let worst = 0;
        for (let n = 0; n < frames; n++) {
          await new Promise(requestAnimationFrame);
          const one = node.querySelector(`[data-id="${id}"]`);
          if (one === null) return Infinity;
          worst = Math.max(worst, Math.abs(one.getBoundingClientRect().top - node.getBoundingClientRect().top - before));
        }
        return worst;
      },
      id,
      top,
      frames,
    ),
};

test("reading in a real window", async (t) => {
  const ends = [];
  try {
    await onStage(t, (name) => Window.prepare(name), (stage) => tell(stage, ends));
  } finally {
    for (const end of ends.reverse()) await end();
  }
});

async function tell({ node, chapter, settle }, ends) {
  const person = await Ours.create("bo", node.url);
  ends.push(() => person.close());
  const bo = await person.serve();
  ends.push(() => bo.close());
  let alix, screen, groupId;

  const send = (text, options = {}) => bo.call("message_send", { conversation_id: groupId, text, ...options });
  const prepare = async (name, media_type, bytes) => {
    const base64 = Buffer.from(bytes).toString("base64");
    return (await bo.call("attachment_prepare", { conversation_id: groupId, name, media_type, base64 })).id;
  };

  await chapter("a conversation opens where its unread messages begin, and ends at the newest", async () => {
    alix = await settle("alix");
    ({ screen } = alix);
    await alix.createGroup("Cabin", [bo]);
    const [row] = await screen.see(at("conversation-row", { text: "Cabin" }));
    groupId = row.data.id;
    await bo.sync();
    await alix.createGroup("Notes", []);
    await send("The first line of all");
    for (let n = 1; n < LINES; n++) await send(`Line ${n} ${"and more of it ".repeat(n % 9)}`);
    await screen.see(at("conversation-row", { text: `Line ${LINES - 1}`, unread: LINES }), { seconds: 60 });
    await alix.open("Cabin");
    await screen.see("unread-divider");
    await screen.look("reading-unread", { prepare: () => alix.open("Cabin").catch(() => {}) });
    await screen.click("to-bottom");
    await screen.see(at("message", { text: `Line ${LINES - 1}` }));
    assert.ok((await list.fromBottom(screen)) <= PIXEL);
  });

  await chapter("nothing moves while older messages load above", async () => {
    let worst = 0;
    for (let n = 0; n < 30; n++) {
      await list.scrollBy(screen, -500);
      worst = Math.max(worst, await list.moved(screen, await list.first(screen), 12));
    }
    assert.ok(worst <= PIXEL, `moved by ${worst} pixels`);
  });

  await chapter("nothing moves while messages come, and the pill counts them", async () => {
    const before = await list.first(screen);
    await send("One more");
    await send("And another");
    await screen.see(at("to-bottom", { text: "2 new messages" }));
    assert.ok((await list.moved(screen, before, 12)) <= PIXEL);
    await screen.click("to-bottom");
    await screen.see(at("message", { text: "And another" }));
    await screen.gone("to-bottom");
    for (let n = 0; n < 5; n++) {
      await send(`At the end ${n} ${"and longer ".repeat(n * 9)}`);
      await alix.reads(`At the end ${n}`);
      await list.first(screen);
      assert.ok((await list.fromBottom(screen)) <= PIXEL, `after message ${n}`);
    }
  });

  await chapter("search leads to what was said, and back to the end", async () => {
    await screen.press("Control+Shift+f");
    await screen.see("search-dialog");
    await screen.fill("search-input", '"first line"');
    await screen.see("search-hit", { count: 1 });
    await screen.look("reading-search");
    await screen.press("Enter");
    await screen.gone("search-dialog");
    await screen.see({ css: ".message.pointed", text: "The first line of all" });
    await screen.click("to-bottom");
    await screen.see(at("message", { text: "At the end 4" }));
  });

  await chapter("files of somebody who was not allowed wait for a click", async () => {
    const picture = await drawn(screen);
    const noise = randomBytes(1_300_000);
    await send("", { attachments: [await prepare("valley.png", "image/png", picture), await prepare("noise.bin", "application/octet-stream", noise)] });
    await screen.see("attachment-download");
    await screen.look("reading-offered");
    for (const index of [0, 1]) await screen.click(inside(at("attachment", { index }), "attachment-download"));
    await screen.see("attachment-picture");
    await screen.see("attachment-save");
    await list.staysAtEnd(screen, "below the picture");
    for (const size of [...SIZES, USUAL]) {
      await screen.resize(size);
      await list.staysAtEnd(screen, `at a width of ${size.width}`);
    }
    await screen.look("reading-files");
    assert.equal(await screen.sees("problem"), false);
  });
}

/** A picture as PNG bytes. */
async function drawn(screen) {
  const url = await screen.session.call(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1600, height: 1000 });
    const drawing = canvas.getContext("2d");
    drawing.fillStyle = "steelblue";
    drawing.fillRect(0, 0, 1600, 1000);
    drawing.fillStyle = "seagreen";
    drawing.fillRect(200, 500, 1200, 500);
    return canvas.toDataURL("image/png");
  });
  return Buffer.from(url.split(",")[1], "base64");
}
