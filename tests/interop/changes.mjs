//! Role and metadata changes by each engine, and what no permission allows.

import { drop } from "./council.mjs";
import { ENGINES, ROLES } from "./words.mjs";

const COLUMNS = { ours: "By Conclave", official: "By an official client" };

export function changeTable(findings) {
  return findings.table(
    "Changes",
    "*works*: everybody shows the change, on Conclave and on official clients, with the same members, roles, permissions,\n" +
      "fields, history and epoch authenticator.",
    "Change",
    COLUMNS,
  );
}

export function fixedTable(findings) {
  return findings.table(
    "What no permission allows",
    "*refused*: the person's own app refuses, and nothing changes for anybody.",
    "Attempt",
    COLUMNS,
  );
}

const roleChanges = [
  ["Make somebody an admin", "addAdmin", ({ admins }, target) => admins.push(target.inboxId)],
  ["Take the admin role away", "removeAdmin", ({ admins }, target) => drop(admins, target)],
  ["Make somebody a super admin", "addSuperAdmin", ({ superAdmins }, target) => superAdmins.push(target.inboxId)],
  ["Take the super admin role away", "removeSuperAdmin", ({ superAdmins }, target) => drop(superAdmins, target)],
];

/** Longest values in bytes of UTF-8 (groups.md 2.2); `é` has two. */
const fields = [
  ["name", "Name", 100],
  ["description", "Description", 1000],
  ["image", "Picture", 2048],
  ["app_data", "Application data", 8192],
];

export function changeTests(test, council, table) {
  const by = async (engine, change, work, expect) => {
    const actor = council().people[engine].super_admin;
    await council().change(actor, () => work(actor, council().id), expect);
    table.note(change, engine, "works");
  };

  test("role changes", async () => {
    const { target } = council();
    for (const engine of ENGINES) {
      for (const [name, verb, effect] of roleChanges) {
        await by(engine, name, (actor, id) => actor[verb](id, target), (expected) => effect(expected, target));
      }
    }
    await council().settle();
  });

  test("people", async () => {
    const { guest } = council();
    for (const engine of ENGINES) {
      await by(engine, "Add somebody", (actor, id) => actor.add(id, guest), ({ members }) => members.push(guest.inboxId));
      await by(engine, "Remove somebody", (actor, id) => actor.remove(id, guest), ({ members }) => drop(members, guest));
    }
    await council().settle();
  });

  test("fields, as long as they may be and empty again", async () => {
    for (const engine of ENGINES) {
      for (const [field, name, bytes] of fields) {
        const texts = { "changed": `${name} by ${engine} ‮ünïcödé 🗝`, "as long as it may be": "é".repeat(bytes / 2), "emptied": "" };
        for (const [how, text] of Object.entries(texts)) {
          const value = field === "image" && how === "changed" ? `https://images.example/${engine}` : text;
          const work = (actor, id) => actor.setField(id, field, value);
          await by(engine, `${name} ${how}`, work, (expected) => (expected.fields[field] = value));
        }
      }
    }
    await council().settle();
  });

  test("disappearing messages", async () => {
    for (const engine of ENGINES) {
      for (const [how, seconds] of [["on", 3600], ["changed", 7200], ["off", null]]) {
        const work = (actor, id) => actor.setDisappearing(id, seconds);
        await by(engine, `Disappearing messages ${how}`, work, (expected) => (expected.fields.disappearing = seconds));
      }
    }
    await council().settle();
  });

  test("pinned messages and a minimum version that everybody has", async () => {
    const { message, people } = council();
    const only = async (change, work, expect) => {
      await by("ours", change, work, expect);
      table.note(change, "official", "no command");
    };
    await only("Pin a message", (actor, id) => actor.pin(id, message), ({ own }) => (own.pinned = [message]));
    // What an official client writes keeps the pins, although it does not know them.
    await council().change(people.official.member, (actor) => actor.setField(council().id, "name", "Still pinned"), (expected) => {
      expected.fields.name = "Still pinned";
    });
    await council().say(people.official.member, "harmless to official clients");
    await only("Unpin it", (actor, id) => actor.pin(id, message, false), ({ own }) => (own.pinned = []));
    const version = "1.0.0";
    await only(
      "Minimum version that official clients have",
      (actor, id) => actor.setField(id, "minimum_version", version),
      ({ own }) => (own.minimumVersion = version),
    );
    await council().say(people.official.member, "still with you");
    await council().settle();
  });
}

export function fixedTests(test, council, table) {
  const tries = async (attempt, roles, work) => {
    for (const engine of ENGINES) {
      for (const role of roles) {
        await council().refused(council().people[engine][role], (actor) => work(actor, council()));
        table.note(`${attempt}, as ${{ member: "a member", admin: "an admin", super_admin: "a super admin" }[role]}`, engine, "refused");
      }
    }
    await council().agree();
  };

  test("what needs a super admin, whatever the permissions say", async () => {
    await tries("Change a permission", ["member", "admin"], (actor, { id }) => actor.setPermission(id, "name", "deny"));
    await tries("Make somebody a super admin", ["member", "admin"], (actor, { id, target }) => actor.addSuperAdmin(id, target));
    await tries("Take the super admin role from the creator", ["member", "admin"], (actor, { id, creator }) => actor.removeSuperAdmin(id, creator));
    await council().settle();
  });

  test("a super admin is not removed", async () => {
    // Of the other engine's super admin; nobody removes himself.
    const other = (actor, { people }) => ENGINES.map((engine) => people[engine].super_admin).find((person) => person !== actor);
    await tries("Remove a super admin", ROLES, (actor, council) => actor.remove(council.id, other(actor, council)));
    await council().settle();
  });

  test("the last super admin stays one", async () => {
    for (const engine of ENGINES) {
      const keeper = council().people[engine].super_admin;
      const other = ENGINES.map((name) => council().people[name].super_admin).find((person) => person !== keeper);
      await council().change(keeper, (actor) => actor.removeSuperAdmin(council().id, other), ({ superAdmins }) => drop(superAdmins, other));
      await council().refused(keeper, (actor) => actor.removeSuperAdmin(council().id, keeper), { code: "last_super_admin" });
      table.note("Take the super admin role from the last one", engine, "refused");
      await council().refused(keeper, (actor) => actor.leave(council().id), { code: "cannot_leave" });
      table.note("Leave as a super admin", engine, "refused");
      await council().change(keeper, (actor) => actor.addSuperAdmin(council().id, other), ({ superAdmins }) => superAdmins.push(other.inboxId));
    }
    await council().settle();
  });

  test("longer than it may be", async () => {
    for (const engine of ENGINES) {
      for (const [field, name, bytes] of fields) {
        const work = (actor) => actor.setField(council().id, field, `${"é".repeat(bytes / 2)}x`);
        await council().refused(council().people[engine].super_admin, work, { code: "metadata_too_long" });
        table.note(`${name} of ${bytes + 1} bytes`, engine, "refused");
      }
    }
    await council().agree();
  });
}
