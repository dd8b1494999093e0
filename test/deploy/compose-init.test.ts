import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { composeCommand } from "../../cli/commands/compose.ts";
import { writeComposeFolder } from "../../cli/compose/folder.ts";
import { readNetworkFile, readNodeFile } from "../../cli/files.ts";
import { parseGatewayConfig } from "../../gateway/gateway-config.ts";
import { readKeyFile } from "../../node/io/keys.ts";
import { run, session } from "../cli/session.ts";
import { readCompose, readEnvironment, substitute, textOf } from "./files.ts";

const ME = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const QUICK = { name: "tried", owner: ME, giveAway: false, scryptN: 16 };

describe("compose-init", () => {
  let folder: string;
  let dir: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "breakwater-compose-init-"));
    dir = join(folder, "network");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("writes every file that docker-compose.yml mounts, and every data folder", async () => {
    await writeComposeFolder({ dir, ...QUICK });
    const environment = readEnvironment(readFileSync(join(dir, "compose.env"), "utf8"));
    expect(environment).toEqual({ BREAKWATER_DIR: dir, BREAKWATER_UID: String(ME.uid), BREAKWATER_GID: String(ME.gid) });
    const compose = readCompose(substitute(textOf("docker-compose.yml"), environment));
    for (const { file } of [...Object.values(compose.configs), ...Object.values(compose.secrets)])
      expect(statSync(file).isFile(), file).toBe(true);
    const binds = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.flatMap((volume) => (typeof volume === "string" ? [] : volume.source)),
    );
    expect(binds.length).toBe(8);
    for (const bind of binds) expect(statSync(bind).isDirectory(), bind).toBe(true);
  });

  it("lets nobody else read what is secret", async () => {
    await writeComposeFolder({ dir, ...QUICK });
    const open = ["compose.env", "network.yaml"];
    for (const path of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      const { mode } = statSync(join(dir, path));
      if (!open.includes(path)) expect([path, mode & 0o077]).toEqual([path, 0]);
    }
    expect(statSync(dir).mode & 0o077).toBe(0);
  });

  it("gives each node its own key, opened by its password, and a config that parses", async () => {
    const { config } = await writeComposeFolder({ dir, ...QUICK });
    expect(readNetworkFile(join(dir, "network.yaml")).config).toEqual(config);
    for (const { name, address } of config.committee) {
      const password = readFileSync(join(dir, "secrets", `${name}.password`), "utf8").trim();
      expect((await readKeyFile(join(dir, "secrets", `${name}.key.json`), password)).address).toBe(address);
      const node = readNodeFile(join(dir, "config", `${name}.yaml`));
      const others = config.committee.map((member) => member.address).filter((other) => other !== address);
      expect(node.peers.map((peer) => peer.address).toSorted()).toEqual(others.toSorted());
      expect(node.redis?.username).toBe(name);
    }
    for (const name of ["gateway0", "gateway1"]) {
      const parsed = parseGatewayConfig(parse(readFileSync(join(dir, "config", `${name}.yaml`), "utf8")));
      expect(parsed).toMatchObject({ ok: true, value: { follow: { redis: { username: name } }, limits: { redis: true } } });
    }
    expect(new Set(readdirSync(join(dir, "secrets")).map((file) => readFileSync(join(dir, "secrets", file), "utf8"))).size).toBe(
      readdirSync(join(dir, "secrets")).length,
    );
    expect(config.governance).toMatchObject({ quorum: 3, governors: { length: 5 }, guardians: { length: 3 } });
  });

  it("never writes into a folder that holds anything, and takes an empty one", async () => {
    mkdirSync(dir);
    await writeComposeFolder({ dir, ...QUICK });
    const before = readFileSync(join(dir, "secrets", "node0.key.json"), "utf8");
    await expect(writeComposeFolder({ dir, ...QUICK })).rejects.toMatchObject({ code: "exists" });
    expect(readFileSync(join(dir, "secrets", "node0.key.json"), "utf8")).toBe(before);
    expect(readdirSync(folder)).toEqual(["network"]);
  });

  it("leaves nothing behind when it cannot be done", async () => {
    await expect(writeComposeFolder({ dir, ...QUICK, name: "not a name" })).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, "file"), "");
    await expect(writeComposeFolder({ dir: join(folder, "file", "network"), ...QUICK })).rejects.toMatchObject({
      code: "unwritable",
    });
  });

  it.runIf(ME.uid === 0)("as root gives everything to the user that the containers run as", async () => {
    await writeComposeFolder({ dir, ...QUICK, owner: { uid: 10_001, gid: 10_001 }, giveAway: true });
    for (const path of ["", ...readdirSync(dir, { recursive: true, encoding: "utf8" })])
      expect([path, statSync(join(dir, path)).uid]).toEqual([path, 10_001]);
  });

  it("refuses a name that would mean something else in Redis", async () => {
    const terminal = session();
    await expect(run(composeCommand(terminal), "--dir", dir, "--name", "my network*")).rejects.toMatchObject({
      code: "bad-flag",
    });
    expect(existsSync(dir)).toBe(false);
  });
});
