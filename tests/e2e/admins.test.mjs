//! Alix runs a group and Bo is in it: every cell of the permissions, every role, the group's details,
//! pins, the list of changes, and leaving.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";

import { Details, Permissions, TABLE } from "./details.mjs";
import { everywhere } from "./places.mjs";
import { at, inside, SIZES, USUAL } from "./screen.mjs";

const GROUP = "Winter cabin";
/** About as long as a name can be, 99 bytes, and from right to left. */
const LONG = Array(5).fill("בקתה בהרים").join(" ");

everywhere(async ({ node, chapter, settle, outsider }) => {
  let alix, bo, caro, rules, theirRules, details, theirDetails;
  /** How many changes Alix has made that everybody's list of changes must show. */
  let changes = 0;

  await chapter("a group of three, two of them at their windows", async () => {
    [alix, bo, caro] = await Promise.all([settle("alix"), settle("bo"), outsider("caro")]);
    await alix.createGroup(GROUP, [bo, caro]);
    await bo.acceptConversation(GROUP);
    await bo.open(GROUP);
    [details, theirDetails] = [new Details(alix), new Details(bo)];
    [rules, theirRules] = [new Permissions(alix), new Permissions(bo)];
    await details.open();
    await theirDetails.open();
    await alix.screen.see(details.member(alix, "super_admin"));
    await bo.screen.see(theirDetails.member(bo, "member"));
    await bo.screen.see("member", { count: 3 });
  });

  await chapter("what a member may not do is there, disabled, and says who may", async () => {
    for (const [person, action, reason] of [
      [caro, "remove", /only admins may remove people/i],
      [caro, "add_admin", /only super admins may/i],
      [caro, "add_super_admin", /only super admins may/i],
      [alix, "remove", /admin/i],
    ]) {
      const item = await theirDetails.menuItem(person, action);
      assert.equal(item?.denied, true, `${action} is shown and disabled`);
      assert.match(item.why, reason);
    }
    // The reason names who could do it, and a click on it does nothing.
    await theirDetails.openMenu(caro);
    const [{ why }] = await bo.screen.read(at("member-menu-remove"));
    assert.match(why, new RegExp(alix.address.slice(-4)));
    await bo.screen.poke("member-menu-remove");
    await bo.screen.see("member-menu");
    assert.equal(await bo.screen.sees("remove-dialog"), false);
    await theirDetails.closeMenu();
    await bo.screen.look("30-denied", { prepare: () => theirDetails.openMenu(caro) });
  });

  await chapter("each cell of the permissions is changed, and the other window shows it", async (t) => {
    await details.go("permissions");
    await theirDetails.go("permissions");
    const [{ text: why }] = await bo.screen.see("permissions-why");
    assert.match(why, /only super admins/i);
    await alix.screen.look("31-permissions");
    await bo.screen.look("31-permissions-read");
    const began = performance.now();
    for (const [row, options] of Object.entries(TABLE)) {
      const before = await rules.value(row);
      // Each option once, and in the end the one that was there.
      for (const option of [...options.filter((one) => one !== before), ...options.filter((one) => one === before)]) {
        await rules.set(row, option);
        await theirRules.shows(row, option);
        changes += 1;
      }
    }
    assert.equal(changes, 42);
    t.diagnostic(`${changes} cells, ${Math.round((performance.now() - began) / changes)} ms each`);
  });

  await chapter("cells that no app can set change nothing", async () => {
    const fixed = ["allow", "admin", "super_admin", "deny"].map((option) => ["update_permissions", option]);
    for (const [row, option] of [["add_admin", "allow"], ["remove_admin", "allow"], ...fixed]) {
      const [cell] = await alix.screen.see(rules.cell(row, option));
      assert.equal(cell.denied, true, `${row}: ${option}`);
      await alix.screen.poke(rules.cell(row, option));
    }
    assert.equal(await alix.screen.sees("permission-change"), false);
    assert.equal(await rules.value("update_permissions"), "super_admin");
    // Bo's are all like that: he only looks.
    await bo.screen.see("permission-cell", { count: 48, each: ({ denied }) => denied });
    await bo.screen.poke(theirRules.cell("name", "deny"));
    assert.equal(await bo.screen.sees("permission-change"), false);
  });

  await chapter("a preset and several cells go in one change, a choice can be taken back", async () => {
    await alix.screen.choose("permission-preset", "admins");
    await alix.screen.see("permission-change", { count: 5 });
    await alix.screen.click(inside(at("permission-change", { row: "picture" }), "permission-undo"));
    await alix.screen.see("permission-change", { count: 4 });
    await alix.screen.look("32-permissions-pending");
    await rules.apply();
    changes += 1;
    for (const [row, option] of [["add_member", "admin"], ["name", "admin"], ["picture", "allow"]]) {
      await rules.shows(row, option);
      await theirRules.shows(row, option);
    }
    await rules.choose("picture", "deny");
    await alix.screen.press("Escape");
    await alix.screen.click("permission-leave-confirm");
    await alix.screen.gone("permissions-dialog");
    await details.go("permissions");
    await rules.shows("picture", "allow");
  });

  await chapter("in a narrow window the cells are cards, and change the same", async () => {
    const [narrow] = SIZES;
    await alix.screen.resize(narrow);
    await alix.screen.see(at("permission-grid", { layout: "cards" }));
    for (const option of ["deny", "admin"]) {
      await rules.set("pins", option);
      await theirRules.shows("pins", option);
    }
    await alix.screen.resize(USUAL);
    await alix.screen.see(at("permission-grid", { layout: "table" }));
    await details.closeDialog();
    await theirDetails.closeDialog();
    changes += 2;
  });

  await chapter("what was changed holds: Bo can neither add people nor rename the group", async () => {
    const { screen } = bo;
    await screen.see("add-people", { each: ({ disabled }) => disabled });
    const [{ text: why }] = await screen.see("add-people-why");
    assert.match(why, /only admins may add people/i);
    await screen.click("edit-group");
    await screen.see("edit-name", { each: ({ disabled }) => disabled });
    const [{ text: whyNotName }] = await screen.see("edit-name-why");
    assert.match(whyNotName, /only admins may/i);
    await screen.see("edit-picture", { each: ({ disabled }) => !disabled });
    await screen.look("33-edit-denied");
    await theirDetails.closeDialog();
  });

  await chapter("promoted and demoted: the roles stand in both windows, and what they allow with them", async () => {
    await details.act(bo, "add_admin");
    const [{ text: question }] = await alix.screen.see("role-dialog");
    assert.match(question, /remove people/, "what an admin can do is said before");
    await alix.screen.look("34-role");
    await details.closeDialog();
    await details.changeRole(bo, "add_admin", "admin");
    await bo.screen.see(theirDetails.member(bo, "admin"));
    assert.equal((await theirDetails.menuItem(caro, "remove")).denied, false);
    await bo.screen.see("add-people", { each: ({ disabled }) => !disabled });

    await details.changeRole(bo, "add_super_admin", "super_admin");
    await bo.screen.see(theirDetails.member(bo, "super_admin"));
    await theirDetails.go("permissions");
    await bo.screen.see({ css: 'select[data-testid="permission-preset"]', text: null });
    assert.equal(await bo.screen.sees("permissions-why"), false);
    await theirRules.set("picture", "admin");
    await theirDetails.closeDialog();
    const kept = await details.menuItem(bo, "remove");
    assert.equal(kept.denied, true);
    assert.match(kept.why, /super admin/i);

    await details.changeRole(bo, "remove_super_admin", "admin");
    await bo.screen.see(theirDetails.member(bo, "admin"));
    await details.changeRole(bo, "remove_admin", "member");
    await bo.screen.see(theirDetails.member(bo, "member"));
    assert.equal((await theirDetails.menuItem(caro, "remove")).denied, true);
    changes += 4;
  });

  await chapter("the keyboard alone changes a cell and a role", async () => {
    const { screen } = alix;
    await screen.click("composer");
    // What was open before may take the focus back while it closes.
    await screen.seeFocused("composer");
    await screen.reach("details");
    await screen.press("Enter");
    await screen.gone("info-pane");
    await screen.press("Enter");
    await screen.see("member");
    await screen.reach("info-permissions");
    await screen.press("Enter");
    await screen.see("permission-row");
    // One stop in the table; arrow keys go from cell to cell.
    await screen.reach("permission-cell");
    await screen.press("ArrowDown", "ArrowRight", "ArrowRight", "Space");
    await screen.see(at("permission-change", { row: "remove_member" }));
    await screen.reach("permission-apply");
    await screen.press("Enter");
    await screen.see(at("permission-state", { state: "done" }));
    await rules.shows("remove_member", "super_admin");
    await screen.press("Escape");
    await screen.gone("permissions-dialog");
    await screen.reach("member-menu-open");
    await screen.press("ArrowDown");
    const [{ data }] = await screen.seeFocused("member");
    await screen.press("Enter");
    await screen.see("member-menu");
    // A letter goes to the next item that begins with it.
    await screen.press("m", "Enter");
    await screen.see("role-dialog");
    await screen.reach("role-dialog-confirm");
    await screen.press("Enter");
    await screen.gone("role-dialog");
    await screen.see(at("member", { "inbox-id": data.inboxId, role: "admin" }));
    // And the focus is where it was.
    await screen.seeFocused(at("member", { "inbox-id": data.inboxId }));
    const [{ data: promoted }] = await screen.see(inside(at("member", { "inbox-id": data.inboxId }), "member-address"));
    await details.changeRole({ address: promoted.value }, "remove_admin", "member");
    changes += 3;
  });

  await chapter("an impatient hand clicks everything twice, and everything happens once", async () => {
    const { screen } = alix;
    await screen.clickTwice("new-group");
    await screen.fill("group-name", "Notes");
    await screen.clickTwice("create");
    await screen.see(at("open-title", { text: "Notes" }));
    await screen.see(at("conversation-row", { text: "Notes" }), { count: 1 });
    await screen.clickTwice("info-permissions");
    await screen.see("permissions-dialog");
    await rules.choose("name", "admin");
    await screen.clickTwice("permission-apply");
    await screen.see(at("system-line", { text: "change the name" }), { count: 1 });
    await screen.press("Escape");
    await screen.gone("permissions-dialog");
    await alix.open(GROUP);
    await screen.see("member", { count: 3 });
  });

  await chapter("name and description have limits; a picture is fetched by nobody who did not ask", async () => {
    const { screen } = alix;
    let callers = 0;
    const host = createServer((socket) => {
      callers += 1;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(host, "listening");
    try {
      const picture = `https://127.0.0.1:${host.address().port}/cabin.png`;
      await screen.click("edit-group");
      await screen.fill("edit-name", "é".repeat(51));
      assert.equal((await screen.see("edit-name-note"))[0].text, "2 bytes too long");
      await screen.see("edit-save", { each: ({ disabled }) => disabled });
      await screen.fill("edit-name", LONG);
      await screen.fill("edit-description", "é".repeat(501));
      assert.equal((await screen.see("edit-description-note"))[0].text, "2 bytes too long");
      await screen.fill("edit-description", "Who drives, who cooks, who has the key.");
      await screen.fill("edit-picture", "http://example.org/cabin.png");
      await screen.see(at("edit-picture-note", { text: "https://" }));
      await screen.see("edit-save", { each: ({ disabled }) => disabled });
      await screen.look("35-edit");
      await screen.fill("edit-picture", picture);
      await screen.click("edit-save");
      await screen.gone("edit-dialog");
      for (const person of [alix, bo]) {
        await person.screen.see(at("open-title", { text: LONG }));
        await person.screen.see(at("info-description", { text: "who has the key" }));
        await person.screen.see(at("picture-show", { host: `127.0.0.1:${host.address().port}` }));
        assert.equal(await person.screen.sees("group-picture"), false);
      }
      await screen.look("36-long-name");
      await screen.click("edit-group");
      await screen.fill("edit-name", GROUP);
      await screen.click("edit-save");
      await bo.screen.see(at("open-title", { text: GROUP }));
      assert.equal(callers, 0, "nobody asked for the picture");
      changes += 4;
    } finally {
      host.close();
    }
  });

  await chapter("pinned messages: for admins to choose, for all to see", async () => {
    await details.close();
    await theirDetails.close();
    await alix.say("Dates still 12 to 15 December?");
    await bo.say("Yes. I drive on Friday after work, two seats are free.");
    await bo.say("The key is under the third stone.");
    await alix.reads("under the third stone");
    const [{ text }] = await messageItem(bo, "under the third stone", "pin");
    assert.match(text, /only admins may pin/i);
    await bo.screen.press("Escape");
    await bo.screen.gone("message-menu");
    await alix.say("Shopping list: wood, candles, coffee.");
    await bo.say("And snow chains, the pass is open with winter tyres only.");
    await alix.say("I have a pair. Before eight works for me.");
    for (const words of ["under the third stone", "Shopping list"]) {
      await messageItem(alix, words, "pin");
      await alix.screen.click("message-menu-pin");
      for (const person of [alix, bo]) await person.screen.see(at("pin-text", { text: words }));
    }
    await bo.screen.look("37-pins");
    // The newest first; every press goes to its message and shows the one before.
    await bo.screen.click("pin-jump");
    await bo.screen.see(at("pin-text", { text: "third stone" }));
    await alix.screen.click("pin-list-open");
    await alix.screen.see("pin", { count: 2 });
    await alix.screen.look("38-pin-list");
    await alix.screen.click("pin-remove");
    await alix.screen.see("pin", { count: 1 });
    await details.closeDialog();
    for (const person of [alix, bo]) await person.screen.see(at("pin-text", { text: "third stone" }));
    assert.equal(await bo.screen.sees("pins-why"), false);
    await bo.screen.click("pin-list-open");
    await bo.screen.see("pins-why");
    assert.equal(await bo.screen.sees("pin-remove"), false);
    await theirDetails.closeDialog();
    changes += 3;
  });

  await chapter("what the README shows: a group, its pins, its people, and what an admin can do", async () => {
    await details.open();
    await details.changeRole(bo, "add_admin", "admin");
    await alix.screen.look("44-group", { prepare: () => details.openMenu(bo) });
    await details.close();
    changes += 1;
  });

  await chapter("the list of changes has every one of them, with who made it", async () => {
    await theirDetails.open();
    await theirDetails.go("changes");
    await bo.screen.look("39-changes");
    while (await bo.screen.sees("changes-older")) {
      const before = (await bo.screen.see("change")).length;
      await bo.screen.click("changes-older");
      await bo.screen.see("change", { each: (_, index) => index >= before });
    }
    const seen = await bo.screen.see("change");
    const by = alix.address.slice(-4);
    const made = seen.filter(({ text }) => text.includes(by));
    assert.equal(made.length >= changes, true, `${made.length} of ${changes} changes`);
    for (const words of ["lets nobody change the description", "made you a super admin", "named the group", "pinned a message"]) {
      assert.ok(seen.some(({ text }) => text.includes(words)), words);
    }
    assert.ok(seen.some(({ text }) => text.includes("You let")), "one was his own");
    await theirDetails.closeDialog();
  });

  await chapter("while the node is gone a change fails, says so, and can be tried again", async (t) => {
    const { screen } = alix;
    await details.open();
    await details.go("permissions");
    await rules.choose("description", "super_admin");
    await node.program.end();
    await screen.see("offline-note");
    const began = performance.now();
    await screen.click("permission-apply");
    const [{ text }] = await screen.see(inside("permissions-dialog", "problem"), { seconds: 60 });
    t.diagnostic(`said after ${Math.round(performance.now() - began)} ms`);
    assert.match(text, /node cannot be reached/i);
    await screen.see(at("permissions-dialog", { text: "The group is as it was." }));
    await screen.look("40-permissions-failed");
    await node.restart();
    await screen.click("permission-apply");
    await screen.see(at("permission-state", { state: "done" }), { seconds: 60 });
    await rules.shows("description", "super_admin");
    await details.closeDialog();
    await theirDetails.go("permissions");
    await bo.screen.see(at("permission-row", { row: "description", value: "super_admin" }), { seconds: 60 });
    await theirDetails.closeDialog();
  });

  await chapter("ownership goes over in two steps; the new owner removes somebody", async () => {
    await details.act(bo, "transfer");
    await alix.screen.see("transfer-step", { count: 2 });
    await alix.screen.look("41-transfer");
    await alix.screen.click("transfer-confirm");
    await alix.screen.gone("transfer-dialog");
    for (const [person, view] of [[alix, details], [bo, theirDetails]]) {
      await person.screen.see(view.member(bo, "super_admin"));
      await person.screen.see(view.member(alix, "member"));
    }
    const denied = await details.menuItem(caro, "remove");
    assert.equal(denied.denied, true);
    assert.match(denied.why, new RegExp(bo.address.slice(-4)));
    await theirDetails.removeMember(caro);
    await alix.screen.gone(details.member(caro));
  });

  await chapter("the last super admin stays; everybody else can leave", async () => {
    const [{ text }] = await bo.screen.see("leave-why");
    assert.match(text, /super admin/i);
    await bo.screen.see("info-leave", { each: ({ disabled }) => disabled });
    await details.go("leave");
    await alix.screen.look("42-leave");
    await alix.screen.click("leave-dialog-confirm");
    await alix.screen.gone("leave-dialog");
    // Bo's app, a super admin's, takes her out.
    await bo.screen.gone(theirDetails.member(alix));
    await bo.screen.see(at("member-count", { text: "1 member" }));
    await alix.screen.see(at("composer-closed", { text: "You left this group." }));
    await alix.screen.look("43-left");
  });

  await chapter("somebody without a screen saw the same rules until the end", async () => {
    const id = await caro.find(GROUP);
    const [permissions] = await caro.run("group", "permissions", "show", id);
    assert.equal(permissions.add_member, "admin");
    assert.equal(permissions.update_metadata.group_name, "admin");
    assert.equal(permissions.update_metadata.description, "super_admin");
    assert.equal(permissions.update_metadata.group_image_url_square, "admin");
  });
});

/** Opens the menu of a message by the keyboard; gives one of its items. */
async function messageItem({ screen }, text, action) {
  await screen.click(at("message", { text }));
  await screen.press("Enter");
  await screen.see("message-menu");
  return screen.read(at(`message-menu-${action}`));
}
