//! What bad input gets: a sentence that says what to do, nothing lost, nothing half done.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { generatePrivateKey, privateKeyToAddress } from "viem/accounts";

import { until } from "./deadline.mjs";
import { call, frayedLine, liar, mailServer, nobody, website } from "./impostor.mjs";
import { Node } from "./node.mjs";
import { Ours, wallet } from "./ours.mjs";
import { shiftedClock } from "./program.mjs";
import { refuses } from "./refusal.mjs";

const stranger = () => privateKeyToAddress(generatePrivateKey()).toLowerCase();

describe("bad input", () => {
  let node, alix, bo, caro, group;

  before(async () => {
    node = await Node.start();
    alix = await Ours.create("Alix", node.url);
    bo = await Ours.create("Bo", node.url);
    caro = await Ours.create("Caro", node.url);
    group = await alix.createGroup("Steady", [bo.inboxId]);
    await bo.sync();
  });

  after(async () => {
    for (const person of [alix, bo, caro]) await person?.close();
    await node?.stop();
  });

  /** Runs `work` and checks that neither the group nor the list of conversations changed by it. */
  async function changesNothing(work) {
    const look = async () => [await alix.conversations(), await alix.view(group)];
    const before = await look();
    await work();
    assert.deepEqual(await look(), before);
  }

  describe("addresses", () => {
    const cases = {
      "no address at all": ["alix.example", "malformed", /neither an address .* nor an inbox id/],
      "an address that is too short": [`0x${"a".repeat(39)}`, "malformed", /40 hexadecimal/],
      "an inbox id with a letter that is no digit": ["g".repeat(64), "malformed", /64 hexadecimal/],
      "an address that nobody has": [stranger(), "not_registered", /Nobody with this address/],
      "an inbox that does not exist": [`f${randomBytes(32).toString("hex").slice(1)}`, "not_registered", /on this network/],
    };
    for (const [name, [who, code, sentence]] of Object.entries(cases)) {
      test(name, async () => {
        await changesNothing(async () => {
          const named = new RegExp(who);
          for (const command of [["group", "create", "--name", "Never", who], ["dm", "create", who]]) {
            const failure = await refuses(alix.one(command), { code, sentence, retryable: false });
            assert.match(failure.sentence, named, "it names whom it means");
          }
          // Among many: nobody is added before everybody can be.
          await refuses(alix.one(["group", "create", "--name", "Never", bo.inboxId, who]), { code, sentence: named });
        });
        const [resolved] = await alix.lines(["inbox", "resolve", who]);
        assert.deepEqual([resolved.who, resolved.inbox_id, resolved.reachable], [who, null, false]);
      });
    }

    test("adding one that is wrong to a group names it", async () => {
      const who = stranger();
      await changesNothing(() =>
        refuses(alix.one(["group", "add", group, who]), { code: "not_registered", sentence: new RegExp(who) }),
      );
    });

    test("a list in a file is checked the same way", async () => {
      const file = `${alix.home.path}/people`;
      await writeFile(file, `${bo.address}\n${stranger()}\n0xnope\n`);
      await changesNothing(() =>
        refuses(alix.one(["group", "create", `@${file}`]), { code: "not_registered", sentence: /0xnope/ }),
      );
    });
  });

  describe("texts", () => {
    test("an empty one", async () => {
      await changesNothing(() =>
        refuses(alix.one(["group", "send", group, ""]), { code: "empty_text", sentence: /Write something/ }),
      );
    });

    test("one byte too many", async () => {
      await changesNothing(() =>
        refuses(alix.one(["group", "send", group, "-"], { input: "x".repeat(65_537) }), {
          code: "text_too_long",
          sentence: /65537 bytes.*65536/,
        }),
      );
    });

    test("as many as allowed arrive whole", async () => {
      const text = "é".repeat(32_768);
      const { id } = await alix.one(["group", "send", group, "-"], { input: text });
      await bo.sync();
      assert.equal((await bo.messages(group)).find((message) => message.id === id).text, text);
    });

    test("a name that is too long", async () => {
      await changesNothing(() =>
        refuses(alix.one(["group", "set", group, "--name", "n".repeat(101)]), {
          code: "metadata_too_long",
          sentence: /101 bytes; at most 100/,
        }),
      );
    });
  });

  describe("conversations and accounts", () => {
    test("an unknown group", async () => {
      const id = randomBytes(16).toString("hex");
      for (const command of [["group", "send", id, "hello"], ["group", "show", id], ["group", "add", id, caro.inboxId]]) {
        await refuses(alix.one(command), { code: "unknown_conversation", sentence: /Sync first, or check the id/ });
      }
    });

    test("an id that is none", async () => {
      await refuses(alix.one(["group", "send", "not-hex", "hello"]), { code: "invalid_id", sentence: /not-hex/ });
    });

    test("a group of others", async () => {
      await refuses(caro.one(["group", "send", group, "let me in"]), { code: "unknown_conversation", sentence: /Sync/ });
    });

    test("wrong usage", async () => {
      for (const command of [["group", "frobnicate"], ["group", "send", group], ["group", "messages", group, "--limit", "x"]]) {
        const { code, stdout } = await alix.run(command);
        assert.deepEqual([code, stdout], [2, ""]);
      }
    });

    test("a second process on the same folder", async () => {
      const served = await alix.serve();
      await refuses(alix.one(["group", "send", group, "from the second"]), {
        code: "account_in_use",
        sentence: /open in another window or process/,
      });
      // The first one does not notice.
      const text = "from the first";
      const id = await served.send(group, text);
      await served.call("conversation_sync", { conversation_id: group });
      await served.close();
      await bo.sync();
      const found = (await bo.messages(group)).filter((message) => message.text.startsWith("from the "));
      assert.deepEqual(found.map((message) => message.id), [id]);
    });

    test("no account, a second account, a wrong key", async (t) => {
      const davon = await Ours.prepare("Davon", node.url);
      t.after(() => davon.close());
      await refuses(davon.one(["conversation", "sync"]), { code: "no_account", sentence: /Create one first/ });
      await davon.register();
      await refuses(davon.register(), { code: "account_exists", sentence: /another data folder/ });
      const key = await readFile(davon.keyFile, "utf8");
      await writeFile(davon.keyFile, randomBytes(32).toString("hex"));
      await refuses(davon.one(["account", "show"]), { code: "wrong_key", sentence: /key/ });
      await writeFile(davon.keyFile, key);
      assert.equal((await davon.one(["account", "show"])).inbox_id, davon.inboxId);
    });
  });

  // Each test has people of its own: they wait for the same retries side by side.
  describe("nodes", { concurrency: true }, () => {
    const impostors = {
      "nobody there": { code: "node_unreachable", retryable: true, start: async () => ({ url: await nobody(), close() {} }) },
      "a mail server": { code: "not_xmtp_node", retryable: false, start: mailServer },
      "a web site": { code: "not_xmtp_node", retryable: false, start: website },
      "answers that are none": { code: "node_reply", retryable: false, start: liar },
    };
    for (const [name, { code, retryable, start }] of Object.entries(impostors)) {
      test(`${name}: for an account`, { timeout: 180_000 }, async (t) => {
        const impostor = await start();
        const [davon, fritz] = [await Ours.create("Davon", node.url), await Ours.create("Fritz", node.url)];
        t.after(async () => {
          impostor.close();
          for (const person of [davon, fritz]) await person.close();
        });
        const id = await davon.createGroup("Steady", [fritz.inboxId]);
        const look = async () => [await davon.conversations(), await davon.view(id)];
        const before = await look();
        const there = { node: impostor.url };
        const wanted = { code, retryable, sentence: /node/ };
        await refuses(davon.one(["group", "set", id, "--name", "Never"], there), wanted);
        await refuses(davon.one(["group", "create", fritz.inboxId], there), wanted);
        assert.deepEqual(await look(), before);
        // What is written meanwhile is kept, says so, and goes out later, once.
        const text = `written while: ${name}`;
        await refuses(davon.one(["group", "send", id, text], there), { ...wanted, sentence: /stored and goes out with the next sync/ });
        const kept = await davon.lines(["group", "messages", id, "--delivery", "unpublished", "--offline"]);
        assert.deepEqual(kept.map((message) => message.text), [text]);
        await davon.sync();
        await fritz.sync();
        const arrived = await fritz.messages(id);
        assert.deepEqual(arrived.map((message) => message.id), kept.map((message) => message.id));
        assert.deepEqual(await davon.messages(id), arrived);
      });

      test(`${name}: for a new account`, { timeout: 120_000 }, async (t) => {
        const impostor = await start();
        const eri = await Ours.prepare("Eri", node.url);
        t.after(async () => {
          impostor.close();
          await eri.close();
        });
        const create = ["account", "create", "--private-key-file", eri.walletFile];
        await refuses(eri.one(create, { node: impostor.url }), { code, retryable, sentence: /node/ });
        await eri.register();
        const devices = await eri.lines(["device", "list"]);
        assert.deepEqual(devices.map(({ installation_id }) => installation_id), [eri.installationId]);
      });
    }

    test("no URL", async () => {
      await refuses(caro.one(["conversation", "sync"], { node: "gopher://x" }), {
        code: "invalid_node_url",
        sentence: /http:\/\/|address/,
      });
    });

    test("a connection that breaks in the midst of answers", { timeout: 180_000 }, async (t) => {
      const line = await frayedLine(node.address);
      const [davon, fritz] = [await Ours.create("Davon", node.url), await Ours.create("Fritz", node.url)];
      t.after(async () => {
        line.close();
        for (const person of [davon, fritz]) await person.close();
      });
      const id = await davon.createGroup("Frayed", [fritz.inboxId]);
      const ids = [];
      for (let n = 0; n < 20; n += 1) ids.push(await davon.send(id, `through a frayed line ${n}`));
      // Each further try gets further; whatever was read is kept.
      for (const allowance of [64, 400, 2500, 8000, 16_000]) {
        line.allowance = allowance;
        const { code, stderr } = await fritz.run(["conversation", "sync-all"], { node: line.url });
        if (code !== 0) assert.match(stderr, /"retryable":true/);
      }
      assert.ok(line.breaks > 3, "the line did break");
      await fritz.sync();
      assert.deepEqual((await fritz.messages(id)).map((message) => message.id), ids);
      assert.equal((await fritz.view(id)).gaps, 0);
    });

    test("a stream that is cut goes on where it was", { timeout: 180_000 }, async (t) => {
      const line = await frayedLine(node.address);
      const [davon, fritz] = [await Ours.create("Davon", node.url), await Ours.create("Fritz", node.url)];
      const id = await davon.createGroup("Cut", [fritz.inboxId]);
      const stream = fritz.start(["message", "stream-all"], { node: line.url });
      t.after(async () => {
        await stream.end("SIGINT");
        line.close();
        for (const person of [davon, fritz]) await person.close();
      });
      const texts = () => stream.lines.map((text) => JSON.parse(text).text).filter((text) => text.startsWith("cut "));
      const sent = [];
      for (let n = 0; n < 6; n += 1) {
        const text = `cut ${n}`;
        await davon.send(id, text);
        sent.push(text);
        await until(`the stream brings "${text}"`, () => texts().includes(text), { seconds: 60 });
        line.cut();
      }
      assert.deepEqual(texts(), sent, "everything once and in order");
      assert.ok(line.breaks >= 6);
    });
  });

  describe("key packages", () => {
    test("one member's is missing: the others are added, the one is named", async () => {
      const vector = JSON.parse(await readFile(new URL("vectors/without_key_package.json", import.meta.url), "utf8"));
      const update = Buffer.from(vector.identity_update, "base64");
      const field = Buffer.from([0x0a, (update.length & 0x7f) | 0x80, update.length >> 7]); // field 1, length
      await call(node.url, "/xmtp.identity.api.v1.IdentityApi/PublishIdentityUpdate", Buffer.concat([field, update]));
      await othersAreAdded(alix, [bo, caro], vector.inbox_id);
    });

    test("one member's has expired: the others are added, the one is named", async (t) => {
      const old = await Node.start({ env: shiftedClock("-100d") });
      const people = [];
      t.after(async () => {
        for (const person of people) await person.close();
        await old.stop();
      });
      const fritz = await Ours.prepare("Fritz", old.url);
      people.push(fritz);
      await fritz.register({ env: shiftedClock("-100d") });
      await old.restart({ env: {} });
      for (const name of ["Alix", "Bo", "Caro"]) people.push(await Ours.create(name, old.url));
      const [, today, ...others] = people;
      await othersAreAdded(today, others, fritz.inboxId);
      // Once Fritz has been here again, he can be added.
      await fritz.sync();
      const [id] = await today.conversations();
      await today.add(id, fritz);
      const message = await today.send(id, "welcome back");
      await fritz.sync();
      assert.deepEqual((await fritz.messages(id)).map((one) => one.id), [message]);
    });

    /** Creating and adding with one that can't be added among those who can. */
    async function othersAreAdded(creator, others, wrong) {
      const expected = [{ who: wrong, code: "no_installation" }];
      const named = (failed) => failed.map(({ who, code }) => ({ who, code }));
      const inboxes = (view) => view.members.map(({ inboxId }) => inboxId).sort();
      const all = [creator, ...others].map(({ inboxId }) => inboxId).sort();

      const created = await creator.one(["group", "create", "--name", "Most of us", wrong, ...others.map(({ inboxId }) => inboxId)]);
      assert.deepEqual(named(created.failed), expected);
      assert.match(created.failed[0].message, /keys are missing or expired/);
      assert.deepEqual(inboxes(await creator.view(created.id)), all);

      const alone = await creator.createGroup("Just me", []);
      const { added, failed } = await creator.one(["group", "add", alone, others[0].address, wrong, others[1].address]);
      assert.deepEqual(named(failed), expected);
      assert.deepEqual([...added].sort(), others.map(({ inboxId }) => inboxId).sort());

      for (const id of [created.id, alone]) {
        const message = await creator.send(id, "we are complete");
        for (const person of others) {
          await person.sync();
          assert.deepEqual(inboxes(await person.view(id)), all);
          assert.deepEqual((await person.messages(id)).map((one) => one.id), [message]);
        }
      }
    }
  });

  describe("a clock that is off by a day", () => {
    for (const shift of ["-1d", "+1d"]) {
      test(`${shift}: people talk all the same`, async () => {
        const env = shiftedClock(shift);
        const { id } = await alix.one(["group", "send", group, `sent at ${shift}`], { env });
        const answer = await bo.send(group, `answer to ${shift}`);
        await alix.one(["conversation", "sync-all"], { env });
        await bo.sync();
        const [mine, theirs] = [await alix.messages(group), await bo.messages(group)];
        assert.deepEqual(mine, theirs, "same messages at the node's times, in the same order");
        assert.deepEqual(mine.slice(-2).map((message) => message.id), [id, answer]);
      });

      test(`${shift}: a new person gets in, or is told about the clock and gets in once it is right`, async (t) => {
        const eri = await Ours.prepare("Eri", node.url, wallet());
        t.after(() => eri.close());
        const command = ["account", "create", "--private-key-file", eri.walletFile];
        if (shift === "+1d") {
          // Keys that are not valid yet are of no use to anybody: the node must not take them.
          await refuses(eri.one(command, { node: node.url, env: shiftedClock(shift) }), {
            code: "clock_skew",
            retryable: true,
            sentence: /Set this computer's date and time/,
          });
          const [resolved] = await alix.lines(["inbox", "resolve", eri.address]);
          assert.equal(resolved.reachable, false);
          await eri.register();
        } else {
          await eri.register({ env: shiftedClock(shift) });
        }
        const id = await alix.createGroup(`With Eri, ${shift}`, [eri.inboxId]);
        const message = await alix.send(id, "hello");
        await eri.sync();
        assert.deepEqual((await eri.messages(id)).map((one) => one.id), [message]);
        assert.equal((await eri.lines(["device", "list"])).length, 1);
      });

      test(`${shift}: adding people works or is refused for the clock, never for the people`, async () => {
        const env = shiftedClock(shift);
        const who = [bo.inboxId, caro.inboxId];
        const made = await alix.one(["group", "create", "--name", "Other times", ...who], { env }).catch((error) => error);
        if (made instanceof Error) {
          assert.equal(made.code, "clock_skew", made.message);
          return;
        }
        assert.deepEqual(made.failed ?? [], []);
        assert.equal((await alix.view(made.id)).members.length, 3);
      });
    }
  });
});
