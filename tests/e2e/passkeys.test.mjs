//! Passkeys, which only a browser has: added, signed with and removed in Chromium through the bridge.

import assert from "node:assert/strict";
import test from "node:test";

import { at } from "./screen.mjs";
import { Site } from "./site.mjs";
import { onStage } from "./stage.mjs";
import { startBrowser, Tab } from "./tab.mjs";

test("an inbox has a passkey for a while", async (t) => {
  const site = await Site.open({ host: "localhost" });
  const browser = await startBrowser();
  try {
    await onStage(t, (name) => Tab.prepare(name, { browser, site }), async ({ node, chapter, enter }) => {
      let alix, screen, kept, key;

      const openDevices = async () => {
        await screen.click("settings");
        await screen.click("settings-devices");
        await screen.see("device");
      };
      const byWallet = async () => {
        await screen.fill("import-secret", alix.phrase.join(" "));
        await screen.click("sign-confirm");
      };

      await chapter("it is made, signs the text that is shown, and is listed", async () => {
        alix = await enter("alix");
        screen = alix.screen;
        await alix.join(node.url);
        kept = await screen.keepPasskeys();
        await openDevices();
        await screen.click("passkey-add");
        await screen.see("passkey-dialog");
        await screen.look("70-passkey-make");
        await screen.click("passkey-create");
        const [text] = await screen.see(at("sign-text", { text: "Link passkey to inbox" }));
        const [signer] = await screen.see("sign-signer");
        key = signer.data.value;
        assert.match(key, /^0[23][0-9a-f]{64}$/);
        assert.ok(text.text.includes(`(Passkey: ${key})`));
        await screen.look("71-passkey-sign");
        await screen.click("sign-confirm");
        await screen.gone("sign-dialog");
        await screen.see(at("passkey", { key }));
        await screen.look("72-passkey-listed");
        const all = await kept();
        assert.deepEqual(all.map(({ rpId }) => rpId), ["localhost"]);
        // Made once, then asked to sign once.
        assert.equal(all[0].signCount, 2);
        // Chromium wants pages to take RSA too, which identities do not know.
        assert.match(screen.complaints.pop(), /pubKeyCredParams/);
      });

      await chapter("the browser finds it by itself, and it may revoke", async () => {
        await screen.reload();
        await screen.see("main-window");
        await openDevices();
        await screen.click("recovery-change");
        await screen.see("address-option", { count: 1 });
        await screen.click("address-continue");
        await screen.see(at("sign-signer", { value: alix.address }));
        await byWallet();
        await screen.see(at("sign-signer", { value: key }));
        await screen.click("sign-confirm");
        await screen.gone("sign-dialog");
        await screen.see({ css: `[data-testid="passkey"][data-key="${key}"] [data-testid="recovery"]`, text: null });
      });

      await chapter("the wallet takes over again, and takes it out", async () => {
        await screen.click("recovery-change");
        await screen.see("address-option", { count: 1 });
        await screen.click("address-continue");
        await screen.see(at("sign-signer", { value: key }));
        await screen.click("sign-confirm");
        await screen.see(at("sign-signer", { value: alix.address }));
        await byWallet();
        await screen.gone("sign-dialog");
        await screen.click("passkey-remove");
        await screen.see(at("sign-text", { text: "Unlink passkey from inbox" }));
        await byWallet();
        await screen.gone("sign-dialog");
        await screen.gone("passkey");
        assert.equal(await screen.sees("problem"), false);
      });
    });
  } finally {
    await browser.close();
    await site.close();
  }
});
