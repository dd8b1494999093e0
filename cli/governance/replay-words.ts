import { formatDuration } from "../../protocol/reason-words.ts";
import { formatTable } from "../table.ts";
import type { Replay } from "./node-api.ts";

type FeedRow = Replay["report"]["feeds"][number];
type Totals = FeedRow["before"];

const COLUMNS = [
  { title: "FEED", align: "left" },
  { title: "CHANGE", align: "left" },
  { title: "PAUSES", align: "right" },
  { title: "OPEN", align: "right" },
  { title: "NO LIQUIDATION", align: "right" },
  { title: "PRICE OFF BY UP TO", align: "right" },
] as const;

/** A replay report: each feed that a config changes before and after, the incidents that depend on it, and what speaks against it. */
export function describeReplay({ digest, report }: Replay): readonly string[] {
  const { from, to, rounds, feeds, incidents, refusals } = report;
  const touched = feeds.filter(({ change, before, after }) => change !== "none" || !isSame(before, after));
  const others = feeds.length - touched.length;
  return [
    `replay ${digest}: ${rounds} rounds, from ${from} to ${to}`,
    ...(touched.length === 0 ? [] : formatTable(COLUMNS, touched.map(rowOf))),
    ...(others === 0 ? [] : [`${others} other ${others === 1 ? "feed" : "feeds"}: the same as under the config in force`]),
    ...describeIncidents(incidents),
    ...(refusals.length === 0 ? ["nothing speaks against it"] : refusals.map((refusal) => `REFUSED: ${refusal}`)),
  ];
}

function describeIncidents(incidents: Replay["report"]["incidents"]): readonly string[] {
  if (incidents.length === 0) return ["incidents: none depends on what changes"];
  return [
    "incidents that depend on what changes:",
    ...incidents.map(
      ({ name, before, after }) => `  ${name}: ${before === after ? `${after}, both ways` : `${before}; then: ${after}`}`,
    ),
  ];
}

function rowOf({ feed, change, shadow, before, after }: FeedRow) {
  const both = (show: (totals: NonNullable<Totals>) => string): string => {
    const [was, is] = [before, after].map((totals) => (totals === null ? "–" : show(totals)));
    return was === is ? `${is}` : `${was} > ${is}`;
  };
  const off = shadow === null ? "–" : `${shadow.maxMoveBps} bps (${shadow.beyond} of ${shadow.rounds} beyond)`;
  return [
    feed,
    change,
    both(({ opens }) => String(opens)),
    both(({ openMs }) => formatDuration(openMs)),
    both(({ noneMs }) => formatDuration(noneMs)),
    off,
  ].map((text) => ({ text }));
}

function isSame(a: Totals, b: Totals): boolean {
  return a?.opens === b?.opens && a?.openMs === b?.openMs && a?.noneMs === b?.noneMs;
}
