import { type Finding, failure, fine } from "./finding.ts";

/** A right that was tried, without leaving a trace; `code` is the first word of Redis's refusal. */
export type RedisAttempt = { readonly what: string; readonly code: "ok" | string; readonly reason: string };
export type RedisOutcome =
  | { readonly ok: true; readonly attempts: readonly RedisAttempt[] }
  | { readonly ok: false; readonly reason: string };

export function judgeRedis(outcome: RedisOutcome): Finding {
  if (!outcome.ok)
    return failure(
      "redis",
      outcome.reason,
      "check that it runs, and redis.url, redis.username, redis.passwordFile and redis.caFile",
    );
  const denied = outcome.attempts.filter(({ code }) => code === "NOPERM");
  if (denied.length > 0) {
    const measured = `it answers, and forbids this user to ${denied.map(({ what }) => what).join(", ")}`;
    return failure("redis", measured, "load the ACL file that was written for this network, or correct redis.username");
  }
  const failed = outcome.attempts.find(({ code }) => code !== "ok");
  if (failed !== undefined) return failure("redis", `it cannot ${failed.what}: ${failed.reason}`, "see Redis's own log");
  return fine("redis", `it answers, and lets this user ${outcome.attempts.map(({ what }) => what).join(", ")}`);
}
