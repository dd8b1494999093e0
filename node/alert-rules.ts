import type { AlertKind, AlertMessage } from "./alert-message.ts";

/** How sure the machine must be before it tells, and how it speaks of it. Counted in looks: rounds, samples, or seconds of status. */
export type AlertRule = {
  readonly severity: AlertMessage["severity"];
  /** Looks in a row that must show it before it is told, and looks in a row without it before it is over. */
  readonly raiseAfter: number;
  readonly clearAfter: number;
  /** A happening, not a state: it is not told again for so long, and never resolved. */
  readonly quietMs?: number;
  /** After a count of subjects, or by itself where there is one only. */
  readonly firing: string;
  readonly resolved: string;
  /** What the operator can do about it. */
  readonly advice: string;
};

const HOUR_MS = 3_600_000;

export const ALERT_RULES: Readonly<Record<AlertKind, AlertRule>> = {
  "feed-tripped": {
    severity: "warning",
    raiseAfter: 1,
    clearAfter: 1,
    firing: "tripped: disputed loans wait",
    resolved: "cleared",
    advice: "/v1/breaker says more; if the market did not move, look at the sources of the feed",
  },
  "peers-lost": {
    severity: "critical",
    raiseAfter: 5,
    clearAfter: 5,
    firing: "too few peers for a quorum",
    resolved: "enough peers for a quorum again",
    advice: "look at this machine's network and firewall, then ask the other operators",
  },
  excluded: {
    severity: "warning",
    raiseAfter: 10,
    clearAfter: 3,
    firing: "this node's observations are not in the certified rounds",
    resolved: "this node's observations are in the certified rounds again",
    advice: "look at its clock, its round trips to the peers and breakwater_stage_seconds",
  },
  "sources-decayed": {
    severity: "warning",
    raiseAfter: 10,
    clearAfter: 10,
    firing: "one loss from being unpriced at this node",
    resolved: "well sourced again",
    advice: "/v1/feeds/…/sources names what was dropped and why",
  },
  halted: {
    severity: "critical",
    raiseAfter: 1,
    clearAfter: 1,
    firing: "this node has stopped signing for good",
    resolved: "this node signs again",
    advice: "find out who else holds its key before it is restarted",
  },
  quarantine: {
    severity: "critical",
    raiseAfter: 60,
    clearAfter: 1,
    firing: "this node does not leave its start-up quarantine",
    resolved: "this node has left its start-up quarantine",
    advice: "it needs the clocks of 2f + 1 nodes: look at its peers and at its own clock",
  },
  equivocation: {
    severity: "warning",
    raiseAfter: 1,
    clearAfter: 1,
    quietMs: HOUR_MS,
    firing: "signed two things of one kind and round",
    resolved: "",
    advice: "/v1/evidence has the proof; tell governance and the member's operator",
  },
  "no-certificate": {
    severity: "critical",
    raiseAfter: 1,
    clearAfter: 1,
    firing: "no certified round comes any more",
    resolved: "certified rounds come again",
    advice: "readers are told no once the lease ends; look at the log, the disk and the peers of this node, then at the others",
  },
};
