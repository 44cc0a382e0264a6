//! What the tests found, as the tables of docs/interop.md.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const path = join(root, "docs/interop.md");

export class Findings {
  #tables = [];

  /** Begins a table: `columns` are `{ key: heading }`; rows and cells come by `note`. */
  table(heading, text, first, columns) {
    const table = { heading, text, first, columns, rows: new Map() };
    this.#tables.push(table);
    return {
      /** Gives a row its place before anything is found for it. */
      row: (row) => table.rows.set(row, table.rows.get(row) ?? {}),
      /** Notes a cell. What is found twice, in groups of different makers for instance, is the same. */
      note: (row, column, value) => {
        assert.ok(column in columns, column);
        const cells = table.rows.get(row) ?? {};
        table.rows.set(row, cells);
        assert.equal(cells[column] ?? value, value, `${heading}: ${row}, ${columns[column]}`);
        cells[column] = value;
      },
    };
  }

  #render({ intro }) {
    const line = (cells) => `| ${cells.join(" | ")} |`;
    const tables = this.#tables.map(({ heading, text, first, columns, rows }) =>
      [
        `## ${heading}`,
        "",
        text,
        "",
        line([first, ...Object.values(columns)]),
        line([first, ...Object.values(columns)].map(() => "---")),
        ...[...rows].map(([row, cells]) => line([row, ...Object.keys(columns).map((column) => cells[column] ?? "–")])),
        "",
      ].join("\n"),
    );
    return [intro, ...tables].join("\n");
  }

  /** Compares with the committed page, or writes it where `CONCLAVE_WRITE_INTEROP=1` asks for that. */
  async publish(page) {
    const found = this.#render(page);
    if (process.env.CONCLAVE_WRITE_INTEROP === "1") await writeFile(path, found);
    assert.equal(await readFile(path, "utf8"), found, "docs/interop.md says what was found; CONCLAVE_WRITE_INTEROP=1 rewrites it");
  }
}
