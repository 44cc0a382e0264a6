//! What a thief of the data folder can read: nothing.

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { entropy, files, leaks } from "./leak.mjs";
import { Node } from "./node.mjs";
import { Official } from "./official.mjs";
import { Ours, wallet } from "./ours.mjs";
import { folder } from "./program.mjs";
import { Room } from "./room.mjs";

const words = {
  "a text of Alix": "quetzalcoatl-7731-alix-writes",
  "a text of Bo": "xylophonist-9914-bo-answers",
  "a text of Caro": "brobdingnag-3307-caro-agrees",
  "the group's name": "Zanzibar-Cartographers-5521",
  "the group's new name": "Zanzibar-Astronomers-6642",
  "the group's description": "plans-for-vexillology-8853-only",
};
const SQLITE_PAGE = 4096;

describe("plaintext", () => {
  let node, alix, bo, caro, caroWallet, group, served;
  const secrets = { ...words };

  before(async () => {
    node = await Node.start();
    alix = await Ours.create("Alix", node.url);
    bo = await Ours.create("Bo", node.url);
    caroWallet = wallet();
    caro = await Official.create("Caro", node.url, caroWallet);
    const [{ id }] = await alix.lines([
      "group", "create", "--name", words["the group's name"], "--description", words["the group's description"],
      bo.inboxId, caro.inboxId,
    ]);
    group = new Room(id, alix, bo, caro);
    await group.agree();
    await group.say(alix, words["a text of Alix"]);
    await group.say(bo, words["a text of Bo"]);
    await group.say(caro, words["a text of Caro"]);
    await alix.rename(id, words["the group's new name"]);
    await group.agree();
    for (const person of [alix, bo]) {
      secrets[`${person.name}'s wallet key`] = Buffer.from(await readFile(person.walletFile, "utf8"), "hex");
      secrets[`${person.name}'s database key`] = Buffer.from(await readFile(person.keyFile, "utf8"), "hex");
      secrets[`${person.name}'s address`] = Buffer.from(person.address.slice(2), "hex");
      secrets[`${person.name}'s inbox id`] = Buffer.from(person.inboxId, "hex");
      // Its private half lies beside the public one in the same rows.
      secrets[`${person.name}'s installation key`] = Buffer.from(person.installationId, "hex");
    }
    // A write-ahead log that was never folded in: the process is killed with all of it open.
    served = await bo.serve();
    await served.send(id, words["a text of Bo"]);
  });

  after(async () => {
    for (const person of [alix, bo, caro]) await person?.close();
    await node?.stop();
  });

  /** Every find in our people's data folders. */
  const findings = async () => (await Promise.all([alix, bo].map(({ data }) => leaks(data, secrets)))).flat();

  test("nothing after a clean end", async () => {
    assert.ok((await files(alix.data)).length > 0);
    assert.deepEqual(await leaks(alix.data, secrets), []);
  });

  test("nothing while a process runs, nor after it was killed", async () => {
    assert.deepEqual(await findings(), []);
    await served.crash();
    assert.deepEqual(await findings(), []);
  });

  test("nothing in what the program logged", async () => {
    const text = served.program.stderr + served.program.lines.join("\n");
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(!text.includes(Buffer.isBuffer(secret) ? secret.toString("hex") : secret), name);
    }
  });

  test("nothing of what the node keeps can be read either", async () => {
    assert.deepEqual(await leaks(node.home.path, words), []);
  });

  test("every page of every database looks like noise", async () => {
    // Also holds for keys that no command ever shows, such as the installation's private key.
    let pages = 0;
    for (const file of [...(await files(alix.data)), ...(await files(bo.data))]) {
      if (file.endsWith("-shm")) continue; // page numbers and check sums of the write-ahead log
      const content = await readFile(file);
      assert.ok(!content.includes("SQLite format 3"), `${file} is a plain database`);
      for (let start = 0; start + SQLITE_PAGE <= content.length; start += SQLITE_PAGE) {
        pages += 1;
        const bits = entropy(content.subarray(start, start + SQLITE_PAGE));
        assert.ok(bits > 7.9, `${file} at ${start}: ${bits.toFixed(2)} bits per byte`);
      }
    }
    assert.ok(pages > 20, `only ${pages} pages were looked at`);
  });

  test("the search finds what is there: every form, planted in a file", async (t) => {
    const home = await folder("planted");
    t.after(home.remove);
    const secret = words["a text of Alix"];
    const bytes = Buffer.from(secret);
    const planted = {
      raw: bytes,
      utf16: Buffer.from(secret, "utf16le"),
      "utf16 big": Buffer.from(secret, "utf16le").swap16(),
      hex: bytes.toString("hex"),
      "upper hex": bytes.toString("hex").toUpperCase(),
      base64: bytes.toString("base64"),
      "base64 in the midst": Buffer.from(`{"text":"${secret}!"}`).toString("base64"),
      base64url: Buffer.from(`ÿ${secret}ÿ`).toString("base64url"),
    };
    for (const [form, content] of Object.entries(planted)) {
      const path = join(home.path, form);
      await mkdir(path);
      assert.deepEqual(await leaks(path, { secret }), []);
      await writeFile(join(path, "file"), Buffer.concat([Buffer.from("noise "), Buffer.from(content), Buffer.from(" noise")]));
      assert.notDeepEqual(await leaks(path, { secret }), [], form);
    }
    await writeFile(join(home.path, secret), "");
    assert.equal((await leaks(home.path, { secret })).some((find) => find.endsWith(secret)), true, "in a file's name");
  });

  test("the search finds the same conversation in a database that is not encrypted", async () => {
    const finds = await leaks(caro.home.path, words);
    for (const name of ["a text of Alix", "a text of Bo", "a text of Caro", "the group's new name"]) {
      assert.ok(finds.some((find) => find.startsWith(`${name} as raw`)), name);
    }
    const plain = (await readFile(caro.database)).subarray(0, 16).toString();
    assert.match(plain, /^SQLite format 3/);
  });
});
