//! Looks into a database that another program, or another library of this process, holds open.

import { copyFile } from "node:fs/promises";
import { existsSync } from "node:fs";

import sqlite from "node-sqlite3-wasm";

/**
 * Runs `work` on a copy of the SQLite database at `path`, with its write-ahead log; the copy is left at
 * `copy` and overwritten by the next. A copy made in the midst of a transaction may lack it, or be
 * unreadable: who asks says what it must contain, and asks again.
 */
export async function snapshot(path, copy, work) {
  for (const suffix of ["", "-wal"]) {
    if (existsSync(path + suffix)) await copyFile(path + suffix, copy + suffix);
  }
  const database = new sqlite.Database(copy);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE"); // the only mode in which WAL needs no shared memory
    return work(database);
  } finally {
    database.close();
  }
}
