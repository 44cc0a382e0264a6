//! Somebody without a screen, who lives by commands.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { binary, folder, run } from "../interop/program.mjs";

/** Runs a command on an account's folder; gives the lines it prints, decoded. */
export async function command({ data, keyFile }, words) {
  const { code, stdout, stderr } = await run(binary("conclave-cli"), ["--data", data, "--key-file", keyFile, "--json", ...words]);
  assert.equal(code, 0, `conclave-cli ${words.join(" ")}: ${stderr}`);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Makes a new identity in a folder and registers it with a node; gives the account. */
export async function register(place, url) {
  const [account] = await command(place, ["--node", url, "account", "create"]);
  return account;
}

export class Outsider {
  static async register(name, url) {
    const outsider = new Outsider();
    outsider.name = name;
    outsider.home = await folder(name);
    outsider.data = join(outsider.home.path, "account");
    outsider.keyFile = join(outsider.home.path, "database.key");
    await writeFile(outsider.keyFile, randomBytes(32).toString("hex"), { mode: 0o600 });
    const { address, inbox_id: inboxId } = await register(outsider, url);
    return Object.assign(outsider, { address, inboxId });
  }

  run(...words) {
    return command(this, words);
  }

  /** Begins a group and says something in it; gives its id. */
  async beginGroup(name, people, text) {
    const [{ id }] = await this.run("group", "create", "--name", name, ...people.map(({ address }) => address));
    await this.run("group", "send", id, text);
    return id;
  }

  /** The id of a conversation by its name. */
  async find(name) {
    await this.run("conversation", "sync-all");
    const found = (await this.run("conversation", "list")).find((one) => one.name === name);
    assert.ok(found, `${this.name} is in no group called ${name}`);
    return found.id;
  }

  remove() {
    return this.home.remove();
  }
}
