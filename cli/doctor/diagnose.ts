import { badFlag } from "../flags.ts";
import type { Terminal } from "../terminal.ts";
import { examineGateway } from "./examine-gateway.ts";
import { examineNode } from "./examine-node.ts";
import { type Finding, failure, fine, formatFindings, summarize } from "./finding.ts";

/** What package.json's `engines` says. */
const NODE_MAJOR = 24;

/** Prints what was found; false when anything fails. @throws OperationalError `bad-flag` */
export async function diagnose(
  {
    config,
    gateway,
    peerApi,
    json,
  }: { readonly config?: string; readonly gateway?: string; readonly peerApi: readonly string[]; readonly json?: true },
  terminal: Terminal,
): Promise<boolean> {
  const bad = peerApi.find((url) => !/^https?:\/\//.test(url) || !URL.canParse(url));
  if (bad !== undefined) throw badFlag("--peer-api", `expected an http or https URL, found "${bad}"`);
  if ((config === undefined) === (gateway === undefined))
    throw badFlag("--config", "expected a node.yaml, or --gateway with a gateway.yaml");
  const surroundings = { environment: terminal.environment, now: terminal.now, peerApis: peerApi };
  const examined = config === undefined ? examineGateway(gateway ?? "", surroundings) : examineNode(config, surroundings);
  const findings = [judgeRuntime(process.versions.node), ...(await examined)];
  const ok = findings.every(({ verdict }) => verdict !== "fail");
  if (json === true) terminal.out(JSON.stringify({ ok, findings }, null, 2));
  else {
    for (const line of formatFindings(findings)) terminal.out(line);
    terminal.note(summarize(findings));
  }
  return ok;
}

/** @example judgeRuntime("24.3.0"); // { verdict: "ok", check: "runtime", measured: "Node 24.3.0" } */
export function judgeRuntime(version: string): Finding {
  const major = Number(/^\d+/.exec(version)?.[0]);
  if (major >= NODE_MAJOR) return fine("runtime", `Node ${version}`);
  return failure("runtime", `Node ${version}`, `install Node ${NODE_MAJOR} or later`);
}
