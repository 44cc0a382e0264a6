//! The same page in a tab of Chromium, with `conclave-cli serve` behind it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

import { binary, folder, Program } from "../interop/program.mjs";
import { find, named, OUTPUT, Screen, SIZES, USUAL } from "./screen.mjs";

const GRAVE = ["serious", "critical"];

/** Starts the browser that all tabs share. */
export function startBrowser() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export class Tab extends Screen {
  /** What the page complained about. */
  complaints = [];

  static async prepare(name, { browser, site }) {
    const tab = new Tab();
    tab.name = name;
    tab.site = site;
    tab.home = await folder(`tab-${name}`);
    tab.data = join(tab.home.path, "account");
    tab.keyFile = join(tab.home.path, "database.key");
    tab.tokenFile = join(tab.home.path, "token");
    await writeFile(tab.keyFile, randomBytes(32).toString("hex"), { mode: 0o600 });
    tab.context = await browser.newContext({
      viewport: USUAL,
      reducedMotion: "reduce",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    return tab;
  }

  /** Starts the bridge and opens the page on it. */
  async open() {
    this.bridge = new Program(binary("conclave-cli"), [
      ...["--data", this.data, "--key-file", this.keyFile],
      ...["serve", "--listen", "127.0.0.1:0", "--token-file", this.tokenFile],
    ]);
    const ready = JSON.parse(await this.bridge.line());
    assert.equal(ready.event, "ready");
    const token = (await readFile(this.tokenFile, "utf8")).trim();
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(20_000);
    this.page.on("pageerror", ({ message }) => this.complaints.push(message));
    this.page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    await this.page.goto(`${this.site.url}/#${new URLSearchParams({ url: ready.url, token })}`);
  }

  read(what) {
    return this.page.evaluate(`(${find})(${JSON.stringify(what)}, true)`);
  }

  #locate(what) {
    const { css, text } = named(what);
    const all = this.page.locator(css);
    return (text === null ? all : all.filter({ hasText: text })).first();
  }

  async click(what) {
    await this.#locate(what).click();
  }

  /** Scrolls until something is in view. */
  async reveal(what) {
    await this.#locate(what).scrollIntoViewIfNeeded();
  }

  /** Clicks on something even if it says that it is disabled. */
  async poke(what) {
    await this.#locate(what).click({ force: true });
  }

  async clickTwice(what) {
    await this.#locate(what).dblclick();
  }

  async resize(size) {
    await this.page.setViewportSize(size);
  }

  /** Replaces what a field holds. */
  async fill(what, text) {
    await this.#locate(what).fill(text);
  }

  /** Chooses an option of a select by its value. */
  async choose(what, value) {
    await this.#locate(what).selectOption(value);
  }

  /** Presses keys on what has the focus. */
  async press(...combinations) {
    for (const one of combinations) await this.page.keyboard.press(one);
  }

  /** Types text where the focus is. */
  async type(text) {
    await this.page.keyboard.type(text);
  }

  /**
   * Gives the browser a place for passkeys whose owner is always there and says yes; the function that is
   * returned tells which it keeps. It goes with the page.
   */
  async keepPasskeys() {
    const browser = await this.context.newCDPSession(this.page);
    await browser.send("WebAuthn.enable");
    const options = {
      ...{ protocol: "ctap2", transport: "internal", automaticPresenceSimulation: true },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
    };
    const { authenticatorId } = await browser.send("WebAuthn.addVirtualAuthenticator", { options });
    return async () => (await browser.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  }

  /** Loads the page anew, as a person does who presses F5. */
  async reload() {
    await this.page.reload();
  }

  /** Keeps what is on the screen now, and the bridge's log. */
  async record(label) {
    await writeFile(join(OUTPUT, `tab-${label}-${this.name}.log`), this.bridge.stderr);
    await this.page.screenshot({ path: join(OUTPUT, `tab-${label}-${this.name}.png`) });
  }

  theme() {
    return this.page.evaluate(() => document.documentElement.dataset.theme ?? "system");
  }

  /**
   * Looks at the page narrow and wide, light and dark: takes pictures, and axe finds nothing grave.
   * `prepare` opens again what a change of size closes.
   */
  async look(name, { prepare = () => {} } = {}) {
    const grave = [];
    for (const size of SIZES) {
      await this.page.setViewportSize(size);
      await prepare();
      for (const theme of ["light", "dark"]) {
        await this.page.emulateMedia({ colorScheme: theme });
        await this.page.evaluate(() => document.fonts.ready);
        await this.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
        const label = `tab-${name}-${size.width}-${theme}`;
        await this.page.screenshot({ path: join(OUTPUT, `${label}.png`) });
        // Legacy mode: no second tab, which would take the focus away from this one.
        const { violations } = await new AxeBuilder({ page: this.page }).setLegacyMode().analyze();
        for (const { id, impact, help, nodes } of violations) {
          const places = nodes.map(({ target, failureSummary }) => `${target.join(" ")}: ${failureSummary}`);
          if (GRAVE.includes(impact)) grave.push(`${label}: ${id} (${impact}): ${help}\n  ${places.join("\n  ")}`);
        }
      }
    }
    await this.page.setViewportSize(USUAL);
    await this.page.emulateMedia({ colorScheme: "light" });
    assert.deepEqual(grave, []);
  }

  /** Ends the bridge; the page goes with it. */
  async close() {
    const { page, bridge } = this;
    this.page = this.bridge = undefined;
    await page?.close();
    if (bridge !== undefined) assert.equal((await bridge.end()).code, 0, bridge.stderr);
  }

  /** Ends everything and forgets the person. */
  async remove() {
    try {
      await this.close();
      assert.deepEqual(this.complaints, [], `${this.name}'s page complained`);
    } finally {
      await this.context.close();
      await this.home.remove();
    }
  }
}
