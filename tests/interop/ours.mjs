//! Conclave as a named actor: one data folder, driven by conclave-cli.

import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import WebSocket from "ws";

import { within } from "./deadline.mjs";
import { binary, folder, Program, run } from "./program.mjs";
import { OUR_PERMISSIONS, saysSomething, SHARED_PERMISSIONS } from "./words.mjs";

/** A wallet as viem account with its `privateKey` beside it. */
export function wallet() {
  const privateKey = generatePrivateKey();
  return Object.assign(privateKeyToAccount(privateKey), { privateKey });
}

/** Attributes behind the tests' words (groups.md 2.2). */
const ATTRIBUTES = {
  name: ["group_name"],
  description: ["description"],
  image: ["group_image_url_square"],
  app_data: ["app_data"],
  disappearing: ["message_disappear_from_ns", "message_disappear_in_ns"],
  minimum_version: ["minimum_supported_protocol_version"],
  pins: ["conclave.pinned_messages"],
};

/** Arguments of `group_update` that are not called like the field. */
const ARGUMENTS = { image: "image_url" };

function permissionKeys(permission) {
  return ATTRIBUTES[permission]?.map((field) => `update_metadata.${field}`) ?? [permission];
}

function permissionChanges(permission, option) {
  return permissionKeys(permission).map((key) => ({ key, option }));
}

function permissionOf(permissions, key) {
  const field = key.match(/^update_metadata\.(.*)$/)?.[1];
  return field ? permissions.update_metadata[field] : permissions[key];
}

function seconds(text) {
  return Number(BigInt(text) / 1_000_000_000n);
}

function nanoseconds(number) {
  return String(BigInt(number) * 1_000_000_000n);
}

/** A command that failed, as the program told it. */
export class Failure extends Error {
  constructor({ code, message, retryable }, exit = null) {
    super(`${code}: ${message}`);
    Object.assign(this, { code, sentence: message, retryable, exit });
  }
}

/** What a conversation's parts from our API look like in the words both engines share. */
function shared(conversation, members, debug, messages) {
  return {
    kind: conversation.kind,
    name: conversation.name,
    creator: conversation.creator_inbox_id,
    active: conversation.is_active,
    members: members
      .map((member) => ({
        inboxId: member.inbox_id,
        installations: [...member.installation_ids].sort(),
        addresses: [...member.addresses].sort(),
        role: member.role,
      }))
      .sort((a, b) => (a.inboxId < b.inboxId ? -1 : 1)),
    epoch: debug.epoch,
    authenticator: debug.epoch_authenticator,
    forked: debug.fork !== "none",
    messages: messages.filter(isSpoken).map(spoken),
    changes: messages
      .filter(({ kind }) => kind === "membership_change")
      .map(({ sent_at_ns, content }) => ({
        sentAtNs: sent_at_ns,
        by: content.by,
        added: [...content.added].sort(),
        removed: [...content.removed].sort(),
        left: [...content.left].sort(),
        admins: roleChanges(content, "admins"),
        superAdmins: roleChanges(content, "super_admins"),
        fields: content.fields
          .filter(({ field }) => !field.startsWith("permissions.")) // the official engine writes none for these
          .map(({ field, old, new: value }) => ({ field, old: old ?? "", new: value ?? "" })),
      }))
      .filter(saysSomething),
    gaps: messages.filter(({ content }) => content.kind === "gap").length,
  };
}

function roleChanges(content, list) {
  return { added: [...content[`added_${list}`]].sort(), removed: [...content[`removed_${list}`]].sort() };
}

function isSpoken({ kind, content }) {
  return kind === "application" && content.kind === "text";
}

function spoken({ id, sender_inbox_id, text, sent_at_ns }) {
  return { id, sender: sender_inbox_id, text, sentAtNs: sent_at_ns };
}

