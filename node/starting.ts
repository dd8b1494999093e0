import type { Address } from "../protocol/bytes.ts";
import { fail, type Result } from "../protocol/result.ts";
import { type Desk, emit, report } from "./desk.ts";
import { noticeHead } from "./following.ts";
import { GREET_INTERVAL_MS, judgeQuarantine, type QuarantineVerdict, readExchange } from "./quarantine.ts";
import { decodeHello, encodeHello, type Hello } from "./wire.ts";

/** This node's hello; nodes in quarantine answer too, or a network that starts at once would wait for ever. */
export function helloOf(desk: Desk, now: number): Uint8Array {
  return encodeHello({ clock: now, head: desk.rounds.head(), quarantine: desk.phase === "quarantine" });
}

/** A peer's hello, over its authenticated stream: its clock and its newest head. */
export function takeHello(
  desk: Desk,
  {
    from,
    bytes,
    sentAt,
    receivedAt,
  }: { readonly from: Address; readonly bytes: Uint8Array; readonly sentAt: number; readonly receivedAt: number },
): void {
  const hello = readHello(desk, from, bytes);
  if (!hello.ok) {
    report(desk, "hello-unusable", { from, fault: hello.error });
    return;
  }
  const { clock, head } = hello.value;
  noticeHead(desk, head, from);
  const read = readExchange({ clock, headRound: head.round, sentAt, receivedAt }, desk.network.config);
  if (read === undefined) report(desk, "hello-unusable", { from, fault: "too slow to compare clocks" });
  else if (desk.phase === "quarantine") desk.reports.set(from, read);
}

function readHello(desk: Desk, from: Address, bytes: Uint8Array): Result<Hello, string> {
  const isOther = from !== desk.key.address && desk.peers.includes(from);
  return isOther ? decodeHello(bytes) : fail("not another member");
}

/** Greets each second until the start-up quarantine is over. */
export function stepQuarantine(desk: Desk): void {
  if (desk.phase !== "quarantine") return;
  const { config, committee } = desk.network;
  const own = { heard: Math.max(Math.floor(desk.now / config.roundMs), desk.rounds.head().round) };
  const verdict = judgeQuarantine({
    own,
    reports: desk.reports,
    guardNewest: desk.guard.newest(),
    committee,
    maxSkewMs: config.maxSkewMs,
    now: desk.now,
  });
  if (verdict.kind === "leaves") {
    desk.phase = "running";
    desk.firstRound = verdict.firstRound;
    desk.reports.clear();
    report(desk, "quarantine-left", { firstRound: verdict.firstRound });
    return;
  }
  if (desk.now < desk.greetAt) return;
  desk.greetAt = desk.now + GREET_INTERVAL_MS;
  desk.greetings += 1;
  emit(desk, { kind: "greet" });
  // Before the second greeting nobody can have answered; after that the 1st, 2nd, 4th … second is worth a line.
  const seconds = desk.greetings - 1;
  if (seconds > 0 && (seconds & (seconds - 1)) === 0) reportWaiting(desk, verdict);
}

function reportWaiting(desk: Desk, verdict: Exclude<QuarantineVerdict, { kind: "leaves" }>): void {
  if (verdict.kind === "waits") {
    report(desk, "quarantine-waits", { heard: verdict.heard, needed: verdict.needed });
    return;
  }
  const { offsetMs } = verdict;
  const limitMs = desk.network.config.maxSkewMs;
  const advice = `set this machine's clock ${offsetMs > 0 ? "forward" : "back"} (chrony, ntpd); the node signs once it is within ${limitMs} ms of its peers`;
  report(desk, "clock-off", { offsetMs, limitMs, advice });
}
