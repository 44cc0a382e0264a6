//! The few WebDriver commands (https://www.w3.org/TR/webdriver2/) that the tests need.

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

  /** Like `call`, for a function that gives a promise. */
  callAsync(script, ...args) {
    const wait = `const done = arguments[arguments.length - 1]; (${script}).apply(null, arguments).then(done)`;
    return this.#ask("POST", "/execute/async", { script: wait, args });
  }

  click(element) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/click`, {});
  }

  /** Types into an element, at the end of what is there. */
  type(element, text) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/value`, { text });
  }

  clear(element) {
    return this.#ask("POST", `/element/${element[ELEMENT]}/clear`, {});
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
