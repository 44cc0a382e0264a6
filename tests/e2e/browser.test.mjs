//! The same story in Chromium, through the bridge; axe looks at every screen.

import test from "node:test";

import { Site } from "./site.mjs";
import { tell } from "./story.mjs";
import { startBrowser, Tab } from "./tab.mjs";

test("in Chromium through the bridge", async (t) => {
  const site = await Site.open();
  const browser = await startBrowser();
  try {
    await tell(t, { prepare: (name) => Tab.prepare(name, { browser, site }), nonsense: site.url });
  } finally {
    await browser.close();
    await site.close();
  }
});
