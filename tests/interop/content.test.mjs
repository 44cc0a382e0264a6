//! Each content type, sent by each engine and read by the other; the same messages on both sides.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { ReactionAction, ReactionSchema, decryptAttachment, encodeMarkdown, encodeText, encryptAttachment } from "@xmtp/node-bindings";

import { until } from "./deadline.mjs";
import { Node } from "./node.mjs";
import { Official } from "./official.mjs";
import { Ours, wallet } from "./ours.mjs";

const HASH = `0x${"ab".repeat(32)}`;
const TRANSACTION = { namespace: "eip155", networkId: "0x1", reference: HASH };
const METADATA = {
  transactionType: "transfer",
  currency: "USDC",
  amount: 1_500_000,
  decimals: 6,
  fromAddress: `0x${"11".repeat(20)}`,
  toAddress: `0x${"22".repeat(20)}`,
};
const CALLS = {
  version: "1.0",
  chainId: "0x1",
  from: `0x${"11".repeat(20)}`,
  calls: [{ to: `0x${"22".repeat(20)}`, data: "0x", value: "0x0", metadata: { description: "Pay", transactionType: "transfer" } }],
};
const ACTIONS = { id: "tea", description: "Tea?", actions: [{ id: "yes", label: "Yes" }, { id: "no", label: "No" }] };

/** A content of ours to send raw with the official engine, which has no call for it. */
function deletion(messageId) {
  const id = Buffer.from(messageId, "utf8");
  return {
    type: { authorityId: "xmtp.org", typeId: "deleteMessage", versionMajor: 1, versionMinor: 0 },
    parameters: {},
    content: Buffer.concat([Buffer.from([0x0a, id.length]), id]),
  };
}

