import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { catalogueOn, DEFAULT_BASKET } from "../../cli/catalogue.ts";
import { redisAclCommand } from "../../cli/commands/redis-acl.ts";
import { networkYaml } from "../../cli/templates.ts";
import { redisAcl } from "../../gateway/redis-acl.ts";
import { testKeys } from "../support/network.ts";
import { run, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-acl-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chains = [{ chain: "ETHEREUM", blockMs: 12_000 }];
const members = testKeys(4).map(({ address }, index) => ({ name: `node${index}`, address }));
const networkFile = join(folder, "network.yaml");
const password = (name: string): string => join(folder, `${name}.password`);
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

beforeAll(() => {
  const genesis = { network: "harbour", members, leaseMs: 60_000, chains, thresholds: {}, basket: DEFAULT_BASKET };
  writeFileSync(networkFile, networkYaml({ ...genesis, ...catalogueOn(chains) }));
  for (const name of ["node1", "edge"]) writeFileSync(password(name), `${name}'s own\n`, { mode: 0o600 });
});

it("prints the users of the members and gateways that are named, with their passwords' digests", async () => {
  const terminal = session();
  const named = ["--node", `node1=${password("node1")}`, "--gateway", `edge=${password("edge")}`];
  await run(redisAclCommand(terminal), "--network", networkFile, ...named);
  const address = members[1]?.address ?? "0x";
  const expected = redisAcl({
    network: "harbour",
    nodes: [{ username: "node1", address, passwordSha256: sha256("node1's own") }],
    gateways: [{ username: "edge", passwordSha256: sha256("edge's own") }],
  });
  expect(`${terminal.printed()}\n`).toBe(expected);
  expect(terminal.printed()).not.toContain("own");
});

it.each([
  ["a stranger", ["--node", `mallory=${password("node1")}`], /"mallory" is no member/],
  ["a name without a file", ["--gateway", "edge="], /expected name=file/],
  ["a file without a name", ["--gateway", password("edge")], /expected name=file/],
  ["one name twice", ["--node", `node1=${password("node1")}`, "--gateway", `node1=${password("edge")}`], /each username once/],
  ["a name that means more in an ACL file", ["--gateway", `a b=${password("edge")}`], /expected 1 to 64 of/],
  ["a file that is not there", ["--gateway", `edge=${password("nobody")}`], /nobody/],
])("refuses %s", async (_, flags, said) => {
  await expect(run(redisAclCommand(session()), "--network", networkFile, ...flags)).rejects.toThrow(said);
});
