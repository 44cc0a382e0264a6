//! What a person sees and does, whatever shows it: a real window or a browser's tab.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { until } from "../interop/deadline.mjs";

/** Where pictures go. */
export const OUTPUT = fileURLToPath(new URL("./output/", import.meta.url));
mkdirSync(OUTPUT, { recursive: true });

/**
 * Names elements by their `data-testid`, other data attributes, and text they contain:
 * `at("message", { text: "Hello", delivery: "published" })`.
 */
export function at(testid, { text = null, ...data } = {}) {
  const attributes = Object.entries(data).map(([name, value]) => `[data-${name}="${value}"]`);
  return { css: `[data-testid="${testid}"]${attributes.join("")}`, text };
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
    text: element.innerText ?? element.textContent,
    value: element.value ?? null,
    disabled: element.disabled === true,
    data: { ...element.dataset },
  }));
}

/** What both kinds of screens share; they add `read`, `click`, `fill`, `press`, `look` and `close`. */
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

  /** Waits until nothing fits any more. */
  async gone(what, options) {
    await this.see(what, { ...options, count: 0 });
  }

  /** Whether something fits right now. */
  async sees(what) {
    return (await this.read(named(what))).length > 0;
  }
}

export function named(what) {
  return typeof what === "string" ? at(what) : what;
}
