import type { WanSettings } from "./run.ts";

/** What a case changes of the settings asked for. */
export type Case = Partial<Omit<WanSettings, "seed" | "rounds" | "costs" | "carried">>;

/** The table of docs/scale.md: what limits shows where one thing is changed at a time. */
export const CASES: readonly Case[] = [
  ...[7, 13, 31].flatMap((nodes) =>
    [100, 1_000].flatMap((feeds) => [0, 10_000].map((lossPpm): Case => ({ nodes, feeds, lossPpm }))),
  ),
  { roundMs: 2_000, lossPpm: 0 },
  ...[2_000, 3_000, 5_000].map((roundMs): Case => ({ roundMs })),
  { law: "bbr" },
  { law: "bbr", roundMs: 2_000 },
  { law: "bbr", roundMs: 2_000, mbitPerSecond: 100 },
  { lossPpm: 1_000 },
  { roundMs: 2_000, lossPpm: 1_000 },
  { roundMs: 2_000, mesh: { low: 2, high: 4 } },
  { roundMs: 3_000, mesh: { low: 2, high: 4 } },
];