describe("content", { timeout: 10 * 60_000 }, () => {
  let node, person, alix, bo, group, boGroup;

  before(async () => {
    node = await Node.start();
    person = await Ours.create("Alix (ours)", node.url);
    bo = await Official.create("Bo (official)", node.url, wallet());
    alix = await person.serve();
    group = await alix.createGroup("Contents", [bo.inboxId]);
    await bo.sync();
    boGroup = bo.client.conversations().findGroupById(group);
  });

  after(async () => {
    await alix?.close();
    await person?.close();
    await bo?.close();
    await node?.stop();
  });

  async function ofAlix(id) {
    const anchor = { at: "message", message_id: id };
    const { items } = await alix.call("message_list", { conversation_id: group, anchor, limit: 20 });
    return items.find((message) => message.id === id);
  }

  /** The message as Alix shows it, once it is there. */
  async function reaches(id) {
    let shown;
    await until(`Alix has ${id}`, async () => {
      await alix.call("conversation_sync", { conversation_id: group });
      shown = await ofAlix(id).catch(() => undefined);
      return shown !== undefined;
    });
    return shown;
  }

  /** The message as Bo shows it, once it is there. */
  async function arrives(id) {
    let shown;
    await until(`Bo has ${id}`, async () => {
      await boGroup.sync();
      shown = (await boGroup.findEnrichedMessages()).find((message) => message.id === id);
      return shown !== undefined;
    });
    return shown;
  }

  /** Sends as Alix and waits until it is published. */
  async function send(text, options = {}) {
    const { id } = await alix.call("message_send", { conversation_id: group, text, ...options });
    return published(id);
  }

  async function published(id) {
    await alix.call("conversation_sync", { conversation_id: group });
    await until(`${id} is published`, async () => (await ofAlix(id)).delivery === "published");
    return id;
  }

  test("text and markdown", async () => {
    assert.equal((await arrives(await send("hello <b>Bo</b>"))).content.text, "hello <b>Bo</b>");
    assert.equal((await arrives(await send("# hello", { format: "markdown" }))).content.markdown, "# hello");
    assert.deepEqual((await reaches(await boGroup.sendText("hello Alix"))).content, { kind: "text", text: "hello Alix" });
    assert.deepEqual((await reaches(await boGroup.sendMarkdown("*hello*"))).content, { kind: "markdown", text: "*hello*" });
  });

  test("replies quote the same message on both sides", async () => {
    const ours = await send("What time?");
    const theirs = await boGroup.sendReply({ content: encodeMarkdown("*Five*"), reference: ours, referenceInboxId: alix.inboxId });
    const shown = await reaches(theirs);
    assert.deepEqual(shown.content, { kind: "markdown", text: "*Five*" });
    assert.match(shown.content_type, /^xmtp\.org\/reply:/);
    assert.deepEqual(shown.reply_to, { message_id: ours, sender_inbox_id: alix.inboxId, text: "What time?", state: "known" });

    const back = await send("Too early", { reply_to: theirs });
    const { reply } = (await arrives(back)).content;
    assert.equal(reply.referenceId, theirs);
    assert.equal(reply.content.text, "Too early");
    assert.equal(reply.inReplyTo.id, theirs);

    const unknown = await boGroup.sendReply({ content: encodeText("To nothing"), reference: "ab".repeat(32) });
    assert.equal((await reaches(unknown)).reply_to.state, "missing");
  });

  test("reactions are added and taken back both ways", async () => {
    const ours = await send("React to this");
    await arrives(ours);
    const reaction = { reference: ours, referenceInboxId: alix.inboxId, content: "👍", schema: ReactionSchema.Unicode };
    const tally = [{ content: "👍", schema: "unicode", count: 1, is_own: false, senders: [bo.inboxId] }];
    const shows = (id, expected) =>
      until(`Alix shows ${JSON.stringify(expected)}`, async () => {
        await alix.call("conversation_sync", { conversation_id: group });
        return JSON.stringify((await ofAlix(id)).reactions) === JSON.stringify(expected);
      });
    await boGroup.sendReaction({ ...reaction, action: ReactionAction.Added });
    await boGroup.sendReaction({ ...reaction, action: ReactionAction.Added });
    await shows(ours, tally);
    await boGroup.sendReaction({ ...reaction, action: ReactionAction.Removed });
    await shows(ours, []);

    // The form before the current one: JSON.
    const old = {
      type: { authorityId: "xmtp.org", typeId: "reaction", versionMajor: 1, versionMinor: 0 },
      parameters: {},
      fallback: "Reacted",
      content: Buffer.from(JSON.stringify({ action: "added", reference: ours, schema: "shortcode", content: ":tea:" })),
    };
    await boGroup.send(old, { shouldPush: false });
    await shows(ours, [{ content: ":tea:", schema: "shortcode", count: 1, is_own: false, senders: [bo.inboxId] }]);

    const theirs = await boGroup.sendText("And to this");
    await reaches(theirs);
    const seen = async () => {
      await boGroup.sync();
      const { reactions } = await arrives(theirs);
      return reactions.map(({ content: { reaction: { action, content, schema } } }) => [action, content, schema]);
    };
    const added = [ReactionAction.Added, "🎉", ReactionSchema.Unicode];
    const target = await alix.call("message_react", { message_id: theirs, content: "🎉", is_added: true });
    assert.equal(target.reactions[0].is_own, true, "shown at once");
    await until("Bo sees the reaction", async () => JSON.stringify(await seen()) === JSON.stringify([added]));
    await alix.call("message_react", { message_id: theirs, content: "🎉", is_added: false });
    const removed = [ReactionAction.Removed, "🎉", ReactionSchema.Unicode];
    await until("Bo sees it taken back", async () => JSON.stringify(await seen()) === JSON.stringify([added, removed]));
  });

  test("read receipts", async () => {
    await boGroup.sendText("Have you read this?");
    await until("Alix has something to read", async () => {
      await alix.call("conversation_sync", { conversation_id: group });
      return (await alix.call("conversation_get", { conversation_id: group })).unread_count > 0;
    });
    await alix.call("conversation_mark_read", { conversation_id: group });
    await until("Bo knows that Alix has read it", async () => {
      await boGroup.sync();
      return alix.inboxId in (await boGroup.getLastReadTimes());
    });
    await boGroup.sendReadReceipt();
    await until("Alix knows that Bo has read it", async () => {
      await alix.call("conversation_sync", { conversation_id: group });
      const times = await alix.call("conversation_read_times", { conversation_id: group });
      return times.some(({ inbox_id }) => inbox_id === bo.inboxId);
    });
  });

  test("cards about transactions", async () => {
    const reference = { ...TRANSACTION, metadata: METADATA };
    const ours = (await arrives(await send(JSON.stringify(reference), { format: "transaction_reference" }))).content;
    assert.deepEqual(ours.transactionReference, reference);
    const theirs = await reaches(await boGroup.sendTransactionReference(reference));
    assert.deepEqual(theirs.content, {
      kind: "transaction_reference",
      namespace: "eip155",
      network_id: "0x1",
      reference: HASH,
      transaction_type: "transfer",
      currency: "USDC",
      amount: "1.5",
      from_address: METADATA.fromAddress,
      to_address: METADATA.toAddress,
    });

    const request = (await arrives(await send(JSON.stringify(CALLS), { format: "wallet_send_calls" }))).content;
    assert.deepEqual(request.walletSendCalls.calls[0].metadata, CALLS.calls[0].metadata);
    const { content } = await reaches(await boGroup.sendWalletSendCalls(CALLS));
    assert.deepEqual(content, {
      kind: "wallet_send_calls",
      chain_id: "0x1",
      from: CALLS.from,
      calls: [{ to: CALLS.calls[0].to, value: "0x0", data: "0x", description: "Pay" }],
    });
  });

  test("actions and choices", async () => {
    const offer = await reaches(await boGroup.sendActions({ ...ACTIONS, expiresAtNs: 4_000_000_000_123_000_000n }));
    assert.equal(offer.content.expires_at, "2096-10-02T07:06:40.123Z");
    assert.deepEqual(offer.content.actions.map(({ id, label }) => ({ id, label })), ACTIONS.actions);
    const chosen = await alix.call("actions_answer", { message_id: offer.id, action_id: "yes" });
    const { intent } = (await arrives(await published(chosen.id))).content;
    assert.deepEqual([intent.id, intent.actionId], ["tea", "yes"]);

    const ours = (await arrives(await send(JSON.stringify(ACTIONS), { format: "actions" }))).content.actions;
    assert.deepEqual([ours.id, ours.description, ours.actions.length], ["tea", "Tea?", 2]);
    const theirs = await reaches(await boGroup.sendIntent({ id: "tea", actionId: "no" }));
    assert.deepEqual(theirs.content, { kind: "intent", id: "tea", action_id: "no" });
  });

  test("deletions for everyone", async () => {
    const ours = await send("Alix regrets this");
    await arrives(ours);
    const { content } = await alix.call("message_delete_for_everyone", { message_id: ours });
    assert.deepEqual(content, { kind: "deleted", by: alix.inboxId });
    await until("Bo has the deletion", async () => {
      await boGroup.sync();
      const all = await boGroup.findMessages();
      return all.some(({ content: { type } }) => type?.typeId === "deleteMessage");
    });

    const theirs = await boGroup.sendText("Bo regrets this");
    await reaches(theirs);
    await boGroup.send(deletion(theirs), { shouldPush: false });
    await until("Alix shows it as deleted", async () => {
      await alix.call("conversation_sync", { conversation_id: group });
      const { content } = await ofAlix(theirs);
      return content.kind === "deleted" && content.by === bo.inboxId;
    });

    // Bo is no super admin, and this is not his.
    const kept = await send("Alix keeps this");
    await arrives(kept);
    await boGroup.send(deletion(kept), { shouldPush: false });
    await reaches(await boGroup.sendText("after the forged deletion"));
    assert.equal((await ofAlix(kept)).content.kind, "text");
  });

  /** Copies a file into Alix's database, to be sent. */
  async function prepare(name, bytes) {
    const base64 = Buffer.from(bytes).toString("base64");
    const { id } = await alix.call("attachment_prepare", { conversation_id: group, name, media_type: "text/plain", base64 });
    return id;
  }

  /** What Alix has of a file of a message once it came, saved by her to the disk. */
  async function saved(id, index, name) {
    await until(`Alix has the file ${name}`, async () => {
      const { state, failure } = (await ofAlix(id)).content.items[index];
      assert.equal(failure, null);
      if (state === "offered") await alix.call("attachment_transfer", { message_id: id, index, action: "start" });
      return state === "stored";
    });
    const path = join(person.home.path, `${id}-${index}`);
    const written = await alix.call("attachment_save", { message_id: id, index, path });
    return readFile(written.path);
  }

  /** Encrypts a file as Bo, puts it on the node, and tells of it as his messages do. */
  async function upload(filename, content) {
    const { payload, ...keys } = encryptAttachment({ filename, mimeType: "text/plain", content });
    const url = `http://${node.httpAddress}/files/${keys.contentDigest}`;
    assert.equal((await fetch(url, { method: "PUT", body: payload })).status, 201);
    return { ...keys, url, scheme: "https://" };
  }

  /** What Bo gets of a file that a message of Alix tells of. */
  async function download(announced) {
    const answer = await fetch(announced.url);
    return decryptAttachment(new Uint8Array(await answer.arrayBuffer()), { ...announced, scheme: "https://" });
  }

  test("files within their message", async () => {
    const small = randomBytes(2_000);
    const sent = await alix.call("message_send", { conversation_id: group, text: "", attachments: [await prepare("plan.txt", small)] });
    const { attachment } = (await arrives(await published(sent.id))).content;
    assert.deepEqual([attachment.filename, attachment.mimeType], ["plan.txt", "text/plain"]);
    assert.deepEqual(Buffer.from(attachment.content), small);

    const theirs = await reaches(await boGroup.sendAttachment({ filename: "../reply.txt", mimeType: "text/plain", content: small }));
    const [{ name, source, size, state }] = theirs.content.items;
    assert.deepEqual([name, source, size, state], ["reply.txt", "inline", 2_000, "stored"]);
    assert.deepEqual(await saved(theirs.id, 0, name), small);
  });

  test("files on the node, alone and several at once, with a text after them", async () => {
    const large = randomBytes(1_500_000);
    const alone = await alix.call("message_send", { conversation_id: group, text: "", attachments: [await prepare("film.txt", large)] });
    const { remoteAttachment } = (await arrives(await published(alone.id))).content;
    assert.equal(remoteAttachment.filename, "film.txt");
    const opened = await download(remoteAttachment);
    assert.deepEqual([opened.filename, opened.mimeType], ["film.txt", "text/plain"]);
    assert.deepEqual(Buffer.from(opened.content), large);

    const two = [await prepare("one.txt", large), await prepare("two.txt", Buffer.from("two"))];
    const words = await alix.call("message_send", { conversation_id: group, text: "Both of them", attachments: two });
    await published(words.id);
    assert.equal((await arrives(words.id)).content.text, "Both of them");
    const all = await boGroup.findEnrichedMessages();
    const { multiRemoteAttachment } = all.at(all.findIndex(({ id }) => id === words.id) - 1).content;
    assert.deepEqual(multiRemoteAttachment.attachments.map(({ filename }) => filename), ["one.txt", "two.txt"]);
    for (const [index, bytes] of [large, Buffer.from("two")].entries()) {
      assert.deepEqual(Buffer.from((await download(multiRemoteAttachment.attachments[index])).content), bytes);
    }

    const theirs = await reaches(await boGroup.sendRemoteAttachment(await upload("theirs.txt", large)));
    assert.deepEqual(await saved(theirs.id, 0, "theirs.txt"), large);
    const attachments = [await upload("three.txt", Buffer.from("three")), await upload("four.txt", large)];
    const several = await reaches(await boGroup.sendMultiRemoteAttachment({ attachments }));
    assert.deepEqual(several.content.items.map(({ name }) => name), ["three.txt", "four.txt"]);
    assert.deepEqual(await saved(several.id, 0, "three.txt"), Buffer.from("three"));
    assert.deepEqual(await saved(several.id, 1, "four.txt"), large);
  });

  test("an unknown type is shown by its fallback", async () => {
    const unknown = {
      type: { authorityId: "example.org", typeId: "hologram", versionMajor: 1, versionMinor: 0 },
      parameters: {},
      fallback: "A hologram",
      content: Buffer.from([1, 2, 3]),
    };
    const shown = await reaches(await boGroup.send(unknown, { shouldPush: false }));
    assert.deepEqual(shown.content, { kind: "other", fallback: "A hologram" });
    const plain = await reaches(await boGroup.send({ ...unknown, fallback: undefined }, { shouldPush: false }));
    assert.deepEqual(plain.content, { kind: "other", fallback: null });
  });

  test("both databases list the same messages", async () => {
    await alix.sync();
    await boGroup.sync();
    await alix.close();
    alix = undefined;
    const ours = (await person.lines(["group", "messages", group, "--order", "asc", "--kind", "application", "--offline"]))
      .map(({ id, sender_inbox_id, content_type, sent_at_ns }) => [id, sender_inbox_id, content_type.split(/[/:]/)[1], sent_at_ns]);
    const theirs = (await boGroup.findMessages())
      .filter(({ content: { type } }) => type?.typeId !== "group_updated")
      .map(({ id, senderInboxId, content: { type }, sentAtNs }) => [id, senderInboxId, type.typeId, String(sentAtNs)]);
    assert.ok(ours.length > 30, `${ours.length} messages`);
    assert.deepEqual(ours, theirs);
  });
});
