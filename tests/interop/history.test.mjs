//! History, decisions and new installations between both engines: each as the old and as the new one.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { until } from "./deadline.mjs";
import { Node } from "./node.mjs";
import { Official } from "./official.mjs";
import { Ours, wallet } from "./ours.mjs";

const MINUTE = 60_000;

describe("history between installations of one inbox in both engines", { timeout: 6 * MINUTE }, () => {
  const actors = [];
  let node;
  let caro;

  const ours = async (name, account) => {
    const actor = await Ours.create(name, node.url, account);
    actors.push(actor);
    return actor;
  };

  /** The official one with its worker for other installations. */
  const phone = async (name, account) => {
    const historyServer = `http://${node.httpAddress}`;
    const actor = await Official.create(name, node.url, account, { historyServer });
    actors.push(actor);
    return actor;
  };

  const texts = async (actor, id) => (await actor.messages(id)).map(({ text }) => text);

  const transfers = async (actor) => (await actor.one(["history", "list"])).transfers;

  /** Both sync until it is true; the official worker acts some time after it has synced. */
  const eventually = (what, official, desktop, condition) =>
    until(what, async () => {
      await official.syncDevices();
      await official.syncAll();
      await desktop.sync();
      return condition();
    }, { everyMs: 500 });

  /** The installations of an inbox that a third party has in a group. */
  const inGroup = async (id, inboxId) => {
    await caro.sync();
    const { members } = await caro.view(id);
    return members.find((member) => member.inboxId === inboxId).installations;
  };

  before(async () => {
    node = await Node.start();
    caro = await ours("Caro", wallet());
  });

  after(async () => {
    for (const actor of actors) await actor.close();
    await node?.stop();
  });

  test("the official one is new: it asks, the person says yes, and it has the past", async () => {
    const account = wallet();
    const desktop = await ours("Alix' desktop", account);
    const id = await desktop.createGroup("Hikers", [caro.inboxId]);
    await desktop.send(id, "Where to?");
    await caro.sync();
    await caro.send(id, "The lighthouse");
    await desktop.sync();
    await desktop.one(["consent", "set", "inbox", caro.inboxId, "denied"]);

    const mobile = await phone("Alix' phone", account);
    let held;
    await eventually("the desktop holds the request", mobile, desktop, async () => {
      held = (await transfers(desktop)).find(({ phase }) => phase === "held");
      return held !== undefined;
    });
    assert.equal(held.role, "answering");
    assert.equal(held.installation_id, mobile.installationId);
    assert.equal(held.official_app, true);
    assert.equal(held.code, null);
    assert.equal(held.foreign_server, false);
    const { new_devices } = await desktop.one(["history", "list", "--offline"]);
    assert.deepEqual(new_devices.map((one) => one.installation_id), [mobile.installationId]);
    // Nothing is given by itself.
    await mobile.syncDevices();
    const before = (await mobile.has(id)) ? await texts(mobile, id) : [];
    assert.ok(!before.includes("Where to?"));

    const sent = await desktop.one(["history", "allow", held.pin]);
    assert.equal(sent.phase, "sent");
    assert.ok(sent.messages_done >= 2);
    await eventually("the phone has the past", mobile, desktop, async () => {
      const has = (await mobile.has(id)) ? await texts(mobile, id) : [];
      return has.includes("Where to?") && has.includes("The lighthouse");
    });
    await eventually("the phone has the decision", mobile, desktop, async () =>
      (await mobile.inboxConsent(caro.inboxId)) === "denied");
    assert.deepEqual(await inGroup(id, desktop.inboxId), [desktop.installationId, mobile.installationId].sort());

    // Decisions go both ways, and the newest counts.
    await desktop.one(["consent", "set", "conversation", id, "denied"]);
    await eventually("the phone blocks it too", mobile, desktop, async () => (await mobile.consent(id)) === "denied");
    await mobile.setConsent(id, "allowed");
    await eventually("the desktop allows it again", mobile, desktop, async () =>
      (await desktop.one(["consent", "get", "conversation", id, "--offline"])).state === "allowed");
    await mobile.setInboxConsent(caro.inboxId, "allowed");
    await eventually("and Caro", mobile, desktop, async () =>
      (await desktop.one(["consent", "get", "inbox", caro.inboxId, "--offline"])).state === "allowed");
  });

  test("ours is new: it asks, the official one answers by itself, and ours has the past", async () => {
    const account = wallet();
    const mobile = await phone("Bo's phone", account);
    const id = await mobile.createGroup("Sailors", [caro.inboxId]);
    await mobile.send(id, "Ahoy");
    await caro.sync();
    await caro.send(id, "Ahoy yourself");
    await mobile.sync();
    const unwanted = await caro.createDm(mobile.inboxId);
    await caro.send(unwanted, "Buy this");
    await mobile.sync();
    await mobile.setConsent(unwanted, "denied");

    const desktop = await ours("Bo's desktop", account);
    await desktop.sync();
    const asked = await desktop.one(["history", "request"]);
    assert.equal(asked.phase, "waiting");
    assert.equal(asked.code.length, 8);
    let transfer;
    await eventually("the phone has answered", mobile, desktop, async () => {
      transfer = (await transfers(desktop)).find(({ pin }) => pin === asked.pin);
      return transfer.phase === "ready";
    });
    assert.equal(transfer.official_app, true);
    assert.equal(transfer.installation_id, mobile.installationId);
    const done = await desktop.one(["history", "take", asked.pin]);
    assert.equal(done.phase, "done", JSON.stringify(done.error));
    const here = await texts(desktop, id);
    assert.ok(here.includes("Ahoy") && here.includes("Ahoy yourself"), here.join());
    const blocked = ["consent", "get", "conversation", unwanted, "--offline"];
    assert.equal((await desktop.one(blocked)).state, "denied");

    // Restored conversations come alive, and third parties see both.
    await eventually("the group is alive here", mobile, desktop, async () => {
      await mobile.send(id, "Who else is here?");
      return desktop.isActive(id);
    });
    await desktop.send(id, "Both of me");
    assert.deepEqual(await inGroup(id, mobile.inboxId), [mobile.installationId, desktop.installationId].sort());
    assert.ok((await texts(caro, id)).includes("Both of me"));

    // The one that is revoked hears nothing of what is decided afterwards.
    await desktop.revoke(mobile.installationId);
    await desktop.one(["consent", "set", "inbox", caro.inboxId, "denied"]);
    await desktop.sync();
    await mobile.syncDevices().catch(() => {});
    assert.notEqual(await mobile.inboxConsent(caro.inboxId), "denied");
  });

  test("a refusal gives the official one nothing", async () => {
    const account = wallet();
    const desktop = await ours("Eri's desktop", account);
    const id = await desktop.createGroup("Diary", [caro.inboxId]);
    await desktop.send(id, "Dear diary");
    const mobile = await phone("Eri's phone", account);
    let held;
    await eventually("the desktop holds the request", mobile, desktop, async () => {
      held = (await transfers(desktop)).find(({ phase }) => phase === "held");
      return held !== undefined;
    });
    for (const { pin, phase } of await transfers(desktop)) {
      if (phase === "held") assert.equal((await desktop.one(["history", "refuse", pin])).phase, "refused");
    }
    await desktop.sync();
    await mobile.syncDevices();
    await mobile.syncAll();
    const has = (await mobile.has(id)) ? await texts(mobile, id) : [];
    assert.ok(!has.includes("Dear diary"));
    // What we wrote it in does not disturb it: it hears of a decision after it.
    await desktop.one(["consent", "set", "inbox", caro.inboxId, "denied"]);
    await eventually("it still hears of decisions", mobile, desktop, async () =>
      (await mobile.inboxConsent(caro.inboxId)) === "denied");
  });
});
