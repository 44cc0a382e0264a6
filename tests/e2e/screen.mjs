//! What a person sees and does, whatever shows it: a real window or a browser's tab.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { until } from "../interop/deadline.mjs";

/** Where pictures go. */
export const OUTPUT = fileURLToPath(new URL("./output/", import.meta.url));
mkdirSync(OUTPUT, { recursive: true });

/** Sizes at which screens are looked at: about the least there is, and a large one. */
export const SIZES = [
  { width: 360, height: 640 },
  { width: 1400, height: 860 },
];
/** What people use most of the time. */
export const USUAL = { width: 1120, height: 760 };

/**
 * Names elements by their `data-testid`, other data attributes, and text they contain:
 * `at("message", { text: "Hello", delivery: "published" })`.
 */
export function at(testid, { text = null, ...data } = {}) {
  const attributes = Object.entries(data).map(([name, value]) => `[data-${name}="${value}"]`);
  return { css: `[data-testid="${testid}"]${attributes.join("")}`, text };
}

/** Names what lies inside of something: `inside(at("permission-row", { row: "name" }), "permission-select")`. */
export function inside(outer, inner) {
  const { css, text } = named(inner);
  return { css: `${named(outer).css} ${css}`, text };
}

/** Runs in the page: the visible elements that fit, as element references or described. */
export function find({ css, text }, described) {
  const fitting = [...document.querySelectorAll(css)].filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    const shown = width > 0 && height > 0 && getComputedStyle(element).visibility === "visible";
    return shown && (text === null || element.textContent.includes(text));
  });
  if (!described) return fitting;
  return fitting.map((element) => ({
    // What lies out of view and is not laid out has no inner text.
    text: element.innerText || element.textContent,
    value: element.value ?? null,
    disabled: element.disabled === true,
    // Not possible now, yet reachable, so that its reason can be read.
    denied: element.getAttribute("aria-disabled") === "true",
    checked: element.getAttribute("aria-checked") === "true",
    // Not `:focus`, which nothing is in a window that another one covers.
    focused: element.contains(document.activeElement),
    why: document.getElementById(element.getAttribute("aria-describedby"))?.innerText ?? null,
    data: { ...element.dataset },
  }));
}

/** What both kinds of screens share; they add `read`, `click`, `poke`, `reveal`, `clickTwice`, `fill`, `choose`, `press`, `resize`, `look` and `close`. */
export class Screen {
  /** Waits until elements that fit are there and gives them, described. */
  see(what, { seconds = 20, count = null, each = () => true } = {}) {
    const { css, text } = named(what);
    const wanted = `${this.name} sees ${count ?? "some"} ${css}${text === null ? "" : ` with “${text}”`}`;
    return until(
      wanted,
      async () => {
        const seen = (await this.read(named(what))).filter(each);
        return (count === null ? seen.length > 0 : seen.length === count) && seen;
      },
      { seconds },
    );
  }

  /** Waits until something that fits, or something within, has the focus. */
  seeFocused(what) {
    return this.see(what, { each: ({ focused }) => focused });
  }

  /** Waits until nothing fits any more. */
  async gone(what, options) {
    await this.see(what, { ...options, count: 0 });
  }

  /** Goes on with the Tab key until the focus is on something that fits; fails after so many stops. */
  async reach(what, { stops = 60 } = {}) {
    for (let stop = 0; stop < stops; stop++) {
      await this.press("Tab");
      if ((await this.read(named(what))).some(({ focused }) => focused)) return;
    }
    throw new Error(`${this.name} does not reach ${named(what).css} with ${stops} times Tab`);
  }

  /** Whether something fits right now. */
  async sees(what) {
    return (await this.read(named(what))).length > 0;
  }
}

export function named(what) {
  return typeof what === "string" ? at(what) : what;
}
