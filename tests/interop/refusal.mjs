//! How a command must fail.

import assert from "node:assert/strict";

import { Failure } from "./ours.mjs";

/** Words that only a programmer understands; a sentence for a person has none of them. */
const JARGON = /\b(panicked|unwrap|Err\(|Some\(|None\b|RUST_BACKTRACE|tonic|hyper|openmls|diesel|h2 )/i;

/**
 * Waits for a command to fail with exactly this exit code (null where no process ends) and error code,
 * and a sentence that matches. Gives the failure.
 */
export async function refuses(command, { exit = 1, code, sentence, retryable }) {
  const failure = await command.then(
    (value) => assert.fail(`this must fail with ${code}, but gave ${JSON.stringify(value)}`),
    (error) => error,
  );
  assert.ok(failure instanceof Failure, `not an error object: ${failure.stack}`);
  assert.equal(failure.code, code, failure.sentence);
  assert.equal(failure.exit, exit);
  assert.match(failure.sentence, sentence);
  assert.match(failure.sentence, /^.{15,}[.!?]$/s, "a whole sentence");
  assert.doesNotMatch(failure.sentence, JARGON);
  if (retryable !== undefined) assert.equal(failure.retryable, retryable, `retryable of ${code}`);
  return failure;
}
