//! Roles, permissions, metadata, leaving, direct messages and consent, each by both engines; what is
//! found becomes docs/interop.md.

import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { changeTable, changeTests, fixedTable, fixedTests } from "./changes.mjs";
import { consentTable, consentTests } from "./consent.mjs";
import { Council } from "./council.mjs";
import { directTable, directTests } from "./direct.mjs";
import { Findings } from "./findings.mjs";
import { leaveTable, leaveTests } from "./leaving.mjs";
import { makingTable, makingTests } from "./making.mjs";
import { Node } from "./node.mjs";
import { Official } from "./official.mjs";
import { Ours, wallet } from "./ours.mjs";
import { permissionTable, permissionTests } from "./permissions.mjs";
import { ENGINES, ROLES } from "./words.mjs";

const MINUTE = 60_000;
const NAMES = {
  ours: { member: "Alix", admin: "Bo", super_admin: "Caro" },
  official: { member: "Davon", admin: "Eri", super_admin: "Fritz" },
};

const findings = new Findings();
const tables = {
  changes: changeTable(findings),
  making: makingTable(findings),
  permissions: permissionTable(findings),
  fixed: fixedTable(findings),
  leaving: leaveTable(findings),
  direct: directTable(findings),
  consent: consentTable(findings),
};

const { version } = JSON.parse(await readFile(new URL("node_modules/@xmtp/node-bindings/package.json", import.meta.url)));
const intro = `# What works with official clients

Written by \`tests/interop/roles.test.mjs\` from what it finds: it runs Conclave and the official engine (npm
\`@xmtp/node-bindings\` ${version}) as live peers over one \`conclave-node\`, and fails in CI where a cell below is no
longer so. \`CONCLAVE_WRITE_INTEROP=1 ./dev test interop\` writes this page anew.

*no command*: this version of the official engine has none for it; what Conclave sets is kept and does no harm there.
An official client of a version below a group's minimum pauses, keeps what it had and says which version it needs.
`;

describe("roles, permissions and metadata", { timeout: 15 * MINUTE }, () => {
  const people = { ours: {}, official: {} };
  const extras = {};
  const owners = [];
  let node;

  before(async () => {
    node = await Node.start();
    const person = async (engine, name) => {
      const one = await { ours: Ours, official: Official }[engine].create(`${name} (${engine})`, node.url, wallet());
      owners.push(one);
      return one;
    };
    for (const engine of ENGINES) {
      for (const role of ROLES) people[engine][role] = (await (await person(engine, NAMES[engine][role])).live()).actor;
    }
    extras.target = await person("official", "Gabi");
    extras.guest = await person("ours", "Hal");
  });

  after(async () => {
    for (const actor of Object.values(people.ours)) await actor.close();
    for (const one of owners) await one.close();
    await node?.stop();
  });

  for (const maker of ENGINES) {
    describe(`in a group that ${maker} made`, () => {
      let council;
      before(async () => {
        council = new Council(people, extras);
        await council.found(maker, `Council, made by ${maker}`);
      });
      changeTests(test, () => council, tables.changes);
      // Both engines set and try them; who made the group makes no difference to a policy.
      if (maker === "official") permissionTests(test, () => council, tables.permissions);
      fixedTests(test, () => council, tables.fixed);
    });
  }

  makingTests(test, () => people, tables.making);
  leaveTests(test, () => people, tables.leaving);
  directTests(test, () => people, () => extras.guest, tables.direct);
  consentTests(test, () => people, tables.consent);

  test("docs/interop.md says so", async () => findings.publish({ intro }));
});
