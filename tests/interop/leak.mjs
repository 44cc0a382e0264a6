//! Finds secrets in files, however they are written there.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Base64 of `bytes` at each of the three alignments, without the characters that depend on neighbours. */
function base64Forms(bytes) {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64").replace(/=+$/, "");
    return text.slice(shift === 0 ? 0 : shift + 1, (shift + bytes.length) % 3 === 0 ? undefined : -1);
  });
}

/** Every way in which a secret may lie in a file: `{form: bytes}`. */
function forms(secret) {
  const bytes = Buffer.from(secret);
  const found = {
    raw: bytes,
    reversed: Buffer.from(bytes).reverse(),
    hex: Buffer.from(bytes.toString("hex")),
    HEX: Buffer.from(bytes.toString("hex").toUpperCase()),
  };
  for (const [shift, text] of base64Forms(bytes).entries()) {
    found[`base64, shifted by ${shift}`] = Buffer.from(text);
    found[`base64url, shifted by ${shift}`] = Buffer.from(text.replaceAll("+", "-").replaceAll("/", "_"));
  }
  for (const form of ["raw", "hex"]) {
    const wide = Buffer.from(found[form].toString("utf8"), "utf16le");
    found[`${form}, UTF-16LE`] = wide;
    found[`${form}, UTF-16BE`] = Buffer.from(wide).swap16();
  }
  return found;
}

/** All files below a folder. */
export async function files(path) {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/**
 * Looks for `secrets` (name to text or bytes) in all files below `path` and in their names.
 * Gives one line per find.
 */
export async function leaks(path, secrets) {
  const wanted = Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(forms(secret)).map(([form, bytes]) => ({ what: `${name} as ${form}`, bytes })),
  );
  const finds = [];
  for (const file of await files(path)) {
    const content = Buffer.concat([Buffer.from(file), Buffer.from([0]), await readFile(file)]);
    for (const { what, bytes } of wanted) if (content.includes(bytes)) finds.push(`${what} in ${file}`);
  }
  return finds;
}

/** Shannon entropy of a piece of data in bits per byte; 8 is what a good cipher gives. */
export function entropy(data) {
  const counts = new Array(256).fill(0);
  for (const byte of data) counts[byte] += 1;
  return -counts.reduce((sum, count) => (count ? sum + (count / data.length) * Math.log2(count / data.length) : sum), 0);
}
