import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createKeyFile } from "../../node/io/keys.ts";
import { toFeedDocument } from "../../protocol/document.ts";
import { testKey } from "../support/network.ts";
import { certify, feedId, verdict } from "../support/rounds.ts";
import { closedPort, serve, writeNetwork } from "./served.ts";
import { MAIN, spawnCli } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-process-"));
const { path: networkFile, network } = writeNetwork(folder, "harbour");
const ROUND = Math.floor(Date.now() / 1_000);
const round = certify({ network, round: ROUND, verdicts: [verdict("ETH/USD", ROUND * 1_000)] });
const document = JSON.stringify(toFeedDocument({ round, feed: feedId("ETH/USD") }));
const keyFile = join(folder, "node.key.json");
const { address } = await createKeyFile(keyFile, "right", { n: 16, privateKey: testKey(0).privateKey });
const gateway = await serve(network, [round]);
const nobody = `http://127.0.0.1:${await closedPort()}`;
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the program", () => {
  it.each(["keys new", "keys show", "keys import", "init", "verify", "status"])("%s --help shows examples", async (command) => {
    const { code, stdout } = await spawnCli([...command.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^ {2}\\$ .*breakwater ${command}`, "m"));
  });

  it.each([
    ["a wrong password", ["keys", "show", keyFile, "--verify"], /node\.key\.json: wrong password/],
    ["a bad flag", ["init", "--name", "x", "--member", "a=1"], /--member: a: expected an address/],
    [
      "a changed document",
      ["verify", write("changed.json", document.replace("1800.125", "1800.126")), "--committee", networkFile],
      /fields/,
    ],
    ["a server that is away", ["status", "--once", "--url", nobody], /nothing listens there/],
  ])("answers %s with one line on standard error and exit code 1", async (_, args, expected) => {
    const { code, stderr } = await spawnCli(args, { environment: { BREAKWATER_PASSWORD: "wrong" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^breakwater: [^\n]+\n$/);
    expect(stderr).toMatch(expected);
  });

  it("ends with 0 and keeps results and remarks apart when all is well", async () => {
    const shown = await spawnCli(["keys", "show", keyFile, "--verify"], { environment: { BREAKWATER_PASSWORD: "right" } });
    expect(shown).toMatchObject({ code: 0, stdout: `${address}\n` });
    const digest = await spawnCli(["init", "--print-digest", networkFile]);
    expect(digest).toMatchObject({ code: 0, stdout: `${network.genesisConfigDigest}\n` });
    const verified = await spawnCli(["verify", "-", "--genesis", network.genesisConfigDigest, "--host", gateway.address], {
      stdin: document,
    });
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect((await spawnCli(["status", "--once", "--url", gateway.address])).code).toBe(0);
  });

  it("status ends with 0 on Ctrl-C", async () => {
    const child = spawn(process.execPath, [MAIN, "status", "--url", gateway.address], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.once("data", () => child.kill("SIGINT"));
    const code = await new Promise((resolve) => child.once("exit", (exit, signal) => resolve(exit ?? signal)));
    expect(code).toBe(0);
  });
});

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
