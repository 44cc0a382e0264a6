//! Random numbers from a printed seed, so that a failing run can be told apart and repeated.

import { randomInt } from "node:crypto";

export class Dice {
  constructor(seed = Number(process.env.KILL_SEED ?? randomInt(2 ** 32))) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  /** From 0 up to but not including 1 (mulberry32). */
  fraction() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit) {
    return Math.floor(this.fraction() * limit);
  }

  one(list) {
    return list[this.below(list.length)];
  }
}