/** One command of the program per call. */
export class Ours {
  /** Makes a data folder without an account in it. */
  static async prepare(name, url, account = wallet()) {
    const actor = new Ours();
    actor.name = name;
    actor.url = url;
    actor.address = account.address.toLowerCase();
    actor.home = await folder("ours");
    actor.data = join(actor.home.path, "data");
    actor.keyFile = join(actor.home.path, "database.key");
    actor.walletFile = join(actor.home.path, "wallet.key");
    await writeFile(actor.keyFile, randomBytes(32).toString("hex"), { mode: 0o600 });
    await writeFile(actor.walletFile, account.privateKey.slice(2), { mode: 0o600 });
    return actor;
  }

  /** Makes a data folder and registers an installation of `account` with the node at `url`. */
  static async create(name, url, account) {
    const actor = await Ours.prepare(name, url, account);
    await actor.register();
    return actor;
  }

  async register(options) {
    const account = await this.one(["account", "create", "--private-key-file", this.walletFile], {
      ...options,
      node: this.url,
    });
    this.inboxId = account.inbox_id;
    this.installationId = account.installation_id;
    return account;
  }

  #arguments({ node } = {}) {
    return ["--data", this.data, "--key-file", this.keyFile, "--json", ...(node ? ["--node", node] : [])];
  }

  /** Starts a command and leaves it running. */
  start(command, { env, node } = {}) {
    return new Program(binary("conclave-cli"), [...this.#arguments({ node }), ...command], { env });
  }

  /** Runs one command and gives `{code, stdout, stderr}` whatever happens. */
  run(command, { env, input, node, seconds } = {}) {
    return run(binary("conclave-cli"), [...this.#arguments({ node }), ...command], { env, input, seconds });
  }

  /** The lines a command prints, decoded; its error as `Failure`. */
  async lines(command, options) {
    const { code, signal, stdout, stderr } = await this.run(command, options);
    if (code === 0) return stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    const error = stderr
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line))
      .findLast((line) => line.code);
    if (!error) throw new Error(`conclave-cli ${command.join(" ")} ended with ${code ?? signal}: ${stderr}`);
    throw new Failure(error, code);
  }

  /** The only line a command prints. */
  async one(command, options) {
    const lines = await this.lines(command, options);
    if (lines.length !== 1) throw new Error(`conclave-cli ${command.join(" ")}: ${lines.length} lines instead of one`);
    return lines[0];
  }

  async sync() {
    await this.one(["conversation", "sync"]);
    const { failed } = await this.one(["conversation", "sync-all"]);
    if (failed) throw new Error(`${this.name}: ${failed} conversations could not be synced`);
  }

  async conversations() {
    return (await this.lines(["conversation", "list", "--offline"])).map(({ id }) => id);
  }

  async createGroup(name, inboxIds) {
    return (await this.one(["group", "create", "--name", name, ...inboxIds])).id;
  }

  async createDm(inboxId) {
    return (await this.one(["dm", "create", inboxId])).id;
  }

  async add(id, ...people) {
    const { failed } = await this.one(["group", "add", id, ...people.map(({ address }) => address)]);
    if (failed.length) throw new Error(`${this.name} could not add ${JSON.stringify(failed)}`);
  }

  async remove(id, ...people) {
    const { failed } = await this.one(["group", "remove", id, ...people.map(({ inboxId }) => inboxId)]);
    if (failed.length) throw new Error(`${this.name} could not remove ${JSON.stringify(failed)}`);
  }

  async rename(id, name) {
    await this.one(["group", "set", id, "--name", name]);
  }

  async send(id, text) {
    return (await this.one(["group", "send", id, text])).id;
  }

  async messages(id) {
    const all = await this.lines(["group", "messages", id, "--order", "asc", "--offline"]);
    return all.filter(isSpoken).map(spoken);
  }

  async view(id) {
    const offline = "--offline";
    return shared(
      await this.one(["group", "show", id, offline]),
      await this.lines(["group", "members", id, offline]),
      await this.one(["group", "debug", id, offline]),
      await this.lines(["group", "messages", id, "--order", "asc", offline]),
    );
  }

  /** Ids of the installations of this inbox, as the network has them. */
  async installations() {
    return (await this.lines(["device", "list"])).map(({ installation_id: id }) => id);
  }

  /** Revokes an installation of this inbox with the wallet that made it. */
  async revoke(installationId) {
    await this.lines(["device", "revoke", "--private-key-file", this.walletFile, installationId]);
  }

  /** The file of a wallet. */
  async #fileOf({ address, privateKey }) {
    const file = join(this.home.path, address);
    await writeFile(file, privateKey.slice(2), { mode: 0o600 });
    return file;
  }

  async addWallet(account) {
    await this.lines(["wallet", "add", "--new-private-key-file", await this.#fileOf(account)]);
  }

  /** Takes a wallet out; `recovery` signs. What is lost by it is accepted. */
  async removeWallet(address, recovery) {
    await this.lines(["wallet", "remove", address, "--yes", "--private-key-file", await this.#fileOf(recovery)]);
  }

  /** Collects the texts that `message stream-all` prints, until `end()`. The folder is taken meanwhile. */
  async stream() {
    const program = this.start(["message", "stream-all"]);
    return {
      program,
      get texts() {
        return program.lines
          .map((line) => JSON.parse(line))
          .filter(({ kind }) => kind === "application")
          .map(({ text }) => text);
      },
      errors: [],
      complete: true,
      end: () => program.end("SIGINT"),
    };
  }

  async isActive(id) {
    return (await this.one(["group", "show", id, "--offline"])).is_active;
  }

  /** This person with everything running at once; the folder is taken until `end()`. */
  async live() {
    const actor = await this.serve();
    return { actor, end: () => actor.close() };
  }

  /** The same person over the long-lived `serve` process, which holds the folder until `close()`. */
  async serve(options) {
    return Served.start(this, this.#arguments(), options);
  }

  async close() {
    await this.home.remove();
  }
}

/** A person whose engine keeps running: the commands of the api crate over WebSocket. */
export class Served {
  #replies = new Map();
  #next = 1;
  events = [];

  static async start(person, options, { env } = {}) {
    const actor = new Served();
    const { name, address, inboxId, installationId } = person;
    Object.assign(actor, { person, name, address, inboxId, installationId });
    const tokenFile = join(person.home.path, "token");
    const serve = ["serve", "--listen", "127.0.0.1:0", "--token-file", tokenFile];
    actor.program = new Program(binary("conclave-cli"), [...options, ...serve], { env });
    const { event, url } = JSON.parse(await actor.program.line());
    if (event !== "ready") throw new Error(`unexpected first line of serve: ${actor.program.lines[0]}`);
    await actor.#connect(url, await readFile(tokenFile, "utf8"));
    return actor;
  }

  async #connect(url, token) {
    this.socket = new WebSocket(url, { maxPayload: 64 << 20 });
    const closed = once(this.socket, "close");
    closed.then(() => {
      for (const { fail } of this.#replies.values()) fail(new Error(`${this.name}: the connection to serve ended`));
      this.#replies.clear();
    });
    this.socket.on("error", () => {}); // the close that follows tells it
    await within("serve's WebSocket", once(this.socket, "open"));
    const ready = new Promise((done) => {
      this.socket.on("message", (data) => {
        const frame = JSON.parse(data);
        if (frame.ready === true) done();
        else if (frame.event !== undefined) this.events.push(frame.event);
        else this.#answered(frame);
      });
    });
    this.socket.send(JSON.stringify({ token }));
    await within("serve's greeting", ready);
  }

  #answered(frame) {
    const reply = this.#replies.get(frame.id);
    this.#replies.delete(frame.id);
    if (frame.error) reply?.fail(new Failure(frame.error));
    else reply?.done(frame.result);
  }

  /** Runs a command of the api crate. */
  async call(command, args = {}, seconds = 120) {
    const id = this.#next++;
    const reply = new Promise((done, fail) => this.#replies.set(id, { done, fail }));
    this.socket.send(JSON.stringify({ id, command, args }));
    return within(`${this.name}: ${command}`, reply, seconds);
  }

  async sync() {
    const { failed } = await this.call("sync_all");
    if (failed) throw new Error(`${this.name}: ${failed} conversations could not be synced`);
  }

  async conversations() {
    return (await this.call("conversation_list", { limit: 1000 })).items.map(({ id }) => id);
  }

  /** Whether a conversation is on this installation, shown or not. */
  async has(id) {
    return this.call("conversation_get", { conversation_id: id }).then(
      () => true,
      ({ code }) => (code === "unknown_conversation" ? false : Promise.reject(new Error(code))),
    );
  }

  /** Whether the list shows a conversation. */
  async isListed(id) {
    return (await this.conversations()).includes(id);
  }

  async isActive(id) {
    return (await this.#get(id)).is_active;
  }

  async pausedFor(id) {
    return (await this.#get(id)).paused_for_version;
  }

  #get(id) {
    return this.call("conversation_get", { conversation_id: id });
  }

  /** `preset`, `permissions` by the tests' words, `disappearing` in seconds. */
  async createGroup(name, inboxIds, { preset, permissions = {}, disappearing } = {}) {
    const { conversation, failed } = await this.call("group_create", {
      who: inboxIds,
      name,
      ...(preset && { preset }),
      permissions: Object.entries(permissions).flatMap(([permission, option]) => permissionChanges(permission, option)),
      disappearing_in_ns: disappearing === undefined ? null : nanoseconds(disappearing),
    });
    if (failed.length) throw new Error(`${this.name}: not everybody is in: ${JSON.stringify(failed)}`);
    return conversation.id;
  }

  async createDm(inboxId) {
    return (await this.call("dm_create", { who: inboxId })).conversation.id;
  }

  /** Stores a message and gives it; the running engine publishes it. */
  async post(id, text) {
    return this.call("message_send", { conversation_id: id, text });
  }

  async send(id, text) {
    return (await this.post(id, text)).id;
  }

  /** Nothing to do: the running engine publishes by itself. */
  async publish() {}

  /** Does it; this engine wins in the end however many others commit at once. */
  async persist(work) {
    return work();
  }

  async rename(id, name) {
    await this.call("group_update", { conversation_id: id, name });
  }

  async add(id, ...people) {
    await this.addInboxes(id, people.map(({ inboxId }) => inboxId));
  }

  async addInboxes(id, inboxIds) {
    await this.#changeMembers("member_add", id, inboxIds);
  }

  async remove(id, ...people) {
    await this.#changeMembers("member_remove", id, people.map(({ inboxId }) => inboxId));
  }

  async #changeMembers(command, id, who) {
    const { failed } = await this.call(command, { conversation_id: id, who });
    if (failed.length) throw new Error(`${this.name}: ${command} failed for ${JSON.stringify(failed)}`);
  }

  async addAdmin(id, person) {
    return this.#changeRole(id, person, "add_admin");
  }

  async removeAdmin(id, person) {
    return this.#changeRole(id, person, "remove_admin");
  }

  async addSuperAdmin(id, person) {
    return this.#changeRole(id, person, "add_super_admin");
  }

  async removeSuperAdmin(id, person) {
    return this.#changeRole(id, person, "remove_super_admin");
  }

  async #changeRole(id, { inboxId }, change) {
    return this.call("role_change", { conversation_id: id, who: inboxId, change });
  }

  /** Sets one permission, by the tests' word for it. */
  async setPermission(id, permission, option) {
    return this.call("permissions_set", { conversation_id: id, changes: permissionChanges(permission, option) });
  }

  /** Sets one field, by the tests' word for it. */
  async setField(id, field, value) {
    await this.call("group_update", { conversation_id: id, [ARGUMENTS[field] ?? field]: value });
  }

  /** After how many seconds messages disappear; null for never. */
  async setDisappearing(id, seconds) {
    await this.call("disappearing_set", { conversation_id: id, in_ns: seconds === null ? null : nanoseconds(seconds) });
  }

  async disappearing(id) {
    const { disappearing } = await this.#get(id);
    return disappearing && seconds(disappearing.in_ns);
  }

  async pin(id, message_id, pinned = true) {
    await this.call("pin_set", { conversation_id: id, message_id, pinned });
  }

  async leave(id) {
    await this.call("group_leave", { conversation_id: id });
  }

  async consent(id) {
    return (await this.#get(id)).consent;
  }

  async setConsent(id, state) {
    await this.call("consent_set", { conversation_id: id, state });
  }

  async inboxConsent(inboxId) {
    for (const state of ["allowed", "denied"]) {
      const people = await this.call("inbox_consent_list", { state });
      if (people.some(({ inbox_id }) => inbox_id === inboxId)) return state;
    }
    return "unknown";
  }

  async setInboxConsent(inbox_id, state) {
    await this.call("inbox_consent_set", { inbox_id, state });
  }

  /** Denied conversations too: a sync takes them along. */
  async syncAll() {
    await this.sync();
  }

  /** Fetches and publishes what waits in one conversation. */
  async catchUp(id) {
    await this.call("conversation_sync", { conversation_id: id });
  }

  /** Members, roles, permissions and fields, in the words both engines share; `own` is what only Conclave knows. */
  async state(id) {
    const of = { conversation_id: id };
    const rules = await this.call("group_rules", of);
    const conversation = await this.#get(id);
    const { epoch, epoch_authenticator, fork } = await this.call("group_debug", of);
    const members = await this.call("member_list", of);
    const option = (permission) => {
      const words = permissionKeys(permission).map((key) => permissionOf(rules.permissions, key));
      if (new Set(words).size !== 1) throw new Error(`${permission} is ${words.join(" and ")}`);
      return words[0];
    };
    const options = (permissions) => Object.fromEntries(permissions.map((permission) => [permission, option(permission)]));
    return {
      active: conversation.is_active,
      forked: fork !== "none",
      epoch,
      authenticator: epoch_authenticator,
      members: members.map(({ inbox_id }) => inbox_id).sort(),
      admins: [...rules.admins].sort(),
      superAdmins: [...rules.super_admins].sort(),
      permissions: options(SHARED_PERMISSIONS),
      fields: {
        name: conversation.name,
        description: conversation.description,
        image: conversation.image_url,
        app_data: rules.app_data,
        disappearing: await this.disappearing(id),
      },
      disappearingFrom: conversation.disappearing?.from_ns ?? null,
      own: {
        minimumVersion: rules.minimum_version,
        pinned: conversation.pinned,
        permissions: options(OUR_PERMISSIONS),
      },
    };
  }

  /** All rows of a conversation, oldest first, or only the newest `last`. */
  async rows(id, last = Infinity) {
    const rows = [];
    const limit = Math.min(last, 500);
    let anchor = { at: "latest" };
    for (;;) {
      const page = await this.call("message_list", { conversation_id: id, anchor, limit });
      rows.unshift(...page.items);
      if (page.older === null || rows.length >= last) return rows;
      anchor = { at: "before", position: page.older };
    }
  }

  async messages(id) {
    return (await this.rows(id)).filter(isSpoken).map(spoken);
  }

  async view(id) {
    const of = { conversation_id: id };
    return shared(
      await this.call("conversation_get", of),
      await this.call("member_list", of),
      await this.call("group_debug", of),
      await this.rows(id),
    );
  }

  /** The texts that events bring from now on. */
  async stream() {
    const from = this.events.length;
    const events = () => this.events.slice(from);
    return {
      get texts() {
        const seen = new Map(); // a row comes again when it changes
        for (const { event, messages } of events()) {
          if (event !== "messages") continue;
          for (const { id, kind, text } of messages) if (kind === "application") seen.set(id, text);
        }
        return [...seen.values()];
      },
      errors: [],
      complete: true,
      end: async () => {},
    };
  }

  /** Ends the process the hard way. */
  async crash() {
    await this.program.end("SIGKILL");
  }

  /** Ends the process; the folder is free for other commands then. */
  async close() {
    const { code } = await this.program.end();
    if (code !== 0) throw new Error(`serve of ${this.name} ended with ${code}: ${this.program.stderr}`);
  }
}
