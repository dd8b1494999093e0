import { z } from "zod";
import { RULES } from "../protocol/report.ts";

/** What a webhook tells of. A closed set: a receiver may branch on it. */
export const ALERT_KINDS = [
  /** A feed's or a chain's breaker opened; resolved when it has closed again. */
  "feed-tripped",
  /** This node and the peers it is connected to are fewer than a quorum. */
  "peers-lost",
  /** Certified rounds do not hold this node's observation. */
  "excluded",
  /** A feed has so few sources or provenance groups left at this node that one more loss takes its price. */
  "sources-decayed",
  /** This node has stopped signing for good. */
  "halted",
  /** The start-up quarantine does not end. */
  "quarantine",
  /** A member signed two things of one kind and round. Told once a signer and hour; never resolved. */
  "equivocation",
  /** No new certified round has come. */
  "no-certificate",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Subjects that one message names; `total` counts all. */
export const MAX_SUBJECTS = 50;

const subjectSchema = z.object({
  /** A feed (`ETH/USD`), a chain's leaf (`CHAIN/ETHEREUM`), a member's address; empty where the kind has one subject only, this node. */
  subject: z.string(),
  /** In words: what was measured against which limit. */
  detail: z.string(),
  /** Unix ms: when it began, as this node saw it. */
  since: z.int(),
  /** Of `feed-tripped`: the rules at work, each with the value it measured and its limit in one unit. */
  reasons: z
    .array(
      z.object({
        rule: z.enum(RULES),
        unit: z.enum(["Bps", "Ms", "Rounds", "Groups", "Points"]),
        measured: z.number(),
        limit: z.number(),
      }),
    )
    .optional(),
});

/**
 * The body of a webhook's POST: `text` is what Slack and Mattermost show, the rest is for programs. Fields may be added; parse it with
 * this schema, which leaves out what it does not know.
 *
 * @example
 * alertMessageSchema.parse(JSON.parse(body)).kind; // "feed-tripped"
 */
export const alertMessageSchema = z.object({
  version: z.literal(1),
  /** The same in every retry, and in the header `x-breakwater-delivery`: a receiver that has seen it may answer 200 and forget it. */
  id: z.string(),
  /** Unix ms: when this node decided to tell. */
  at: z.int(),
  network: z.string(),
  /** Who tells: address, and name where the committee has one. Every node tells what it sees itself. */
  node: z.object({ address: z.string(), name: z.string().optional() }),
  kind: z.enum(ALERT_KINDS),
  /** `firing`: these subjects are new. `resolved`: these are over. `reminder`: these have been told before and last. */
  status: z.enum(["firing", "resolved", "reminder"]),
  severity: z.enum(["warning", "critical"]),
  text: z.string(),
  subjects: z.array(subjectSchema).max(MAX_SUBJECTS),
  /** All that this message is about, those beyond `subjects` included. */
  total: z.int(),
  /** Of this kind, how many last after this message. */
  firing: z.int(),
});

export type AlertMessage = z.infer<typeof alertMessageSchema>;
export type AlertStatus = AlertMessage["status"];
export type AlertSubject = z.infer<typeof subjectSchema>;
