//! The official engine (npm @xmtp/node-bindings) as a named actor.

import { copyFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";

import {
  ContentType,
  ConversationType,
  createClient,
  generateInboxId,
  getInboxIdForIdentifier,
  GroupMessageKind,
  IdentifierKind,
  LogLevel,
  PermissionLevel,
  SyncWorkerMode,
} from "@xmtp/node-bindings";
import sqlite from "node-sqlite3-wasm";
import { hexToBytes } from "viem";

import { folder } from "./program.mjs";

const roles = {
  [PermissionLevel.Member]: "member",
  [PermissionLevel.Admin]: "admin",
  [PermissionLevel.SuperAdmin]: "super_admin",
};

export class Official {
  #streams = [];

  /**
   * Registers one installation of `wallet` (a viem account) with the node at `url`. Without
   * `encryptionKey` its database is plain: only there the whole epoch authenticator can be read.
   */
  static async create(name, url, wallet, { encryptionKey = null } = {}) {
    const actor = new Official();
    actor.name = name;
    actor.address = wallet.address.toLowerCase();
    actor.home = await folder("official");
    actor.database = join(actor.home.path, "official.db3");
    const identifier = { identifier: actor.address, identifierKind: IdentifierKind.Ethereum };
    actor.inboxId = (await getInboxIdForIdentifier(url, null, false, identifier)) ?? generateInboxId(identifier);
    actor.client = await createClient(
      url,
      null,
      false,
      actor.database,
      actor.inboxId,
      identifier,
      encryptionKey,
      null,
      SyncWorkerMode.Disabled,
      { level: LogLevel.Off },
    );
    const request = await actor.client.createInboxSignatureRequest();
    const signature = await wallet.signMessage({ message: await request.signatureText() });
    await request.addEcdsaSignature(hexToBytes(signature));
    await actor.client.registerIdentity(request);
    actor.installationId = actor.client.installationId();
    return actor;
  }

  #conversation(id) {
    return this.client.conversations().findGroupById(id);
  }

  /** New conversations and everything new in all of them. */
  async sync() {
    await this.client.conversations().syncAllConversations();
  }

  /** Ids of all conversations here. */
  async conversations() {
    return this.client.conversations().list().map((item) => item.conversation.id());
  }

  async createGroup(name, inboxIds) {
    const group = await this.client.conversations().createGroupByInboxId(inboxIds, { groupName: name });
    return group.id();
  }

  async createDm(inboxId) {
    return (await this.client.conversations().createDmByInboxId(inboxId)).id();
  }

  /** Adds by address, the way people do. */
  async add(id, ...people) {
    const identifiers = people.map(({ address }) => ({ identifier: address, identifierKind: IdentifierKind.Ethereum }));
    await this.#conversation(id).addMembers(identifiers);
  }

  async remove(id, ...people) {
    await this.#conversation(id).removeMembersByInboxId(people.map(({ inboxId }) => inboxId));
  }

  async rename(id, name) {
    await this.#conversation(id).updateGroupName(name);
  }

  /** Sends and publishes; gives the message id. */
  async send(id, text) {
    return this.#conversation(id).sendText(text);
  }

  /** Queues messages and publishes them together. */
  async sendTogether(id, texts) {
    const conversation = this.#conversation(id);
    for (const text of texts) await conversation.sendText(text, true);
    await conversation.publishMessages();
  }

  /** Messages of one conversation from the local database, in order of sending. */
  async messages(id) {
    const found = await this.#conversation(id).findMessages({ contentTypes: [ContentType.Text] });
    return found.map((message) => ({
      id: message.id,
      sender: message.senderInboxId,
      text: Buffer.from(message.content.content).toString("utf8"),
      sentAtNs: String(message.sentAtNs),
    }));
  }

  /** Membership and metadata changes, in order of sending. */
  async #changes(id) {
    const found = await this.#conversation(id).findEnrichedMessages({ kind: GroupMessageKind.MembershipChange });
    return found.map(({ content: { groupUpdated }, sentAtNs }) => ({
      sentAtNs: String(sentAtNs),
      by: groupUpdated.initiatedByInboxId,
      added: groupUpdated.addedInboxes.map(({ inboxId }) => inboxId).sort(),
      removed: groupUpdated.removedInboxes.map(({ inboxId }) => inboxId).sort(),
      fields: groupUpdated.metadataFieldChanges
        .filter(({ fieldName }) => !fieldName.startsWith("_"))
        .map(({ fieldName, oldValue, newValue }) => ({ field: fieldName, old: oldValue ?? "", new: newValue ?? "" })),
    }));
  }

  /** The state of a conversation, in the words both engines share. */
  async view(id) {
    const conversation = this.#conversation(id);
    const debug = await conversation.debugInfo();
    const kind = (await conversation.groupMetadata()).conversationType() === ConversationType.Dm ? "dm" : "group";
    const members = await conversation.listMembers();
    return {
      kind,
      name: kind === "dm" ? "" : conversation.groupName(),
      creator: (await conversation.groupMetadata()).creatorInboxId(),
      active: conversation.isActive(),
      members: members
        .map((member) => ({
          inboxId: member.inboxId,
          installations: [...member.installationIds].sort(),
          addresses: member.accountIdentifiers.map(({ identifier }) => identifier).sort(),
          role: roles[member.permissionLevel],
        }))
        .sort((a, b) => (a.inboxId < b.inboxId ? -1 : 1)),
      epoch: Number(debug.epoch),
      authenticator: await this.#authenticator(id, debug),
      forked: debug.maybeForked,
      messages: await this.messages(id),
      changes: await this.#changes(id),
    };
  }

  /**
   * The whole epoch authenticator. The API shows its first three bytes only, so the rest comes from
   * a copy of the database (the bindings hold the original open in this very process).
   */
  async #authenticator(id, debug) {
    const shown = [...debug.localCommitLog.matchAll(/applied_epoch_authenticator: "([0-9a-f]+)/g)].at(-1)?.[1];
    const copy = join(this.home.path, "copy.db3");
    for (const suffix of ["", "-wal"]) {
      if (existsSync(this.database + suffix)) await copyFile(this.database + suffix, copy + suffix);
    }
    const database = new sqlite.Database(copy);
    try {
      database.exec("PRAGMA locking_mode = EXCLUSIVE"); // the only mode in which WAL needs no shared memory
      const row = database.get(
        `SELECT lower(hex(applied_epoch_authenticator)) AS authenticator, applied_epoch_number AS epoch
         FROM local_commit_log WHERE lower(hex(group_id)) = ? ORDER BY rowid DESC LIMIT 1`,
        [id],
      );
      if (!row?.authenticator.startsWith(shown) || BigInt(row.epoch) !== debug.epoch) {
        throw new Error(`${this.name}: the copied database is not of epoch ${debug.epoch}`);
      }
      return row.authenticator;
    } finally {
      database.close();
    }
  }

  async isActive(id) {
    return this.#conversation(id).isActive();
  }

  /** This person with everything running at once; the bindings always do. */
  async live() {
    return { actor: this, end: async () => {} };
  }

  /**
   * Collects the texts that a live stream of all messages brings, until `end()`. Not `complete`: where
   * a sync takes a message first, this engine's stream skips or repeats some, among its own kind too.
   */
  async stream() {
    const texts = [];
    const errors = [];
    const closer = await this.client.conversations().streamAllMessages(
      (error, message) => {
        if (error) errors.push(error);
        else if (message.content.type?.typeId === "text") texts.push(Buffer.from(message.content.content).toString("utf8"));
      },
      () => {},
    );
    await closer.waitForReady();
    this.#streams.push(closer);
    return { texts, errors, complete: false, end: () => closer.endAndWait() };
  }

  async close() {
    for (const stream of this.#streams) if (!stream.isClosed()) await stream.endAndWait();
    this.client.releaseDbConnection();
    await this.home.remove();
  }
}
