import { parseArgs } from "node:util";
import { type Coverage, MUST_SEE } from "./coverage.ts";
import { describeCase, minimise } from "./minimise.ts";
import { runStory } from "./run.ts";

/**
 * `npm run oracle -- --rounds 5000000 --seed 1`: random stories told to the breaker and to its oracle, story after story, until so many
 * rounds are played. Ends with 1 at the first difference, with the story made small, or if something was never reached.
 */

const PROGRESS_MS = 10_000;
/** Below so many rounds chance may well leave one of the rarer things out. */
const ENOUGH_ROUNDS = 200_000;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "200000" }, seed: { type: "string", default: "1" } },
});
const wanted = wholeNumber("rounds", values.rounds);
const firstSeed = wholeNumber("seed", values.seed);

const coverage: Coverage = new Map();
const startedAt = performance.now();
let toldAt = startedAt;
let played = 0;
let seed = firstSeed;

for (; played < wanted; seed++) {
  const story = runStory(seed, coverage, { limit: wanted - played });
  played += story.played;
  if (story.failure !== undefined) {
    const { finding } = story.failure;
    console.error(`seed ${seed}, its round ${story.played}: ${finding.feed}\n  ${finding.lines.join("\n  ")}\nmade small:`);
    console.error(describeCase(minimise(story.failure)));
    process.exit(1);
  }
  if (performance.now() - toldAt > PROGRESS_MS) {
    toldAt = performance.now();
    console.log(progress());
  }
}

console.log(progress());
for (const [label, times] of [...coverage].sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`${String(times).padStart(12)}  ${label}`);
const missing = MUST_SEE.filter((label) => !coverage.has(label));
if (missing.length > 0) console.log(`never reached: ${missing.join(", ")}`);
process.exitCode = missing.length > 0 && played >= ENOUGH_ROUNDS ? 1 : 0;

function progress(): string {
  const seconds = (performance.now() - startedAt) / 1_000;
  const rate = Math.round(played / seconds);
  return `${played} rounds of ${wanted}, seeds ${firstSeed} to ${seed}, ${seconds.toFixed(0)} s, ${rate} rounds/s, no difference`;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  console.error(`--${name}: expected a whole number, found "${text}"`);
  process.exit(2);
}
