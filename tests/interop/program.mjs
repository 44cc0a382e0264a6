//! Our binaries as child processes. None outlives the test process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { within } from "./deadline.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/** Path of one of our binaries: from $CONCLAVE_BIN, else from target/debug. */
export function binary(name) {
  const path = join(process.env.CONCLAVE_BIN ?? join(root, "target/debug"), name);
  if (!existsSync(path)) throw new Error(`${path} is not there: build it, or set CONCLAVE_BIN to the folder that has it`);
  return path;
}

/** A fresh temporary folder that goes away with `remove()`. */
export async function folder(name) {
  const path = await mkdtemp(join(tmpdir(), `conclave-${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The environment that makes a program believe its clock is off, by faketime's notation ("-1d"). */
export function shiftedClock(shift) {
  const library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
    .map((folder) => join(folder, "faketime/libfaketime.so.1"))
    .find((path) => existsSync(path));
  if (!library) throw new Error("libfaketime is not there: install the package faketime");
  // Only the wall clock: timers and time-outs run on the monotonic one.
  return { LD_PRELOAD: library, FAKETIME: shift, DONT_FAKE_MONOTONIC: "1" };
}

/** A long-lived child process, read line by line. */
export class Program {
  #waiting = [];
  stderr = "";
  lines = [];

  constructor(path, args, { env = {} } = {}) {
    this.name = path.split("/").pop();
    this.child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    running.add(this.child);
    this.child.stderr.setEncoding("utf8").on("data", (text) => {
      // Enough to explain a failure, bounded for programs that run long.
      this.stderr = (this.stderr + text).slice(-1_000_000);
    });
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      this.lines.push(line);
      for (const check of [...this.#waiting]) check();
    });
    this.exited = once(this.child, "close").then(([code, signal]) => {
      running.delete(this.child);
      this.exit = { code, signal };
      for (const check of [...this.#waiting]) check();
      return this.exit;
    });
  }

  /** The first line that `accept` takes; fails when the program ends before. */
  line(accept = () => true, seconds = 30) {
    const found = new Promise((done, fail) => {
      const check = () => {
        const line = this.lines.find(accept);
        if (line === undefined && !this.exit) return;
        this.#waiting = this.#waiting.filter((other) => other !== check);
        if (line !== undefined) done(line);
        else fail(new Error(`${this.name} ended with ${JSON.stringify(this.exit)}: ${this.stderr}`));
      };
      this.#waiting.push(check);
      check();
    });
    return within(`a line of ${this.name}`, found, seconds);
  }

  /** Sends a signal and waits for the end. */
  async end(signal = "SIGTERM") {
    if (!this.exit) this.child.kill(signal);
    return within(`the end of ${this.name} after ${signal}`, this.exited, 15);
  }
}

/** Runs a program to its end and gives `{code, stdout, stderr}`. */
export async function run(path, args, { env = {}, input, seconds = 120 } = {}) {
  const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  child.stdin.on("error", () => {}); // it may end without reading its input
  child.stdin.end(input ?? "");
  try {
    const [code, signal] = await within(`${path} ${args.join(" ")}`, once(child, "close"), seconds);
    return { code, signal, stdout, stderr };
  } finally {
    child.kill("SIGKILL");
    running.delete(child);
  }
}
