//! The tests' own words, into which each engine's are translated.

export const ENGINES = ["ours", "official"];
export const ROLES = ["member", "admin", "super_admin"];

/** Permissions that both engines have a command for. */
export const SHARED_PERMISSIONS = [
  "add_member",
  "remove_member",
  "add_admin",
  "remove_admin",
  "name",
  "description",
  "image",
  "app_data",
  "disappearing",
];
/** Permissions that only Conclave has a command for. */
export const OUR_PERMISSIONS = ["minimum_version", "pins"];

/** What can be chosen for a permission, and who may then. "Admin" means super admins too (groups.md 2.4). */
export const OPTIONS = { allow: ROLES, admin: ["admin", "super_admin"], super_admin: ["super_admin"], deny: [] };

/** Permissions of a new group (groups.md 2.4, "all members"). */
export const EVERYONE = {
  add_member: "allow",
  remove_member: "admin",
  add_admin: "super_admin",
  remove_admin: "super_admin",
  name: "allow",
  description: "allow",
  image: "allow",
  app_data: "allow",
  disappearing: "admin",
};

/** False for the line of a change that not both engines have words for. */
export function saysSomething({ added, removed, left, admins, superAdmins, fields }) {
  const lists = [added, removed, left, fields, ...Object.values(admins), ...Object.values(superAdmins)];
  return lists.some((list) => list.length > 0);
}
