import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Abi, createTestClient, http, publicActions, walletActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const START_MS = 20_000;
/** anvil's first account, of its well-known mnemonic. */
const KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/** Loaded when it is asked for: it is 8 MB of JavaScript. */
type Solc = { compile: (input: string) => string };
type Compiled = { readonly abi: Abi; readonly bytecode: `0x${string}` };

/** The contracts beside this file, compiled here and now. */
export function compileContracts(): Readonly<Record<"Aggregator" | "Rates" | "Pool", Compiled>> {
  const solc = createRequire(import.meta.url)("solc") as Solc;
  const content = readFileSync(join(import.meta.dirname, "contracts", "References.sol"), "utf8");
  const settings = { outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
  const input = { language: "Solidity", sources: { "References.sol": { content } }, settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    errors?: { severity: string; formattedMessage: string }[];
    contracts: { "References.sol": Record<string, { abi: Abi; evm: { bytecode: { object: string } } }> };
  };
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  const of = (name: string): Compiled => {
    const contract = output.contracts["References.sol"][name];
    if (contract === undefined) throw new Error(`no contract ${name}`);
    return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
  };
  return { Aggregator: of("Aggregator"), Rates: of("Rates"), Pool: of("Pool") };
}

/** A real chain on a free port, ended by `stop`. Blocks come when transactions do, unless told otherwise. */
export async function startAnvil(args: readonly string[] = []) {
  // The command is a script that starts the program: both are in one group of their own, and end together.
  const child = spawn(join(ROOT, "node_modules", ".bin", "anvil"), ["--port", "0", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const reap = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", reap);
  const url = await new Promise<string>((resolve, reject) => {
    let printed = "";
    const timer = setTimeout(() => reject(new Error(`anvil does not start: ${printed}`)), START_MS);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`anvil ended with ${code}: ${printed}`)));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      const listening = /Listening on ([\d.]+:\d+)/.exec(printed);
      if (listening === null) return;
      clearTimeout(timer);
      resolve(`http://${listening[1]}`);
    });
  });
  const client = createTestClient({
    account: privateKeyToAccount(KEY),
    chain: foundry,
    mode: "anvil",
    transport: http(url),
    pollingInterval: 20,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions);
  const deploy = async ({ abi, bytecode }: Compiled, deployArgs: readonly unknown[] = []): Promise<`0x${string}`> => {
    const hash = await client.deployContract({ abi, bytecode, args: deployArgs });
    const { contractAddress } = await client.waitForTransactionReceipt({ hash });
    if (contractAddress === null || contractAddress === undefined) throw new Error("not deployed");
    return contractAddress.toLowerCase() as `0x${string}`;
  };
  return {
    url,
    client,
    deploy,
    stop: () =>
      new Promise<void>((resolve) => {
        process.off("exit", reap);
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        reap();
      }),
  };
}

export type Anvil = Awaited<ReturnType<typeof startAnvil>>;
