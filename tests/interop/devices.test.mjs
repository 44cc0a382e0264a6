//! Installations of one inbox in both engines: each sees the other's, each revokes the other's, and
//! third parties drop what was revoked.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { until } from "./deadline.mjs";
import { Node } from "./node.mjs";
import { Official } from "./official.mjs";
import { Ours, wallet } from "./ours.mjs";
import { Passkey } from "./passkey.mjs";

const MINUTE = 60_000;

describe("installations of one inbox in both engines", { timeout: 5 * MINUTE }, () => {
  const actors = [];
  let node;
  let alix; // the wallet of the person who has both
  let caro;
  let davon;

  const made = async (Engine, name, account) => {
    const actor = await Engine.create(name, node.url, account);
    actors.push(actor);
    return actor;
  };

  /** The installations of Alix' inbox that a third party has in the group. */
  const inGroup = async (actor, id, inboxId) => {
    const { members } = await actor.view(id);
    return members.find((member) => member.inboxId === inboxId)?.installations ?? [];
  };

  const dropped = (actor, id, inboxId, left) =>
    until(`${actor.name} has only ${left.length} of the installations`, async () => {
      await actor.sync();
      assert.deepEqual(await inGroup(actor, id, inboxId), [...left].sort());
      return true;
    }, { everyMs: 500 });

  before(async () => {
    node = await Node.start();
    alix = wallet();
    caro = await made(Ours, "Caro", wallet());
    davon = await made(Official, "Davon", wallet());
  });

  after(async () => {
    for (const actor of actors) await actor.close();
    await node?.stop();
  });

  test("ours revokes the official one", async () => {
    const ours = await made(Ours, "Alix' desktop", alix);
    const phone = await made(Official, "Alix' phone", alix);
    assert.equal(phone.inboxId, ours.inboxId);
    const both = [ours.installationId, phone.installationId].sort();
    assert.deepEqual((await ours.installations()).sort(), both);
    assert.deepEqual((await phone.installations()).sort(), both);

    const id = await davon.createGroup("By Davon", [ours.inboxId, caro.inboxId]);
    for (const actor of [ours, phone, caro]) await actor.sync();
    await dropped(caro, id, ours.inboxId, both);
    await ours.revoke(phone.installationId);
    const left = [ours.installationId];
    assert.deepEqual(await ours.installations(), left);
    assert.deepEqual(await phone.installations(), left);
    for (const actor of [caro, davon]) await dropped(actor, id, ours.inboxId, left);
    const said = await ours.send(id, "Only one of me");
    for (const actor of [caro, davon]) {
      await actor.sync();
      assert.ok((await actor.messages(id)).some((message) => message.id === said));
    }
    await phone.sync();
    assert.equal(await phone.isActive(id), false);
    assert.ok((await phone.messages(id)).every((message) => message.id !== said));
  });

  test("the official one revokes ours", async () => {
    const account = wallet();
    const phone = await made(Official, "Bo's phone", account);
    const ours = await made(Ours, "Bo's desktop", account);
    const id = await caro.createGroup("By Caro", [phone.inboxId, davon.inboxId]);
    for (const actor of [ours, phone, davon]) await actor.sync();
    await ours.send(id, "Both of me");
    await phone.revoke(account, ours.installationId);
    // Whoever writes next takes it out, and the desktop finds out by itself.
    await davon.sync();
    await until("a third party's message takes it out", async () => {
      await davon.send(id, "Who is there?");
      await davon.sync();
      assert.deepEqual(await inGroup(davon, id, phone.inboxId), [phone.installationId]);
      return true;
    }, { everyMs: 1000 });
    await dropped(caro, id, phone.inboxId, [phone.installationId]);
    for (const command of [["conversation", "sync-all"], ["group", "send", id, "And me?"]]) {
      await assert.rejects(ours.one(command), { code: "installation_revoked" });
    }
    assert.ok((await ours.messages(id)).some(({ text }) => text === "Both of me"));
    for (const actor of [caro, davon, phone]) {
      await actor.sync();
      assert.ok((await actor.messages(id)).every(({ text }) => text !== "And me?"));
    }
  });

  test("wallets that one adds lead to the inbox for the other", async () => {
    const account = wallet();
    const second = wallet();
    const ours = await made(Ours, "Eri's desktop", account);
    const phone = await made(Official, "Eri's phone", account);
    await ours.addWallet(second);
    const known = [account, second].map(({ address }) => address.toLowerCase()).sort();
    assert.deepEqual((await phone.addresses()).sort(), known);
    // The wallet that added both goes: our own installation is vouched for anew and stays, the phone,
    // which nobody could vouch for, goes with it.
    await ours.removeWallet(account.address.toLowerCase(), account);
    assert.deepEqual(await phone.addresses(), [second.address.toLowerCase()]);
    assert.deepEqual(await phone.installations(), [ours.installationId]);
    assert.deepEqual(await ours.installations(), [ours.installationId]);
  });

  test("a passkey that ours adds signs for the other's eyes too", async () => {
    const account = wallet();
    const passkey = new Passkey();
    const ours = await made(Ours, "Fay's desktop", account);
    const phone = await made(Official, "Fay's phone", account);
    const page = await ours.serve();
    const bySecret = () => ({ kind: "secret", secret_kind: "private_key", secret: account.privateKey, password: null });
    const byPasskey = (text) => passkey.sign(text);
    /** Makes a change that these sign, one after the other. */
    const change = async (wanted, ...signers) => {
      const { change_id, signature_text } = await page.call("inbox_change_preview", { change: wanted });
      for (const sign of signers) await page.call("inbox_change_sign", { change_id, signature: sign(signature_text) });
      return page.call("inbox_change_apply", { change_id });
    };
    try {
      await change(passkey.added, byPasskey);
      const both = [account.address.toLowerCase(), passkey.key].sort();
      assert.deepEqual((await phone.addresses()).sort(), both);
      await change({ kind: "change_recovery", address: passkey.key }, bySecret, byPasskey);
      await change({ kind: "revoke_installations", installation_ids: [phone.installationId] }, byPasskey);
      assert.deepEqual(await phone.installations(), [ours.installationId]);
      await change({ kind: "remove_wallet", address: passkey.key }, byPasskey);
      assert.deepEqual(await phone.addresses(), [account.address.toLowerCase()]);
    } finally {
      await page.close();
    }
  });
});
