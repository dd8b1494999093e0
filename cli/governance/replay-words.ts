import { formatTable } from "../table.ts";
import { formatDuration } from "../words.ts";
import type { Replay } from "./node-api.ts";

type FeedRow = Replay["report"]["feeds"][number];

const COLUMNS = [
  { title: "FEED", align: "left" },
  { title: "CHANGE", align: "left" },
  { title: "PAUSES", align: "right" },
  { title: "OPEN", align: "right" },
  { title: "NO LIQUIDATION", align: "right" },
  { title: "PRICE OFF BY UP TO", align: "right" },
] as const;

/** A replay report: each feed before and after, the incidents that come out otherwise, and what speaks against the config. */
export function describeReplay({ digest, report }: Replay): readonly string[] {
  const { from, to, rounds, feeds, incidents, refusals } = report;
  const otherwise = incidents.filter(({ before, after }) => before !== after);
  return [
    `replay ${digest}: ${rounds} rounds, from ${from} to ${to}`,
    ...formatTable(COLUMNS, feeds.map(rowOf)),
    incidents.length === 0
      ? "no incident was replayed"
      : `incidents: ${incidents.length}, ${otherwise.length} of them otherwise than under the config in force`,
    ...otherwise.map(({ name, before, after }) => `  ${name}: ${before}; then: ${after}`),
    ...(refusals.length === 0 ? ["nothing speaks against it"] : refusals.map((refusal) => `REFUSED: ${refusal}`)),
  ];
}

function rowOf({ feed, change, shadow, before, after }: FeedRow) {
  const both = (show: (totals: NonNullable<FeedRow["before"]>) => string) =>
    [before, after].map((totals) => (totals === null ? "–" : show(totals))).join(" > ");
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
