//! A group in which each engine has a member, an admin and a super admin, and what it must look like to
//! all of them after every change.

import assert from "node:assert/strict";

import { until } from "./deadline.mjs";
import { refuses } from "./refusal.mjs";
import { Room } from "./room.mjs";
import { ENGINES, EVERYONE, ROLES } from "./words.mjs";

export function drop(list, { inboxId }) {
  list.splice(list.indexOf(inboxId), 1);
}

export class Council {
  #room;
  #arranged = 0;
  #refused = new Set();

  /** `people[engine][role]` are live actors, `guests` live ones that come and go, or stay without a role. */
  constructor(people, { target, guest }) {
    Object.assign(this, { people, target, guest });
    this.everybody = ENGINES.flatMap((engine) => ROLES.map((role) => people[engine][role]));
  }

  /** The creator's engine makes the group, its super admin gives everybody their roles. */
  async found(engine, name) {
    const creator = this.people[engine].super_admin;
    const others = [...this.everybody.filter((actor) => actor !== creator), this.target];
    this.creator = creator;
    this.id = await creator.createGroup(name, others.map(({ inboxId }) => inboxId));
    // The creator first: nobody knows more of the group's history.
    this.#room = new Room(this.id, creator, ...this.everybody);
    this.expected = {
      members: [creator, ...others].map(({ inboxId }) => inboxId).sort(),
      admins: [],
      superAdmins: [creator.inboxId],
      permissions: { ...EVERYONE },
      fields: { name, description: "", image: "", app_data: "", disappearing: null },
      own: { minimumVersion: null, pinned: [], permissions: { minimum_version: "super_admin", pins: "admin" } },
    };
    await this.agree();
    this.message = await this.say(creator, "something worth pinning");
    for (const { admin, super_admin } of Object.values(this.people)) {
      await this.change(creator, () => creator.addAdmin(this.id, admin), ({ admins }) => admins.push(admin.inboxId));
      if (super_admin === creator) continue;
      const promote = () => creator.addSuperAdmin(this.id, super_admin);
      await this.change(creator, promote, ({ superAdmins }) => superAdmins.push(super_admin.inboxId));
    }
  }

  /** `actor` does something, and everybody sees what `expect` makes of the state before. */
  async change(actor, work, expect) {
    await work(actor);
    expect(this.expected);
    for (const list of ["members", "admins", "superAdmins"]) this.expected[list].sort();
    await this.agree();
  }

  /** Waits until everybody shows the expected state, in the same epoch. */
  async agree() {
    let difference;
    try {
      await until("the council agrees", async () => {
        await Promise.all(this.everybody.map((actor) => actor.catchUp(this.id)));
        const states = await Promise.all(this.everybody.map((actor) => actor.state(this.id)));
        try {
          this.#compare(states);
        } catch (error) {
          difference = error;
          return false;
        }
        return true;
      }, { everyMs: 20 });
    } catch (late) {
      throw late.cause ?? difference ?? late;
    }
  }

  #compare(states) {
    const { own, ...shared } = this.expected;
    const [first] = states;
    for (const [index, state] of states.entries()) {
      const { name } = this.everybody[index];
      const { epoch, authenticator, disappearingFrom, own: theirs, ...facts } = state;
      assert.deepEqual(facts, { active: true, forked: false, ...shared }, `what ${name} shows`);
      if (theirs) assert.deepEqual(theirs, own, `what only Conclave shows, at ${name}`);
      assert.equal(epoch, first.epoch, `epoch of ${name}`);
      assert.equal(disappearingFrom, first.disappearingFrom, `when messages began to disappear, for ${name}`);
      // Of the official engine's, its API shows the first bytes only; `settle` compares all of them.
      const length = Math.min(authenticator.length, first.authenticator.length);
      assert.ok(length >= 6, `${name} shows an epoch authenticator`);
      assert.equal(authenticator.slice(0, length), first.authenticator.slice(0, length), `epoch authenticator of ${name}`);
    }
  }

  /** Makes it so, whatever the permissions under test say, that a person is in, out, an admin or not. */
  async with(person) {
    if (!this.expected.members.includes(person.inboxId)) {
      await this.#arrange("add", person, ({ members }) => members.push(person.inboxId));
    }
  }

  async without(person) {
    if (this.expected.members.includes(person.inboxId)) await this.#arrange("remove", person, (expected) => drop(expected.members, person));
  }

  async promoted(person) {
    if (!this.expected.admins.includes(person.inboxId)) {
      await this.#arrange("addAdmin", person, ({ admins }) => admins.push(person.inboxId));
    }
  }

  async demoted(person) {
    if (this.expected.admins.includes(person.inboxId)) await this.#arrange("removeAdmin", person, (expected) => drop(expected.admins, person));
  }

  /** By the engines' super admins in turn. */
  async #arrange(verb, person, expect) {
    const actor = this.people[ENGINES[(this.#arranged += 1) % 2]].super_admin;
    await this.change(actor, () => actor[verb](this.id, person), expect);
  }

  /**
   * Everything two views can be compared by: whole epoch authenticators, the history of changes, devices.
   * And Conclave tells who tried what the rules refuse, where it went over the network.
   */
  async settle() {
    await this.#room.agree();
    for (const actor of Object.values(this.people.ours)) {
      const told = (await actor.rows(this.id)).map(({ content }) => content.kind === "refused_change" && content.by);
      for (const person of this.#refused) assert.ok(told.includes(person.inboxId), `${actor.name} shows what ${person.name} tried`);
    }
  }

  async say(actor, text) {
    return this.#room.say(actor, text);
  }

  /** `actor` may not do this: its own engine refuses, and nothing changes for anybody. */
  async refused(actor, work, words) {
    const before = await actor.state(this.id);
    // The official engine checks most rules only when its own commit comes back.
    const { message } = await refusal(actor, work(actor), words);
    if (/^synced /.test(message)) this.#refused.add(actor);
    assert.deepEqual(await actor.state(this.id), before, `nothing changed at ${actor.name}`);
  }
}

/** Waits for an engine to refuse what it was asked for, Conclave by a code and a sentence. Gives the error. */
export async function refusal(actor, command, { code = "denied_by_policy", sentence = /./ } = {}) {
  if (actor.person) return refuses(command, { exit: null, code, sentence, retryable: false });
  return command.then(
    () => assert.fail(`${actor.name} was not refused`),
    (error) => {
      assert.equal(error.code, "GenericFailure", error.stack);
      return error;
    },
  );
}
