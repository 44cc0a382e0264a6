//! Every permission with every option, set by each engine, and tried by everybody.

import { drop } from "./council.mjs";
import { OUR_PERMISSIONS, ENGINES, OPTIONS, ROLES, SHARED_PERMISSIONS } from "./words.mjs";

const OPTION_NAMES = {
  allow: "everyone",
  admin: "admins and super admins",
  super_admin: "super admins",
  deny: "nobody",
};

/** There is no "everyone" for the admin list (groups.md 2.4). */
const ADMIN_OPTIONS = ["admin", "super_admin", "deny"];

let count = 0;
/** A value that no field had before. */
const fresh = (actor) => `${actor.name.split(" ")[0]} ${(count += 1)}`;

function metadata(permission, name, value = fresh) {
  return {
    permission,
    name: `Change the ${name}`,
    options: Object.keys(OPTIONS),
    /** Does it, and gives what it makes of the expected state. */
    act: async (actor, { id }) => {
      const set = value(actor);
      if (permission === "disappearing") await actor.setDisappearing(id, set);
      else await actor.setField(id, permission, set);
      return (expected) => {
        if (permission === "minimum_version") expected.own.minimumVersion = set;
        else expected.fields[permission] = set;
      };
    },
  };
}

/** What each permission is for: `before` it can be tried, something may have to be so; `act` tries it. */
const permissions = [
  {
    permission: "add_member",
    name: "Add people",
    options: Object.keys(OPTIONS),
    before: (council) => council.without(council.guest),
    act: async (actor, { id, guest }) => {
      await actor.add(id, guest);
      return ({ members }) => members.push(guest.inboxId);
    },
  },
  {
    permission: "remove_member",
    name: "Remove people",
    options: Object.keys(OPTIONS),
    before: (council) => council.with(council.guest),
    act: async (actor, { id, guest }) => {
      await actor.remove(id, guest);
      return ({ members }) => drop(members, guest);
    },
  },
  {
    permission: "add_admin",
    name: "Make admins",
    options: ADMIN_OPTIONS,
    before: (council) => council.demoted(council.target),
    act: async (actor, { id, target }) => {
      await actor.addAdmin(id, target);
      return ({ admins }) => admins.push(target.inboxId);
    },
  },
  {
    permission: "remove_admin",
    name: "Take the admin role away",
    options: ADMIN_OPTIONS,
    before: (council) => council.promoted(council.target),
    act: async (actor, { id, target }) => {
      await actor.removeAdmin(id, target);
      return ({ admins }) => drop(admins, target);
    },
  },
  metadata("name", "name"),
  metadata("description", "description"),
  metadata("image", "picture", (actor) => `https://images.example/${fresh(actor).replace(" ", "-")}.png`),
  metadata("app_data", "application data", (actor) => JSON.stringify({ by: fresh(actor) })),
  metadata("disappearing", "time after which messages disappear", () => 86_400 + (count += 1)),
  metadata("minimum_version", "minimum version", () => `1.0.${(count += 1)}`),
  {
    permission: "pins",
    name: "Pin messages",
    options: Object.keys(OPTIONS),
    act: async (actor, { id, expected, message }) => {
      const isPinned = expected.own.pinned.length > 0;
      await actor.pin(id, message, !isPinned);
      return ({ own }) => (own.pinned = isPinned ? [] : [message]);
    },
  },
];

export function permissionTable(findings) {
  return findings.table(
    "Permissions",
    "Each option is set by a super admin of each engine, shown by everybody, and then tried by a member, an admin and a\n" +
      "super admin of each engine. *may*: done, and shown by everybody. *refused*: the person's own app refuses, and nothing\n" +
      "changes for anybody. Where only Conclave has a command, official clients keep the setting and go on.",
    "Permission: for whom",
    {
      ours: "Set by Conclave",
      official: "Set by an official client",
      member: "A member then",
      admin: "An admin then",
      super_admin: "A super admin then",
    },
  );
}

/** Runs `test(name, work)` for every permission. */
export function permissionTests(test, council, table) {
  for (const entry of permissions) {
    const row = (option) => `${entry.name}: ${OPTION_NAMES[option]}`;
    for (const option of entry.options) table.row(row(option));
    test(`permission: ${entry.name}`, async () => {
      const isShared = SHARED_PERMISSIONS.includes(entry.permission);
      const engines = isShared ? ENGINES : ["ours"];
      for (const setter of engines) {
        // Whoever did not set the option shows that it holds; where both tried it, both say the same.
        const tried = isShared ? ENGINES.find((engine) => engine !== setter) : "ours";
        for (const option of lastFirst(entry.options, rule(council(), entry.permission))) {
          await set(council(), setter, entry.permission, option);
          table.note(row(option), setter, "works");
          if (!isShared) table.note(row(option), "official", "no command");
          for (const role of ROLES) table.note(row(option), role, await attempt(council(), entry, { role, option, engines, tried }));
        }
      }
      await council().settle();
    });
  }
}

/** The options so that each is a change and the one that holds now comes last. */
function lastFirst(options, now) {
  return [...options.filter((option) => option !== now), now];
}

function rules({ expected }, permission) {
  return OUR_PERMISSIONS.includes(permission) ? expected.own.permissions : expected.permissions;
}

function rule(council, permission) {
  return rules(council, permission)[permission];
}

async function set(council, engine, permission, option) {
  const actor = council.people[engine].super_admin;
  const work = () => actor.setPermission(council.id, permission, option);
  await council.change(actor, work, () => (rules(council, permission)[permission] = option));
}

async function attempt(council, { before, act }, { role, option, engines, tried }) {
  if (!OPTIONS[option].includes(role)) {
    await before?.(council);
    for (const engine of engines) await council.refused(council.people[engine][role], (actor) => act(actor, council));
    await council.agree();
    return "refused";
  }
  await before?.(council);
  const actor = council.people[tried][role];
  let effect;
  await council.change(actor, async () => (effect = await act(actor, council)), (expected) => effect(expected));
  return "may";
}
