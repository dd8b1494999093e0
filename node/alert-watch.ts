import type { AlertStatus, AlertSubject } from "./alert-message.ts";
import type { AlertRule } from "./alert-rules.ts";

/** After a message, what else happens of its kind within this time is one message; the time doubles with each, so that flapping is not a flood. */
export const SPACING_MS = 10_000;
const SPACING_CAP_MS = 5 * 60_000;
/** So long without a message, and the next one is told at once again. */
const CALM_MS = 30 * 60_000;
/** What lasts is told again after this, then after twice as long, and so on. */
export const REMINDER_MS = 15 * 60_000;
const REMINDER_CAP_MS = 24 * 3_600_000;

export type Finding = Omit<AlertSubject, "subject" | "since">;
export type Notice = { readonly status: AlertStatus; readonly subjects: readonly AlertSubject[]; readonly firing: number };

/** One kind of alert over its subjects: hysteresis by looks, then what is told is the difference from what was told. */
export type AlertWatch = {
  /** One look at a subject: a finding, or none. */
  readonly look: (subject: string, finding: Finding | undefined, now: number) => void;
  /** Subjects that are not among these exist no more. */
  readonly retain: (subjects: ReadonlySet<string>, now: number) => void;
  readonly isFiring: (subject: string) => boolean;
  readonly collect: (now: number) => readonly Notice[];
};

/** Memory grows with the subjects: feeds, chains and members of the config. */
export function createAlertWatch({ raiseAfter, clearAfter, quietMs }: AlertRule): AlertWatch {
  const streaks = new Map<string, number>();
  const active = new Map<string, AlertSubject>();
  const told = new Map<string, AlertSubject>();
  let toldAt: number | undefined;
  let spacingMs = SPACING_MS;
  let remindedAt = 0;
  let reminderMs = REMINDER_MS;

  const look: AlertWatch["look"] = (subject, finding, now) => {
    const known = active.get(subject);
    if ((known === undefined) === (finding === undefined)) {
      streaks.delete(subject);
      if (known !== undefined && finding !== undefined) active.set(subject, { ...finding, subject, since: known.since });
      return;
    }
    const streak = (streaks.get(subject) ?? 0) + 1;
    streaks.set(subject, streak);
    if (streak < (finding === undefined ? clearAfter : raiseAfter)) return;
    streaks.delete(subject);
    if (finding === undefined) active.delete(subject);
    else active.set(subject, { ...finding, subject, since: now });
  };

  /** What only happened is forgotten after its quiet time, without a word. */
  const forget = (now: number): void => {
    if (quietMs === undefined) return;
    for (const [subject, { since }] of active) {
      if (Math.abs(now - since) < quietMs) continue;
      active.delete(subject);
      told.delete(subject);
    }
  };

  const changes = (): readonly Notice[] => {
    const fresh = [...active.values()].filter(({ subject }) => !told.has(subject));
    const over = [...told.values()].filter(({ subject }) => !active.has(subject));
    for (const item of fresh) told.set(item.subject, item);
    for (const { subject } of over) told.delete(subject);
    return [
      ...(fresh.length > 0 ? [{ status: "firing" as const, subjects: fresh, firing: told.size }] : []),
      ...(over.length > 0 ? [{ status: "resolved" as const, subjects: over, firing: told.size }] : []),
    ];
  };

  const remind = (now: number): readonly Notice[] => {
    if (told.size === 0 || quietMs !== undefined || now - remindedAt < reminderMs) return [];
    remindedAt = now;
    reminderMs = Math.min(2 * reminderMs, REMINDER_CAP_MS);
    const subjects = [...told.keys()].flatMap((subject) => active.get(subject) ?? []);
    return subjects.length === 0 ? [] : [{ status: "reminder", subjects, firing: told.size }];
  };

  /** The first message after a calm is told at once, and what lasts is reminded of from then on. */
  const settle = (now: number): void => {
    const isCalm = toldAt === undefined || now - toldAt >= CALM_MS;
    spacingMs = isCalm ? SPACING_MS : Math.min(2 * spacingMs, SPACING_CAP_MS);
    toldAt = now;
  };

  return {
    look,
    retain: (subjects, now) => {
      for (const subject of [...streaks.keys()]) if (!subjects.has(subject) && !active.has(subject)) streaks.delete(subject);
      for (const subject of [...active.keys()]) if (!subjects.has(subject)) look(subject, undefined, now);
    },
    isFiring: (subject) => active.has(subject),
    collect: (now) => {
      // A clock that was set back does not silence what is told until it has come round again.
      if (toldAt !== undefined && now < toldAt) toldAt = now;
      remindedAt = Math.min(remindedAt, now);
      forget(now);
      if (toldAt !== undefined && now - toldAt < spacingMs) return [];
      const wasQuiet = told.size === 0;
      const changed = changes();
      if (changed.length === 0) return remind(now);
      settle(now);
      if (wasQuiet) {
        remindedAt = now;
        reminderMs = REMINDER_MS;
      }
      return changed;
    },
  };
}
