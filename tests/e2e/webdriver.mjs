//! The few WebDriver commands (https://www.w3.org/TR/webdriver2/) that the tests need.

import { until } from "../interop/deadline.mjs";

/** The key under which the protocol hides a reference to an element. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Keys that are no characters, by the names Playwright gives them. */
const KEYS = {
  Control: "\uE009",
  Shift: "\uE008",
  Alt: "\uE00A",
  Enter: "\uE007",
  Backspace: "\uE003",
  Escape: "\uE00C",
  Tab: "\uE004",
  ArrowUp: "\uE013",
  ArrowDown: "\uE015",
  ArrowRight: "\uE014",
  Space: " ",
};

/** One session with a driver: one window. */
export class Session {
  #base;

  /** Has the driver at `url` start the program and waits until its page can be driven. */
  static async start(url, { binary, args }) {
    const session = new Session();
    session.#base = `${url}/session`;
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": { binary, args } } };
    const { sessionId } = await session.#ask("POST", "", { capabilities });
    session.#base = `${url}/session/${sessionId}`;
    await session.#ask("POST", "/timeouts", { script: 30_000 });
    return session;
  }

  async #ask(method, path, body) {
    const response = await fetch(this.#base + path, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }

  /** Calls a function in the page with arguments that can be written as JSON. */
  call(script, ...args) {
    return this.#ask("POST", "/execute/sync", { script: `return (${script}).apply(null, arguments)`, args });
  }

  /** Like `call`, for a function that gives a promise; throws what it is rejected with. */
  async callAsync(script, ...args) {
    const settle = "(value) => done({ value }), (error) => done({ error: String(error) })";
    const wait = `const done = arguments[arguments.length - 1]; (${script}).apply(null, arguments).then(${settle})`;
    const { value, error } = await this.#ask("POST", "/execute/async", { script: wait, args });
    if (error !== undefined && error !== null) throw new Error(error);
    return value;
  }

  click(element) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/click`, {});
  }

  /** Clicks twice as fast as an impatient hand. */
  async clickTwice(element) {
    const click = [{ type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 }];
    const move = { type: "pointerMove", origin: element, x: 0, y: 0 };
    await this.#ask("POST", "/actions", { actions: [{ type: "pointer", id: "mouse", actions: [move, ...click, ...click] }] });
  }

  /** Types into an element, at the end of what is there. */
  type(element, text) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/value`, { text });
  }

  clear(element) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/clear`, {});
  }

  /** Chooses an option of a select by its value. */
  async choose(select, value) {
    const option = await this.call((select, value) => [...select.options].find((one) => one.value === value), select, value);
    await this.click(option);
  }

  /** Gives the page a size, in CSS pixels, as a person does who drags the window's corner. */
  async resize({ width, height }) {
    const inner = await this.call(() => ({ width: innerWidth, height: innerHeight }));
    if (inner.width === width && inner.height === height) return;
    const outer = await this.#ask("GET", "/window/rect");
    const frame = { width: outer.width - inner.width, height: outer.height - inner.height };
    await this.#ask("POST", "/window/rect", { width: width + frame.width, height: height + frame.height });
    await until(`the page is ${width} by ${height}`, () =>
      this.call((width, height) => innerWidth === width && innerHeight === height, width, height),
    );
    // The page hears of it with its next frame.
    await this.callAsync(async () => {
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
    });
  }

  /** Presses a combination such as `Control+k` on what has the focus. */
  async press(combination) {
    const keys = combination.split("+").map((key) => KEYS[key] ?? key);
    const down = keys.map((value) => ({ type: "keyDown", value }));
    const up = keys.toReversed().map((value) => ({ type: "keyUp", value }));
    await this.#ask("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions: [...down, ...up] }] });
  }

  /** A picture of the page as PNG bytes. */
  async picture() {
    return Buffer.from(await this.#ask("GET", "/screenshot"), "base64");
  }

  /** Closes the window as a person does; the last window ends the program. */
  close() {
    return this.#ask("DELETE", "/window");
  }
}
