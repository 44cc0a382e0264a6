//! Where a story is told: in real windows, and in Chromium through the bridge.

import test from "node:test";

import { Site } from "./site.mjs";
import { onStage } from "./stage.mjs";
import { startBrowser, Tab } from "./tab.mjs";
import { Window } from "./window.mjs";

/** Tells a story in both places, each time to new people on a node of their own. */
export function everywhere(story) {
  test("in real windows", (t) => onStage(t, (name) => Window.prepare(name), story));

  test("in Chromium through the bridge", async (t) => {
    const site = await Site.open();
    const browser = await startBrowser();
    try {
      await onStage(t, (name) => Tab.prepare(name, { browser, site }), story);
    } finally {
      await browser.close();
      await site.close();
    }
  });
}
