//! The details of the open group: its members, its rows, and what is changed there.

import { at, inside } from "./screen.mjs";

/** The rows of the permissions table, and the columns that can be chosen in each. */
const ORDINARY = ["allow", "admin", "super_admin", "deny"];
const ROLE = ["admin", "super_admin", "deny"];
export const TABLE = {
  ...Object.fromEntries(["add_member", "remove_member", "pins", "disappearing", "name"].map((row) => [row, ORDINARY])),
  ...Object.fromEntries(["description", "picture", "app_data", "minimum_version"].map((row) => [row, ORDINARY])),
  add_admin: ROLE,
  remove_admin: ROLE,
  // Always super admins, in every app.
  update_permissions: [],
};

const MENU = "member-menu";

export class Details {
  constructor({ screen }) {
    this.screen = screen;
  }

  async open() {
    if (await this.screen.sees("info-pane")) return;
    await this.screen.click("details");
    await this.screen.see("member");
  }

  async close() {
    await this.screen.click("info-close");
    await this.screen.gone("info-pane");
  }

  /** Opens a dialog from one of the rows: `permissions`, `changes`, `pins`, `leave`. */
  async go(row) {
    await this.screen.click(`info-${row}`);
    await this.screen.see({ css: "dialog[open]", text: null });
  }

  async closeDialog() {
    await this.screen.press("Escape");
    await this.screen.gone({ css: "dialog[open]", text: null });
  }

  /** The row of a member, with a role if that matters. */
  member({ address }, role = null) {
    const data = role === null ? {} : { role };
    return { css: `${at("member", data).css}:has([data-value="${address}"])`, text: null };
  }

  async openMenu(person) {
    // Below the view a row is not laid out, and WebKit's driver finds nothing to click in it.
    await this.screen.reveal(this.member(person));
    await this.screen.click(inside(this.member(person), "member-menu-open"));
    await this.screen.see(MENU);
  }

  async closeMenu() {
    await this.screen.press("Escape");
    await this.screen.gone(MENU);
  }

  /** One item of a member's menu, described; undefined if it is not in it. The menu is closed again. */
  async menuItem(person, action) {
    await this.openMenu(person);
    const [item] = await this.screen.read(at(`${MENU}-${action}`));
    await this.closeMenu();
    return item;
  }

  /** Chooses something in a member's menu. */
  async act(person, action) {
    await this.openMenu(person);
    await this.screen.click(`${MENU}-${action}`);
  }

  /** Changes a role and sees it stand in the list. */
  async changeRole(person, change, role) {
    await this.act(person, change);
    await this.screen.click("role-dialog-confirm");
    await this.screen.gone("role-dialog");
    await this.screen.see(this.member(person, role));
  }

  /** Removes a member and sees them gone. */
  async removeMember(person) {
    await this.act(person, "remove");
    await this.screen.click("remove-confirm");
    await this.screen.gone("remove-dialog");
    await this.screen.gone(this.member(person));
  }
}

/** The permissions, opened from the details. */
export class Permissions {
  constructor({ screen }) {
    this.screen = screen;
  }

  #row(row, option = null) {
    return at("permission-row", option === null ? { row } : { row, value: option });
  }

  cell(row, option) {
    return inside(this.#row(row), at("permission-cell", { option }));
  }

  /** What stands in a row. */
  async value(row) {
    const [{ data }] = await this.screen.see(this.#row(row));
    return data.value;
  }

  /** Waits until an option stands in a row. */
  async shows(row, option) {
    await this.screen.see(this.#row(row, option));
  }

  /** Chooses a cell, in the table or, in a narrow window, in its card. */
  async choose(row, option) {
    const select = inside(this.#row(row), "permission-select");
    if (await this.screen.sees(select)) await this.screen.choose(select, option);
    else await this.screen.click(this.cell(row, option));
    await this.screen.see(at("permission-change", { row }));
  }

  /** Applies what was chosen and sees that the group has it. */
  async apply() {
    await this.screen.click("permission-apply");
    await this.screen.see(at("permission-state", { state: "done" }));
    await this.screen.gone("permission-review");
  }

  async set(row, option) {
    await this.choose(row, option);
    await this.apply();
    await this.shows(row, option);
  }
}
