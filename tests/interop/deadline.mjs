//! Waiting: always for a condition, always with an end.

import { setTimeout as pause } from "node:timers/promises";

/**
 * Asks `probe` again and again until it gives something truthy, and returns that.
 * A probe that throws counts as "not yet"; at the deadline its last error is the cause.
 */
export async function until(what, probe, { seconds = 30, everyMs = 50 } = {}) {
  const end = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end) {
      throw new Error(`after ${seconds} s still not so: ${what}${last ? ` (${last.message})` : ""}`, { cause: last });
    }
    await pause(everyMs);
  }
}

/** The promise's value, or an error that names what was waited for. */
export async function within(what, promise, seconds = 30) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`after ${seconds} s still waiting for: ${what}`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
