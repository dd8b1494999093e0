import { type Finding, failure, fine, warning } from "./finding.ts";

/** `own`: this very node holds it, as its answer proved. */
export type PortState =
  | { readonly kind: "free" }
  | { readonly kind: "own" }
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly reason: string };

export function judgePort(check: string, where: string, state: PortState): Finding {
  switch (state.kind) {
    case "free":
      return fine(check, `${where}: free; the node is not running`);
    case "own":
      return fine(check, `${where}: held by this node, which runs`);
    case "taken":
      return failure(check, `${where}: something else listens there`, "stop it, or choose another port");
    case "refused":
      return failure(
        check,
        `${where}: cannot be listened on: ${state.reason}`,
        "choose an address of this machine, and a port that this user may open",
      );
  }
}

/** What a node's or gateway's API says of its network; `reason` when it does not answer as one. */
export type ApiOutcome =
  | { readonly ok: true; readonly network: string; readonly genesisConfigDigest: string; readonly configDigest: string }
  | { readonly ok: false; readonly reason: string };

/** Whether another's API is of this network, and under the same config as `inForce`, the one that this node follows, where that is known. */
export function judgeApi(
  check: string,
  outcome: ApiOutcome,
  { genesis, inForce }: { readonly genesis: string; readonly inForce: string | undefined },
): Finding {
  if (!outcome.ok) return warning(check, outcome.reason, "nothing was compared with it");
  const { network, genesisConfigDigest, configDigest } = outcome;
  if (genesisConfigDigest !== genesis) {
    const measured = `network ${network}, genesis ${genesisConfigDigest}; this network.yaml is ${genesis}`;
    return failure(check, measured, "ask the members which file is theirs: with another genesis nothing that you sign counts");
  }
  if (inForce !== undefined && configDigest !== inForce) {
    const measured = `the same genesis, config in force ${configDigest}; here ${inForce}`;
    return warning(check, measured, "one of the two is behind a change of config; ask again in a minute");
  }
  return fine(check, `the same genesis ${genesis}${inForce === undefined ? "" : ", the same config in force"}`);
}
