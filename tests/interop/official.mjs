//! The official engine (npm @xmtp/node-bindings) as a named actor.

import { join } from "node:path";

import {
  ConsentEntityType,
  ConsentState,
  ContentType,
  ConversationType,
  createClient,
  generateInboxId,
  getInboxIdForIdentifier,
  GroupMessageKind,
  GroupPermissionsOptions,
  IdentifierKind,
  LogLevel,
  MetadataField,
  PermissionLevel,
  PermissionPolicy,
  PermissionUpdateType,
  SyncWorkerMode,
} from "@xmtp/node-bindings";
import { hexToBytes } from "viem";

import { until } from "./deadline.mjs";
import { folder } from "./program.mjs";
import { snapshot } from "./snapshot.mjs";
import { saysSomething } from "./words.mjs";

const roles = {
  [PermissionLevel.Member]: "member",
  [PermissionLevel.Admin]: "admin",
  [PermissionLevel.SuperAdmin]: "super_admin",
};

const options = {
  [PermissionPolicy.Allow]: "allow",
  [PermissionPolicy.Deny]: "deny",
  [PermissionPolicy.Admin]: "admin",
  [PermissionPolicy.SuperAdmin]: "super_admin",
  [PermissionPolicy.DoesNotExist]: "unspecified",
  [PermissionPolicy.Other]: "custom",
};

/** What `updatePermissionPolicy` is told for the tests' words; disappearing messages take two commits. */
const updates = {
  add_member: [[PermissionUpdateType.AddMember]],
  remove_member: [[PermissionUpdateType.RemoveMember]],
  add_admin: [[PermissionUpdateType.AddAdmin]],
  remove_admin: [[PermissionUpdateType.RemoveAdmin]],
  name: [[PermissionUpdateType.UpdateMetadata, MetadataField.GroupName]],
  description: [[PermissionUpdateType.UpdateMetadata, MetadataField.Description]],
  image: [[PermissionUpdateType.UpdateMetadata, MetadataField.GroupImageUrlSquare]],
  app_data: [[PermissionUpdateType.UpdateMetadata, MetadataField.AppData]],
  disappearing: [
    [PermissionUpdateType.UpdateMetadata, MetadataField.MessageExpirationFromNs],
    [PermissionUpdateType.UpdateMetadata, MetadataField.MessageExpirationInNs],
  ],
};

/** The policy set's names for the tests' words. */
const policies = {
  add_member: "addMemberPolicy",
  remove_member: "removeMemberPolicy",
  add_admin: "addAdminPolicy",
  remove_admin: "removeAdminPolicy",
  name: "updateGroupNamePolicy",
  description: "updateGroupDescriptionPolicy",
  image: "updateGroupImageUrlSquarePolicy",
  app_data: "updateAppDataPolicy",
  disappearing: "updateMessageDisappearingPolicy",
};

const presets = { everyone: GroupPermissionsOptions.Default, admins: GroupPermissionsOptions.AdminOnly };

const consents = {
  [ConsentState.Unknown]: "unknown",
  [ConsentState.Allowed]: "allowed",
  [ConsentState.Denied]: "denied",
};
const EVERYTHING = { consentStates: [ConsentState.Unknown, ConsentState.Allowed, ConsentState.Denied] };

/** The number that a table above gives a word for. */
function numberOf(table, word) {
  return Number(Object.keys(table).find((number) => table[number] === word));
}

function policySet(permissions) {
  return Object.fromEntries(
    Object.entries(policies).map(([permission, name]) => [name, numberOf(options, permissions[permission])]),
  );
}

function disappearingSettings(seconds) {
  return { fromNs: BigInt(Date.now()) * 1_000_000n, inNs: BigInt(seconds) * 1_000_000_000n };
}

const setters = {
  name: "updateGroupName",
  description: "updateGroupDescription",
  image: "updateGroupImageUrlSquare",
  app_data: "updateAppData",
};

