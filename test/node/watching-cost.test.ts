import { expect, it } from "vitest";
import type { NodePrice } from "../../aggregator/price.ts";
import { createInclusion } from "../../node/inclusion.ts";
import { createAlerts } from "../../node/io/alerts.ts";
import { createJournal } from "../../node/io/journal.ts";
import { createLog } from "../../node/io/log.ts";
import { createNodeMetrics } from "../../node/io/metrics.ts";
import { createStageTimer, type Stage } from "../../node/io/stages.ts";
import { TOPICS } from "../../node/machine.ts";
import { toHex } from "../../protocol/bytes.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { certify, networkOf, verdict } from "../support/rounds.ts";

const FEEDS = 15;
const ROUNDS = 400;
const WARM_ROUNDS = 100;
/** Of one core, at one round a second. */
const MAX_SHARE = 0.02;
const PER_ROUND: readonly Stage[] = ["sample", "recompute", "save", "publish"];

/** Everything that a node of fifteen feeds does in one round to be watched, a scrape every fifteen rounds among it. */
function watchedNode() {
  const feeds = Array.from({ length: FEEDS }, (_, index) => `F${index}/USD`);
  const network = networkOf(feeds);
  const metrics = createNodeMetrics();
  const secrets = Array.from({ length: 12 }, (_, index) => `0123456789abcdef-${index}`);
  const log = createLog({ level: "info", secrets, out: { write: () => undefined } });
  const stages = createStageTimer(metrics.onStage);
  const journal = createJournal(log, metrics);
  const inclusion = createInclusion();
  const alerts = createAlerts({
    identity: { network: "test", node: { address: "0xab", name: "alpha" } },
    ...{ hooks: [], log, metrics, now: () => now },
  });
  const prices = new Map<FeedId, NodePrice>(
    network.config.feeds.map(({ feed, sources }) => [feed, { feed, sources: sources.map((source) => ({ source })) }]),
  );
  const sample = { at: 0, entries: [], prices };
  const certified = certify({ network, round: 1, verdicts: feeds.map((feed) => verdict(feed, 1_000)) });
  const observations = [1, 2, 3, 4].map((byte) => toHex(new Uint8Array(1_500).fill(byte)));
  let now = 1_000_000_000_000;
  return async (round: number): Promise<void> => {
    now += 1_000;
    metrics.onSample(sample);
    alerts.handle({ kind: "sampled", prices, feeds: network.config.feeds });
    for (const stage of PER_ROUND) stages.time(stage, () => undefined);
    stages.sampled(round);
    for (const kind of ["observation", "proposal", "round"] as const) stages.promised({ kind, round });
    for (const topic of TOPICS) {
      stages.published(topic);
      for (let message = 0; message < 4; message++) metrics.onVerdict(topic, "accept", "accepted");
    }
    stages.certified(round);
    const [own = "0x"] = observations;
    inclusion.observed(round, own);
    metrics.onInclusion(inclusion.isIncluded({ round, observations }));
    metrics.onCertified(certified, now);
    alerts.handle({ kind: "certified", certified, included: true });
    alerts.handle({ kind: "status", phase: "running", connected: 3, quorum: 3, roundMs: 1_000 });
    journal.event({
      kind: "event",
      level: "info",
      code: "certified",
      fields: { round, digest: certified.digest, place: "head" },
    });
    if (round % 15 === 0) await metrics.registry.metrics();
  };
}

it(`watching a node of ${FEEDS} feeds costs less than ${MAX_SHARE * 100} % of a core`, async () => {
  const live = watchedNode();
  for (let round = 0; round < WARM_ROUNDS; round++) await live(round);
  const before = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) await live(round);
  const { user, system } = process.cpuUsage(before);
  const share = (user + system) / ROUNDS / 1e6;
  expect(share).toBeLessThan(MAX_SHARE);
});
