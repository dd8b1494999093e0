import { setTimeout as sleep } from "node:timers/promises";
import { type DateSample, type OffsetRange, offsetRange } from "./judge-clock.ts";

/** Asked at different moments of the second, so that its cut leaves little room. */
const SAMPLES = 6;
const APART_MS = 170;
const TIMEOUT_MS = 3_000;
const MAX_HOSTS = 16;

/** What each of these hosts says of its clock in the Date header of its answers, whatever their status. Those that say nothing are left out. */
export async function probeClocks(urls: readonly string[], now: () => number): Promise<readonly OffsetRange[]> {
  const origins = [...new Set(urls.map((url) => new URL(url).origin))].slice(0, MAX_HOSTS);
  const ranges = await Promise.all(
    origins.map(async (origin) => {
      const first = await dateOf(origin, now);
      // Whoever does not answer once is not asked five times more.
      if (first === undefined) return undefined;
      const asked = Array.from({ length: SAMPLES - 1 }, (_, index) =>
        sleep((index + 1) * APART_MS).then(() => dateOf(origin, now)),
      );
      const samples = [first, ...(await Promise.all(asked)).flatMap((sample) => sample ?? [])];
      return offsetRange(samples);
    }),
  );
  return ranges.flatMap((range) => range ?? []);
}

async function dateOf(origin: string, now: () => number): Promise<DateSample | undefined> {
  try {
    const sentAt = now();
    const response = await fetch(origin, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const receivedAt = now();
    const dateAt = Date.parse(response.headers.get("date") ?? "");
    const cached = response.headers.has("age");
    return Number.isNaN(dateAt) || cached ? undefined : { dateAt, sentAt, receivedAt };
  } catch {
    return undefined;
  }
}
