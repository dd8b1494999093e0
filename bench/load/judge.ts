import { isDisturbed, type Plan } from "./plan.ts";

/** A round certified so shortly before the end may still be under way. */
const TAIL_MS = 5_000;

export type Evidence = {
  readonly plan: Plan;
  /** Unix ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly roundMs: number;
  readonly leaseMs: number;
  /** Round → when a node first had it, Unix ms; rounds off the walk left out. */
  readonly certified: ReadonlyMap<number, number>;
  readonly accounts: readonly { readonly rounds: readonly number[]; readonly lags: readonly number[] }[];
};

/** Ms; undefined where nothing was measured. */
export type Spread = { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number } | undefined;

export type Judgement = {
  /** Rounds that a reader never had though their leases still ran when it was given a later one. */
  readonly lost: number;
  /** Readers with such a round. */
  readonly losers: number;
  /** The first few, in words. */
  readonly told: readonly string[];
  /** Rounds whose leases had ended before the reader could be given anything: told as changes, never as prices. */
  readonly passedOver: number;
  /** Readers that were never given a round. */
  readonly silent: number;
  readonly delivered: number;
  readonly behindCertificate: {
    readonly calm: Spread;
    readonly all: Spread;
    readonly beforeFrozen: Spread;
    readonly withFrozen: Spread;
  };
  readonly behindTimestamp: { readonly calm: Spread; readonly all: Spread };
};

const MAX_TOLD = 10;

/**
 * What was missed and how late the rest was. A round counts as lost when its lease still ran at the instant at which the reader was given
 * a later one, or the run ended: whoever served it then had to serve the earlier one first.
 */
export function judge(evidence: Evidence): Judgement {
  const { accounts } = evidence;
  const walk = [...evidence.certified.keys()].sort((a, b) => a - b);
  const told: string[] = [];
  let [lost, losers, passedOver] = [0, 0, 0];
  for (const [reader, account] of accounts.entries()) {
    const missed = missedBy(account, walk, evidence);
    lost += missed.lost.length;
    passedOver += missed.passedOver;
    if (missed.lost.length === 0) continue;
    losers += 1;
    if (told.length < MAX_TOLD) told.push(`reader ${reader} lost ${missed.lost.length}: ${missed.lost.slice(0, 5).join(", ")}`);
  }
  return {
    ...{ lost, losers, told, passedOver, ...lateness(evidence) },
    silent: accounts.filter(({ rounds }) => rounds.length === 0).length,
    delivered: accounts.reduce((sum, { rounds }) => sum + rounds.length, 0),
  };
}

function missedBy(
  { rounds, lags }: Evidence["accounts"][number],
  walk: readonly number[],
  { roundMs, leaseMs, endedAt, certified }: Evidence,
): { readonly lost: readonly number[]; readonly passedOver: number } {
  const lost: number[] = [];
  let [next, passedOver] = [walk.findIndex((round) => round > (rounds[0] ?? Number.POSITIVE_INFINITY)), 0];
  if (next < 0) return { lost, passedOver };
  for (const [index, round] of rounds.entries()) {
    const givenAt = round * roundMs + (lags[index] ?? 0);
    for (let missing = walk[next]; missing !== undefined && missing < round; missing = walk[++next]) {
      if (missing * roundMs + leaseMs >= givenAt) lost.push(missing);
      else passedOver += 1;
    }
    if (walk[next] === round) next += 1;
  }
  const due = (round: number): boolean => (certified.get(round) ?? endedAt) < endedAt - TAIL_MS;
  return { lost: [...lost, ...walk.slice(next).filter(due)], passedOver };
}

function lateness({ plan, startedAt, roundMs, certified, accounts }: Evidence) {
  const behind = { calm: [] as number[], all: [] as number[], beforeFrozen: [] as number[], withFrozen: [] as number[] };
  const after = { calm: [] as number[], all: [] as number[] };
  const firstOutage = plan.outages[0]?.killAt ?? plan.durationMs;
  for (const { rounds, lags } of accounts) {
    for (const [index, round] of rounds.entries()) {
      const certifiedAt = certified.get(round);
      const sinceStart = (certifiedAt ?? 0) - startedAt;
      if (certifiedAt === undefined || sinceStart < plan.steadyAt) continue;
      const lag = lags[index] ?? 0;
      const late = Math.max(0, round * roundMs + lag - certifiedAt);
      behind.all.push(late);
      after.all.push(lag);
      if (isDisturbed(plan, sinceStart)) continue;
      behind.calm.push(late);
      after.calm.push(lag);
      if (sinceStart < plan.frozenAt) behind.beforeFrozen.push(late);
      else if (sinceStart < firstOutage) behind.withFrozen.push(late);
    }
  }
  return {
    behindCertificate: {
      ...{ calm: spread(behind.calm), all: spread(behind.all) },
      ...{ beforeFrozen: spread(behind.beforeFrozen), withFrozen: spread(behind.withFrozen) },
    },
    behindTimestamp: { calm: spread(after.calm), all: spread(after.all) },
  };
}

/** By nearest rank: each is a value that was measured. */
export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return sorted.length === 0 ? undefined : { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
