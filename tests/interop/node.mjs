//! conclave-node on ports of its own, with a database of its own.

import { join } from "node:path";

import { binary, folder, Program } from "./program.mjs";
import { snapshot } from "./snapshot.mjs";

/** MLS epoch of a PrivateMessage (RFC 9420, 6 and 6.3): version and wire format, group id, then the epoch. */
function epochOf(data) {
  const bytes = Buffer.from(data);
  if (bytes.readUInt32BE(0) !== 0x0001_0002 || bytes[4] >= 64) throw new Error("not a PrivateMessage of a short group id");
  return Number(bytes.readBigUInt64BE(5 + bytes[4]));
}

export class Node {
  /** Starts a node; `env` reaches its process (for instance a shifted clock). */
  static async start({ env } = {}) {
    const node = new Node();
    node.home = await folder("node");
    node.env = env;
    await node.#launch("127.0.0.1:0", "127.0.0.1:0");
    return node;
  }

  async #launch(listen, httpListen) {
    this.program = new Program(
      binary("conclave-node"),
      ["--listen", listen, "--http-listen", httpListen, "--database", `sqlite:${join(this.home.path, "node.db")}`],
      { env: this.env },
    );
    const ready = JSON.parse(await this.program.line());
    if (ready.event !== "ready") throw new Error(`unexpected first line of conclave-node: ${JSON.stringify(ready)}`);
    this.address = ready.grpc;
    this.httpAddress = ready.http;
    this.url = `http://${ready.grpc}`;
  }

  /** Ends the process, by SIGKILL where a crash is wanted, and starts it again on the same ports. */
  async restart({ signal = "SIGTERM", env = this.env } = {}) {
    await this.program.end(signal);
    this.env = env;
    await this.#launch(this.address, this.httpAddress);
  }

  /** What the node keeps of a group, in its order: `{ sentAtNs, isCommit, epoch }` of each envelope. */
  async envelopes(groupId) {
    const database = join(this.home.path, "node.db");
    const rows = await snapshot(database, join(this.home.path, "copy.db"), (copy) =>
      copy.all("SELECT CAST(created_ns AS TEXT) AS at, is_commit, data FROM group_messages WHERE group_id = ? ORDER BY id", [
        Buffer.from(groupId, "hex"),
      ]),
    );
    return rows.map(({ at, is_commit, data }) => ({ sentAtNs: at, isCommit: is_commit === 1, epoch: epochOf(data) }));
  }

  async stop() {
    const exit = await this.program.end();
    await this.home.remove();
    return exit;
  }
}
