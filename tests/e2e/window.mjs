//! The app in its real window, driven through WebKitWebDriver.

import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

import { until, within } from "../interop/deadline.mjs";
import { binary, folder, Program } from "../interop/program.mjs";
import { family, isAlive } from "./processes.mjs";
import { find, named, OUTPUT, Screen, SIZES } from "./screen.mjs";
import { Session } from "./webdriver.mjs";

const DRIVER = "/usr/bin/WebKitWebDriver";
/** Programs that a driver has started; none outlives the tests. */
const apps = new Set();
process.on("exit", () => {
  for (const pid of apps) if (isAlive(pid)) process.kill(pid, "SIGKILL");
});

export class Window extends Screen {
  /** Prepares a home of its own for a person: data folder, database key, and all that a desktop keeps. */
  static async prepare(name) {
    if (!process.env.DISPLAY) throw new Error("There is no screen: run the tests with ./dev test e2e");
    const window = new Window();
    window.name = name;
    window.home = await folder(`window-${name}`);
    window.data = join(window.home.path, "account");
    window.keyFile = join(window.home.path, "database.key");
    await writeFile(window.keyFile, randomBytes(32).toString("hex"), { mode: 0o600 });
    return window;
  }

  /** Starts the app, or another program with a page, and waits until its page can be driven. */
  async open({ program = binary("conclave"), args = ["--data", this.data, "--key-file", this.keyFile], env = {} } = {}) {
    const home = { XDG_DATA_HOME: "data", XDG_CONFIG_HOME: "config", XDG_CACHE_HOME: "cache" };
    for (const [variable, place] of Object.entries(home)) {
      home[variable] = join(this.home.path, place);
      await mkdir(home[variable], { recursive: true });
    }
    const port = await freePort();
    this.driver = new Program(DRIVER, [`--port=${port}`], {
      env: { ...home, TAURI_AUTOMATION: "true", TAURI_WEBVIEW_AUTOMATION: "true", ...env },
    });
    const url = `http://127.0.0.1:${port}`;
    await until("WebKitWebDriver listens", async () => (await fetch(`${url}/status`)).ok, { everyMs: 10 });
    this.started = performance.timeOrigin + performance.now();
    const starting = Session.start(url, { binary: program, args });
    // Known from its first moment, so that it is ended whatever becomes of the session.
    starting.catch(() => {});
    try {
      this.pid = await until(`${this.name}'s app starts`, () => family(this.driver.child.pid)[1], { everyMs: 10 });
      apps.add(this.pid);
      this.session = await starting;
    } catch (error) {
      throw new Error(`${error.message}\n${this.driver.stderr}`, { cause: error });
    }
  }

  read(what) {
    return this.session.call(find, what, true);
  }

  /**
   * Uses the first element that fits as soon as it can be used. What moves or is replaced in between
   * is looked for again.
   */
  #use(what, action) {
    return until(
      `${this.name} can use ${named(what).css}`,
      async () => {
        const [described] = await this.read(named(what));
        if (described === undefined || described.disabled) return false;
        const [element] = await this.session.call(find, named(what), false);
        await action(element);
        return true;
      },
      { seconds: 20 },
    );
  }

  async click(what) {
    await this.#use(what, (element) => this.session.click(element));
  }

  /** Scrolls until something is in view. */
  async reveal(what) {
    await this.#use(what, (element) => this.session.call((element) => element.scrollIntoView({ block: "nearest" }), element));
  }

  /** Clicks on something even if it says that it is disabled. */
  async poke(what) {
    await this.click(what);
  }

  async clickTwice(what) {
    await this.#use(what, (element) => this.session.clickTwice(element));
  }

  /** Gives the page a size, in CSS pixels. */
  async resize(size) {
    await this.session.resize(size);
  }

  /** Replaces what a field holds. */
  async fill(what, text) {
    await this.#use(what, async (element) => {
      await this.session.clear(element);
      await this.session.type(element, text);
    });
  }

  /** Chooses an option of a select by its value. */
  async choose(what, value) {
    await this.#use(what, (element) => this.session.choose(element, value));
  }

  /** Presses keys on what has the focus. */
  async press(...combinations) {
    for (const one of combinations) await this.session.press(one);
  }

  /** Types text where the focus is. The driver leaves out characters above U+FFFF. */
  async type(text) {
    await this.session.type(await this.session.call(() => document.activeElement), text);
  }

  /**
   * Takes pictures narrow and wide, light and dark. `prepare` opens again what a change of size closes.
   */
  async look(name, { prepare = () => {} } = {}) {
    const usual = await this.session.call(() => ({ width: innerWidth, height: innerHeight }));
    for (const size of SIZES) {
      await this.session.resize(size);
      await prepare();
      for (const theme of ["light", "dark"]) {
        await this.session.callAsync(async (theme) => {
          const root = document.documentElement;
          root.dataset.themeBefore ??= root.dataset.theme ?? "";
          root.dataset.theme = theme;
          // The picture shows the last frame that was drawn: two later it is the one with the theme.
          await new Promise(requestAnimationFrame);
          await new Promise(requestAnimationFrame);
          // One that is taken away before its end is over as well.
          const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity);
          await Promise.allSettled(ending.map(({ finished }) => finished));
        }, theme);
        await writeFile(join(OUTPUT, `window-${name}-${size.width}-${theme}.png`), await this.session.picture());
      }
    }
    await this.session.call(() => {
      const { dataset } = document.documentElement;
      if (dataset.themeBefore === "") delete dataset.theme;
      else dataset.theme = dataset.themeBefore;
      delete dataset.themeBefore;
    });
    await this.session.resize(usual);
  }

  /** Keeps what is on the screen now, and the app's log. */
  async record(label) {
    await writeFile(join(OUTPUT, `window-${label}-${this.name}.log`), this.driver.stderr);
    await writeFile(join(OUTPUT, `window-${label}-${this.name}.png`), await this.session.picture());
  }

  theme() {
    return this.session.call(() => document.documentElement.dataset.theme ?? "system");
  }

  /** Closes the window and waits until the app and everything it started has ended. */
  async close() {
    if (this.driver === undefined) return;
    try {
      const all = this.pid === undefined ? [] : family(this.pid);
      // A session that never came to be has no window.
      if (this.session !== undefined) {
        await within(`${this.name}'s window closes`, this.session.close(), 15);
        await until(`${this.name}'s app ends`, () => !all.some(isAlive));
      }
    } finally {
      if (this.pid !== undefined && isAlive(this.pid)) process.kill(this.pid, "SIGKILL");
      apps.delete(this.pid);
      await this.driver.end();
      this.driver = this.session = this.pid = undefined;
    }
  }

  /** Kills the app as a crash or a power cut does; it can be opened again. */
  async kill() {
    const all = family(this.pid);
    process.kill(this.pid, "SIGKILL");
    await until(`${this.name}'s app is dead`, () => !isAlive(this.pid));
    apps.delete(this.pid);
    await this.driver.end();
    await until(`what ${this.name}'s app had started ends`, () => !all.some(isAlive));
    this.driver = this.session = this.pid = undefined;
  }

  /** Ends everything and forgets the person. */
  async remove() {
    try {
      await this.close();
    } finally {
      await this.home.remove();
    }
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}
