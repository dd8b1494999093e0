import type { Evidence } from "../../protocol/evidence.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import type { Transition } from "../../protocol/transition.ts";
import type { Follower, FollowOutput } from "../follower.ts";
import { REFUSAL_ADVICE } from "../following/advice.ts";
import { REFUSAL_CODES, type RefusalCode } from "../following/codes.ts";
import type { LogSource, OnEntry } from "../log.ts";
import type { GatewayLogger, GatewayPorts } from "../ports.ts";
import type { FollowMetrics } from "./follow-metrics.ts";

/** Where what was verified is kept; a node's stores fit. */
export type FollowStore = {
  readonly saveRound: (round: { readonly certified: CertifiedRound; readonly body: RoundBody }) => unknown;
  readonly saveDocument: (document: SignedDocument) => unknown;
  readonly saveTransition: (transition: Transition) => unknown;
  readonly saveEvidence: (evidence: Evidence) => unknown;
};

export type FollowShell = {
  /** Hand this to every reader. */
  readonly onEntry: OnEntry;
  /** A reader could make nothing of what a source sent. */
  readonly onGarbage: (from: LogSource, detail: string) => void;
  readonly subscribe: GatewayPorts["subscribe"];
};

/**
 * Does what the follower decides: keeps, then publishes each new head, and tells the operator what was refused and what to do about it. A
 * store that fails costs what it should have kept, which is then not published either, and not the process.
 */
export function createFollowShell({
  follower,
  store,
  metrics,
  log,
  now,
}: {
  readonly follower: Pick<Follower, "handle">;
  readonly store: FollowStore;
  readonly metrics: FollowMetrics;
  readonly log: GatewayLogger;
  readonly now: () => number;
}): FollowShell {
  const listeners = new Set<(round: CertifiedRound) => void>();
  const refusals = createRefusals(log);
  let failures = 0;

  const execute = (output: FollowOutput): void => {
    switch (output.kind) {
      case "counted":
        metrics.onEntry(output.from, output.code);
        if (isRefusal(output.code)) refusals.tell(output.from, output.code, output.detail);
        return;
      case "document":
        store.saveDocument(output.document);
        return;
      case "transition":
        store.saveTransition(output.transition);
        return;
      case "evidence":
        store.saveEvidence(output.evidence);
        return;
      case "round":
        store.saveRound(output);
        if (output.place !== "head") return;
        metrics.onHead(output.certified, now());
        for (const listener of listeners) listener(output.certified);
    }
  };
  const attempt = (output: FollowOutput): void => {
    try {
      execute(output);
      if (output.kind === "round") failures = 0;
    } catch (error) {
      failures += 1;
      if (Number.isInteger(Math.log2(failures))) {
        log.error(
          { err: error, failures },
          "what was verified could not be kept, so it is not served: look at the disk of storage.path",
        );
      }
    }
  };
  return {
    onEntry: (from, entry) => {
      for (const output of follower.handle({ from, entry }, now())) attempt(output);
    },
    onGarbage: (from, detail) => {
      metrics.onEntry(from, "malformed");
      refusals.tell(from, "malformed", detail);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** The 1st, 2nd, 4th, 8th of a kind from one source. */
function createRefusals(log: GatewayLogger): { readonly tell: (source: LogSource, code: RefusalCode, detail: string) => void } {
  const counts = new Map<string, number>();
  return {
    tell: (source, code, detail) => {
      const advice = REFUSAL_ADVICE[code];
      if (advice === undefined) return;
      const repeats = (counts.get(`${source} ${code}`) ?? 0) + 1;
      counts.set(`${source} ${code}`, repeats);
      if (Number.isInteger(Math.log2(repeats))) log.warn({ source, code, detail, repeats }, `${code}: ${advice}`);
    },
  };
}

function isRefusal(code: string): code is RefusalCode {
  return (REFUSAL_CODES as readonly string[]).includes(code);
}
