//! Processes as the kernel lists them.

import { readdirSync, readFileSync } from "node:fs";

/** A process and all that descend from it, parents first. */
export function family(pid) {
  const children = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(Number(entry));
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [pid];
  for (const one of found) found.push(...(children.get(one) ?? []));
  return found;
}

/** Whether the process is there and does more than wait to be reaped. */
export function isAlive(pid) {
  const fields = stat(pid);
  return fields !== null && fields[0] !== "Z";
}

/** Memory of a process in bytes, with a fair share of what it shares. */
export function memory(pid) {
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(kilobytes) * 1024;
}

/** Processor time that a process has used; 0 once it has ended. */
export function cpuSeconds(pid) {
  const fields = stat(pid);
  // In ticks, of which Linux shows programs 100 a second on every machine.
  return fields === null ? 0 : (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Name of a process, cut by the kernel after 15 characters. */
export function nameOf(pid) {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

function parentOf(pid) {
  const fields = stat(pid);
  return fields === null ? null : Number(fields[1]);
}

/** Fields of `/proc/PID/stat` from the state on; the name before them may hold anything. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null; // it has ended meanwhile
  }
}
