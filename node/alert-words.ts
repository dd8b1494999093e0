import { formatDuration } from "../protocol/reason-words.ts";
import { type AlertKind, type AlertMessage, type AlertSubject, MAX_SUBJECTS } from "./alert-message.ts";
import { ALERT_RULES } from "./alert-rules.ts";
import type { Notice } from "./alert-watch.ts";
import type { AlertIdentity, AlertOutput } from "./alerting.ts";

/** Subjects that a text spells out; a chat's line is no table. */
const SPELLED = 8;

/**
 * A notice as the message that webhooks get.
 *
 * @example
 * formatNotice("feed-tripped", notice, { network: "main", node: { address, name: "alpha" }, at }).text;
 * // "[main alpha] 2 feeds tripped: disputed loans wait. BTC/USD: jump: …; ETH/USD: jump: …. What to do: /v1/breaker says more; …"
 */
export function formatNotice(kind: AlertKind, notice: Notice, context: AlertIdentity & { readonly at: number }): AlertOutput {
  const { network, node, at } = context;
  const { severity } = ALERT_RULES[kind];
  const subjects = [...notice.subjects];
  return {
    version: 1,
    at,
    network,
    node,
    kind,
    status: notice.status,
    severity,
    text: `[${network} ${node.name ?? node.address}] ${textOf(kind, notice, at)}`,
    subjects: subjects.slice(0, MAX_SUBJECTS),
    total: subjects.length,
    firing: notice.firing,
  };
}

function textOf(kind: AlertKind, { status, subjects, firing }: Notice, at: number): string {
  const { firing: words, resolved, advice } = ALERT_RULES[kind];
  const headline = headlineOf(subjects, status === "resolved" ? resolved : words);
  const told = subjects.slice(0, SPELLED).map((subject) => spell(subject, status, at));
  const more = subjects.length > SPELLED ? [`and ${subjects.length - SPELLED} more`] : [];
  const list = [...told, ...more].filter((part) => part !== "").join("; ");
  const details = list === "" ? "" : ` ${list}.`;
  if (status === "resolved") return `Resolved: ${headline}.${details}${firing > 0 ? ` ${firing} more last.` : ""}`;
  return `${status === "reminder" ? "Still: " : ""}${headline}.${details} What to do: ${advice}.`;
}

/** "3 feeds tripped …", "ETH/USD tripped …", or the words by themselves where there is nobody to name. */
function headlineOf(subjects: readonly AlertSubject[], words: string): string {
  const [first] = subjects;
  if (subjects.length > 1) return `${subjects.length} ${subjects.some(isMember) ? "members" : "feeds"} ${words}`;
  return first === undefined || first.subject === "" ? words : `${first.subject} ${words}`;
}

function isMember({ subject }: AlertSubject): boolean {
  return subject.startsWith("0x");
}

function spell({ subject, detail, since }: AlertSubject, status: AlertMessage["status"], at: number): string {
  const name = subject === "" ? "" : `${subject}: `;
  const lasted = formatDuration(Math.max(0, at - since));
  if (status === "resolved") return `${name}after ${lasted}`;
  return status === "reminder" ? `${name}${detail} (for ${lasted})` : `${name}${detail}`;
}
