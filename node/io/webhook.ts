import { createHmac } from "node:crypto";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import { backoffMs } from "../../adapters/backoff.ts";
import type { AlertMessage } from "../alert-message.ts";
import type { Concerns } from "./concerns.ts";
import type { AlertOutcome } from "./flow-metrics.ts";

/** Messages that wait for one hook; the oldest go first. */
const MAX_QUEUE = 64;
/** What is read of an answer before the connection is dropped: nothing in it matters but its status. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** ~1 h of trying, at first soon, at last every five minutes. */
export const WEBHOOK_TIMES = { timeoutMs: 10_000, giveUpMs: 3_600_000, baseMs: 1_000, capMs: 300_000 } as const;
export type WebhookTimes = { readonly [Name in keyof typeof WEBHOOK_TIMES]: number };

/** The receiver may be down or busy; every other answer than 2xx is its last word. */
const PASSING = new Set([408, 425, 429]);

export type WebhookOptions = {
  readonly url: string;
  /** Both sides hold it; every body is signed with it. */
  readonly secret: string;
  /** How the hook is spoken of: never by its URL, whose path and user info are secrets as well. */
  readonly label: string;
  readonly concerns: Concerns;
  readonly onOutcome: (message: AlertMessage, outcome: AlertOutcome) => void;
  /** Unix ms. */
  readonly now: () => number;
  readonly random: () => number;
  readonly times?: Partial<WebhookTimes>;
};

export type Webhook = {
  readonly send: (message: AlertMessage) => void;
  /** Gives up what is under way and what waits: whoever restarts a node is there to see. */
  readonly stop: () => Promise<void>;
};

/**
 * The value of the header `x-breakwater-signature` over a body, as Stripe and others sign theirs: a receiver computes it again over the
 * raw bytes that it got, compares in constant time, and refuses a `t` that is minutes old, so that nobody replays an alert.
 *
 * @param at Unix seconds
 * @example
 * // A receiver, with node:crypto:
 * // const { t, v1 } = Object.fromEntries(header.split(",").map((part) => part.split("=")));
 * // const expected = createHmac("sha256", secret).update(`${t}.${rawBody}`).digest();
 * // const isGenuine = timingSafeEqual(expected, Buffer.from(v1, "hex")) && Math.abs(Date.now() / 1000 - Number(t)) < 300;
 * signBody("{}", { secret: "0123456789abcdef", at: 1_795_300_123 });
 * // "t=1795300123,v1=9e8bfada9c36e603275e5a8d2935043cae24bd0dfea94ed1229f5c145e37a8bf"
 */
export function signBody(body: string, { secret, at }: { readonly secret: string; readonly at: number }): string {
  return `t=${at},v1=${createHmac("sha256", secret).update(`${at}.${body}`).digest("hex")}`;
}

type Attempt = { readonly kind: "delivered" } | { readonly kind: "refused" | "failed"; readonly why: string };

/**
 * One receiver: a POST of JSON for each message in order, one in flight, signed anew each time, tried again with capped and jittered
 * back-off until an hour after the message was made. Redirects are not followed: a signed body goes where the operator said.
 */
export function createWebhook(options: WebhookOptions): Webhook {
  const { label, concerns, onOutcome, now, random } = options;
  const times = { ...WEBHOOK_TIMES, ...options.times };
  const queue: AlertMessage[] = [];
  const stopped = new AbortController();
  let running = Promise.resolve();
  let busy = false;

  const drain = async (): Promise<void> => {
    busy = true;
    for (let message = queue[0]; message !== undefined && !stopped.signal.aborted; message = queue[0]) {
      const outcome = await deliver(message);
      if (stopped.signal.aborted) return;
      // A full queue may have pushed it out meanwhile; then it was counted as dropped.
      if (queue[0] !== message) continue;
      queue.shift();
      onOutcome(message, outcome);
    }
    // In the same turn as the look at an empty queue: a message that comes now starts anew.
    busy = false;
  };

  const deliver = async (message: AlertMessage): Promise<AlertOutcome> => {
    for (let failures = 1; ; failures++) {
      const attempt = await post(options, message, { timeoutMs: times.timeoutMs, stopped: stopped.signal });
      if (attempt.kind === "delivered") {
        concerns.clear("alert-failing", label);
        return "delivered";
      }
      if (stopped.signal.aborted) return "lost";
      const fields = { hook: label, alert: message.kind, delivery: message.id, why: attempt.why };
      if (attempt.kind === "refused") {
        concerns.warn("alert-refused", `webhook ${label} was not delivered: ${attempt.why}`, fields, label);
        return "lost";
      }
      const pause = backoffMs({ ...times, failures }, random());
      if (now() + pause > message.at + times.giveUpMs) {
        concerns.warn("alert-lost", `webhook ${label} is given up: ${attempt.why}`, fields, label);
        return "lost";
      }
      concerns.warn("alert-failing", `webhook ${label} was not delivered: ${attempt.why}`, fields, label);
      await sleep(pause, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
      if (queue[0] !== message) return "dropped";
    }
  };

  return {
    send: (message) => {
      queue.push(message);
      if (queue.length > MAX_QUEUE) {
        const oldest = queue.shift();
        concerns.warn("alert-dropped", `webhook ${label} is behind`, { hook: label, waiting: queue.length }, label);
        if (oldest !== undefined) onOutcome(oldest, "dropped");
      }
      if (!busy) running = drain();
    },
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

async function post(
  { url, secret, now }: WebhookOptions,
  message: AlertMessage,
  { timeoutMs, stopped }: { readonly timeoutMs: number; readonly stopped: AbortSignal },
): Promise<Attempt> {
  const body = JSON.stringify(message);
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), stopped]);
  try {
    const { status, data } = await axios.post<Readable>(url, body, {
      signal,
      responseType: "stream",
      maxRedirects: 0,
      validateStatus: () => true,
      transformRequest: (text: string) => text,
      headers: {
        "content-type": "application/json",
        "user-agent": "breakwater",
        "x-breakwater-delivery": message.id,
        "x-breakwater-signature": signBody(body, { secret, at: Math.floor(now() / 1_000) }),
      },
      ...(isLoopback(url) ? { proxy: false as const } : {}),
    });
    await skim(data, signal);
    if (status >= 200 && status < 300) return { kind: "delivered" };
    const passes = PASSING.has(status) || status >= 500;
    return {
      kind: passes ? "failed" : "refused",
      why: `HTTP ${status}${status < 400 ? ", and redirects are not followed" : ""}`,
    };
  } catch (error) {
    return { kind: "failed", why: signal.aborted ? `no answer in ${timeoutMs} ms` : codeOf(error) };
  }
}

/** The status is known; the rest is read so that the receiver can finish, within bounds of size and time. */
async function skim(data: Readable, signal: AbortSignal): Promise<void> {
  const end = (): void => void data.destroy();
  signal.addEventListener("abort", end, { once: true });
  let received = 0;
  try {
    for await (const chunk of data) {
      received += (chunk as Uint8Array).length;
      if (received > MAX_ANSWER_BYTES) break;
    }
  } catch {
    // What breaks off after the status changes nothing.
  } finally {
    signal.removeEventListener("abort", end);
    data.destroy();
  }
}

/** Never the message: it may hold the URL. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code === "" ? "no connection" : code;
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
}
