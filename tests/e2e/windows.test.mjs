//! Two people at two real windows, and a third with the node inside the app.

import assert from "node:assert/strict";
import test from "node:test";

import { Person } from "./person.mjs";
import { at } from "./screen.mjs";
import { Site } from "./site.mjs";
import { tell } from "./story.mjs";
import { Window } from "./window.mjs";

test("in real windows", async (t) => {
  const site = await Site.open();
  try {
    await tell(t, { prepare: (name) => Window.prepare(name), nonsense: site.url });
  } finally {
    await site.close();
  }
});

test("with the node inside the app", async () => {
  const eri = new Person(await Window.prepare("eri"));
  const { screen } = eri;
  try {
    await screen.open();
    await eri.createIdentity();
    await eri.provePhrase();
    await screen.click("network-builtin");
    await screen.click("network-continue");
    await screen.see("sign-text");
    await screen.click("register");
    await eri.arrive();
    await eri.createGroup("Notes to myself", []);
    await eri.say("Water the plants.");
    await screen.close();
    await screen.open();
    await eri.open("Notes to myself");
    await screen.see(at("message", { text: "Water the plants.", delivery: "published" }));
    await eri.say("And the cat.");
    assert.equal(await screen.sees("problem"), false);
  } finally {
    await screen.remove();
  }
});
