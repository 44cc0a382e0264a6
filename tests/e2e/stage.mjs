//! What every story needs: a node, people at screens and without, and chapters.

import { Node } from "../interop/node.mjs";
import { Outsider, register } from "./outsider.mjs";
import { Person } from "./person.mjs";

/**
 * Runs `story(stage)` as subtests of `t` and ends everything it started. `prepare(name)` gives a
 * person's screen, not opened yet. The stage has a `node`; `chapter(name, work)` is one subtest;
 * `enter(name)` opens the app for somebody new, `settle(name)` for somebody who is registered already;
 * `outsider(name)` is somebody without a screen.
 */
export async function onStage(t, prepare, story) {
  const ends = [];
  const screens = [];
  const own = (thing, end) => {
    ends.push(() => thing[end]());
    return thing;
  };
  const screenOf = async (name) => {
    const screen = own(await prepare(name), "remove");
    screens.push(screen);
    return screen;
  };
  try {
    const node = own(await Node.start(), "stop");
    await story({
      node,
      chapter: chapters(t, screens),
      enter: async (name) => {
        const screen = await screenOf(name);
        await screen.open();
        return new Person(screen);
      },
      settle: async (name) => {
        const screen = await screenOf(name);
        await register(screen, node.url);
        await screen.open();
        const person = new Person(screen);
        await person.arrive();
        return person;
      },
      outsider: async (name) => own(await Outsider.register(name, node.url), "remove"),
    });
  } finally {
    // All of them end, whatever one says about it.
    const failures = (await Promise.allSettled(ends.reverse().map((end) => end()))).filter(({ reason }) => reason);
    if (failures.length > 0) throw failures[0].reason;
  }
}

/**
 * Runs chapters as subtests; after one that failed there is no story to go on with. What was on the
 * screens then is kept beside the other pictures.
 */
function chapters(t, screens) {
  return async (name, chapter) => {
    let told = false;
    await t.test(name, async (t) => {
      try {
        await chapter(t);
        told = true;
      } finally {
        if (!told) await Promise.allSettled(screens.map((screen) => screen.record("failed")));
      }
    });
    if (!told) throw new Error(`the story ends here: ${name}`);
  };
}
