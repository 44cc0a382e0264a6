//! conclave-node on ports of its own, with a database of its own.

import { join } from "node:path";

import { binary, folder, Program } from "./program.mjs";

export class Node {
  /** Starts a node; `env` reaches its process (for instance a shifted clock). */
  static async start({ env } = {}) {
    const node = new Node();
    node.home = await folder("node");
    node.env = env;
    await node.#launch("127.0.0.1:0");
    return node;
  }

  async #launch(listen) {
    this.program = new Program(
      binary("conclave-node"),
      ["--listen", listen, "--http-listen", "127.0.0.1:0", "--database", `sqlite:${join(this.home.path, "node.db")}`],
      { env: this.env },
    );
    const ready = JSON.parse(await this.program.line());
    if (ready.event !== "ready") throw new Error(`unexpected first line of conclave-node: ${JSON.stringify(ready)}`);
    this.address = ready.grpc;
    this.url = `http://${ready.grpc}`;
  }

  /** Ends the process, by SIGKILL where a crash is wanted, and starts it again on the same port. */
  async restart({ signal = "SIGTERM", env = this.env } = {}) {
    await this.program.end(signal);
    this.env = env;
    await this.#launch(this.address);
  }

  async stop() {
    const exit = await this.program.end();
    await this.home.remove();
    return exit;
  }
}