/** The first bytes of the current epoch's authenticator, which is all that the API shows. */
function shownAuthenticator({ localCommitLog }) {
  return [...localCommitLog.matchAll(/applied_epoch_authenticator: "([0-9a-f]+)/g)].at(-1)?.[1];
}

function inboxes(list) {
  return list.map(({ inboxId }) => inboxId).sort();
}

export class Official {
  #streams = [];

  /**
   * Registers one installation of `wallet` (a viem account) with the node at `url`. Without
   * `encryptionKey` its database is plain: only there the whole epoch authenticator can be read. With
   * a `historyServer` its worker for the other installations of its inbox runs.
   */
  static async create(name, url, wallet, { encryptionKey = null, historyServer = null } = {}) {
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
      historyServer,
      historyServer ? SyncWorkerMode.Enabled : SyncWorkerMode.Disabled,
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

  /** What installations of this inbox tell each other. */
  async syncDevices() {
    await this.client.conversations().sync();
    await this.client.syncPreferences();
  }

  /** New conversations and everything new in all of them. */
  async sync() {
    await this.client.conversations().syncAllConversations();
  }

  /** Ids of all conversations here. */
  async conversations() {
    return this.client.conversations().list().map((item) => item.conversation.id());
  }

  /** Whether a conversation is on this installation, shown or not. */
  async has(id) {
    return this.client.conversations().list(EVERYTHING).some(({ conversation }) => conversation.id() === id);
  }

  /** Whether the list shows a conversation. */
  async isListed(id) {
    return (await this.conversations()).includes(id);
  }

  async pausedFor(id) {
    return this.#conversation(id).pausedForVersion();
  }

  /** `preset`, `permissions` by the tests' words (all of them), `disappearing` in seconds. */
  async createGroup(name, inboxIds, { preset, permissions, disappearing } = {}) {
    const group = await this.client.conversations().createGroupByInboxId(inboxIds, {
      groupName: name,
      ...(preset && { permissions: presets[preset] }),
      ...(permissions && { permissions: GroupPermissionsOptions.CustomPolicy, customPermissionPolicySet: policySet(permissions) }),
      ...(disappearing && { messageDisappearingSettings: disappearingSettings(disappearing) }),
    });
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

  /** Adds by inbox id, which this engine does beyond 250 people too. */
  async addInboxes(id, inboxIds) {
    await this.#conversation(id).addMembersByInboxId(inboxIds);
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

  /** Stores a message and gives it; `publish` sends what is stored. */
  async post(id, text) {
    return { id: await this.#conversation(id).sendText(text, true) };
  }

  async publish(id) {
    await this.persist(() => this.#conversation(id).publishMessages());
  }

  /** Does it again and again where others commit at the same time: this engine gives up after three lost races. */
  async persist(work) {
    await until(`${this.name} wins a race`, async () => {
      await work();
      return true;
    });
  }

  /** Queues messages and publishes them together. */
  async sendTogether(id, texts) {
    for (const text of texts) await this.post(id, text);
    await this.#conversation(id).publishMessages();
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
      added: inboxes(groupUpdated.addedInboxes),
      removed: inboxes(groupUpdated.removedInboxes),
      left: inboxes(groupUpdated.leftInboxes),
      admins: { added: inboxes(groupUpdated.addedAdminInboxes), removed: inboxes(groupUpdated.removedAdminInboxes) },
      superAdmins: {
        added: inboxes(groupUpdated.addedSuperAdminInboxes),
        removed: inboxes(groupUpdated.removedSuperAdminInboxes),
      },
      fields: groupUpdated.metadataFieldChanges
        .filter(({ fieldName }) => !fieldName.startsWith("_"))
        .map(({ fieldName, oldValue, newValue }) => ({ field: fieldName, old: oldValue ?? "", new: newValue ?? "" })),
    })).filter(saysSomething);
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
    const shown = shownAuthenticator(debug);
    return snapshot(this.database, join(this.home.path, "copy.db3"), (database) => {
      const row = database.get(
        `SELECT lower(hex(applied_epoch_authenticator)) AS authenticator, applied_epoch_number AS epoch
         FROM local_commit_log WHERE lower(hex(group_id)) = ? ORDER BY rowid DESC LIMIT 1`,
        [id],
      );
      if (!row?.authenticator.startsWith(shown) || BigInt(row.epoch) !== debug.epoch) {
        throw new Error(`${this.name}: the copied database is not of epoch ${debug.epoch}`);
      }
      return row.authenticator;
    });
  }

  async addAdmin(id, { inboxId }) {
    await this.#conversation(id).addAdmin(inboxId);
  }

  async removeAdmin(id, { inboxId }) {
    await this.#conversation(id).removeAdmin(inboxId);
  }

  async addSuperAdmin(id, { inboxId }) {
    await this.#conversation(id).addSuperAdmin(inboxId);
  }

  async removeSuperAdmin(id, { inboxId }) {
    await this.#conversation(id).removeSuperAdmin(inboxId);
  }

  /** Sets one permission, by the tests' word for it. */
  async setPermission(id, permission, option) {
    for (const [type, field] of updates[permission]) {
      await this.#conversation(id).updatePermissionPolicy(type, numberOf(options, option), field);
    }
  }

  /** Sets one field, by the tests' word for it. */
  async setField(id, field, value) {
    await this.#conversation(id)[setters[field]](value);
  }

  /** After how many seconds messages disappear; null for never. */
  async setDisappearing(id, seconds) {
    const conversation = this.#conversation(id);
    if (seconds === null) return conversation.removeMessageDisappearingSettings();
    return conversation.updateMessageDisappearingSettings(disappearingSettings(seconds));
  }

  async disappearing(id) {
    const settings = this.#disappearing(id);
    return settings && Number(settings.inNs / 1_000_000_000n);
  }

  /** Null unless both numbers are positive (groups.md 2.2). */
  #disappearing(id) {
    const settings = this.#conversation(id).messageDisappearingSettings();
    return settings !== null && settings.fromNs > 0n && settings.inNs > 0n ? settings : null;
  }

  async leave(id) {
    await this.#conversation(id).leaveGroup();
  }

  async consent(id) {
    return consents[this.#conversation(id).consentState()];
  }

  async setConsent(id, state) {
    this.#conversation(id).updateConsentState(numberOf(consents, state));
  }

  async inboxConsent(inboxId) {
    return consents[await this.client.getConsentState(ConsentEntityType.InboxId, inboxId)];
  }

  async setInboxConsent(entity, state) {
    await this.client.setConsentStates([
      { entityType: ConsentEntityType.InboxId, state: numberOf(consents, state), entity },
    ]);
  }

  /** Denied conversations too, which `sync` passes over. */
  async syncAll() {
    await this.client.conversations().syncAllConversations(EVERYTHING.consentStates);
  }

  /** Fetches what waits in one conversation; where it is not here yet, all that is new. */
  async catchUp(id) {
    if ((await this.conversations()).includes(id)) await this.#conversation(id).sync();
    else await this.sync();
  }

  /** Members, roles, permissions and fields, in the words both engines share. */
  async state(id) {
    const conversation = this.#conversation(id);
    const debug = await conversation.debugInfo();
    const set = conversation.groupPermissions().policySet();
    return {
      active: conversation.isActive(),
      forked: debug.maybeForked,
      epoch: Number(debug.epoch),
      authenticator: shownAuthenticator(debug),
      members: inboxes(await conversation.listMembers()),
      admins: [...conversation.adminList()].sort(),
      superAdmins: [...conversation.superAdminList()].sort(),
      permissions: Object.fromEntries(Object.entries(policies).map(([permission, name]) => [permission, options[set[name]]])),
      fields: {
        name: conversation.groupName(),
        description: conversation.groupDescription(),
        image: conversation.groupImageUrlSquare(),
        app_data: conversation.appData(),
        disappearing: await this.disappearing(id),
      },
      disappearingFrom: this.#disappearing(id)?.fromNs.toString() ?? null,
    };
  }

  /** Ids of the installations of this inbox, as the network has them. */
  async installations() {
    return (await this.client.inboxState(true)).installations.map(({ id }) => id);
  }

  /** Addresses of this inbox, as the network has them. */
  async addresses() {
    return (await this.client.inboxState(true)).identifiers.map(({ identifier }) => identifier);
  }

  /** Revokes an installation of this inbox; `wallet` is its recovery identity. */
  async revoke(wallet, installationId) {
    const request = await this.client.revokeInstallationsSignatureRequest([hexToBytes(`0x${installationId}`)]);
    await request.addEcdsaSignature(hexToBytes(await wallet.signMessage({ message: await request.signatureText() })));
    await this.client.applySignatureRequest(request);
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
