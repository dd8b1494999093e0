import type { Report, RuleName } from "../../../protocol/report.ts";
import {
  average,
  DAY,
  deviation,
  distance,
  greatest,
  LARGEST_AMOUNT,
  least,
  sign,
  total,
  WHOLE,
  within,
  YEAR,
} from "./arithmetic.ts";
import type { Look } from "./look.ts";
import type { Moment, Past } from "./past.ts";
import {
  bitsOf,
  EVALUATED,
  firedRounds,
  fractionOf,
  lastFiring,
  limitOf,
  openTime,
  roundsSinceRestart,
  SOFT,
  stateOf,
  volatility,
  waiveJump,
} from "./past.ts";
import { moveState } from "./transitions.ts";

/** The rules that depend on which observations the leader chose. */
const BY_LEADER: readonly RuleName[] = ["dispersion", "divergence", "thin"];
const PRICE_RULES: readonly RuleName[] = [...SOFT, "gap"];
/** "state is not open on jump, dispersion, divergence or gap" (B4). */
const HOLDS_LEARNING: readonly RuleName[] = ["jump", "dispersion", "divergence", "gap"];
const SYSTEM_TAU = 300_000n;

/** B of B12 and σ of the basket, for one feed. */
export type Market = { readonly move: bigint; readonly sigma: bigint };

type Rules = ReadonlySet<RuleName>;
/** The rules of a round: those that fire, those that are active, those that fire under fewer than f+1 leaders, and of these those alone. */
export type Standing = { readonly fires: Rules; readonly active: Rules; readonly few: Rules; readonly onlyPassing: Rules };

/** The rest of a feed's round, in the order that B3 pins. */
export function settle(past: Past, seen: Look, market: Market): Report {
  const { now, view } = seen;
  const standing = stand(past, now, firing(past, seen, market));
  const { fires, active } = standing;
  corroborate(past, seen, standing);
  corroboratePeg(past, seen, standing);
  unwaive(past, seen, fires, capMs(past, market));
  spendOpenTime(past, seen, active, capMs(past, market));
  moveState(past, seen, standing);
  const jumpHull = meter(past, seen, active);
  const paused = active.has("manual") && past.pause?.action === "robust";
  const hulled = jumpHull || (stateOf(past) === "open" && (active.has("gap") || paused));
  const bounds = interval(past, now, { hulled, rate: joiningRate(past, seen, active) });
  const sigma = volatility(past);
  learn(past, seen, standing);
  const { feed, price, ema, observedAt, states } = past;
  return {
    ...{
      feed,
      price,
      ema,
      volatility: sigma,
      observedAt: Number(observedAt),
      state: stateOf(past),
      since: Number(states.at(-1)?.at),
    },
    ...bounds,
    ...judge(past, now, { ...standing, priced: view !== undefined, refuses: seen.said.refuses }),
  };
}

/** Which rules fire (B3). Rules 0, 1 and 2 need a price; the gap is its latch. */
function firing(past: Past, { now, view, limit, move, direction, thin, said }: Look, market: Market): Rules {
  const t = (name: Parameters<typeof limitOf>[1]) => limitOf(past, name);
  const fires = new Set<RuleName>();
  if (view !== undefined) {
    const explained = sign(market.move) === direction ? t("beta") * least(market.move * direction, t("sysCapBps")) : 0n;
    const excess = greatest(0n, move - explained);
    const last = lastFiring(past, "jump");
    const recently = last !== undefined && now.ts - last <= t("clearMs");
    if (excess > limit || (recently && 2n * excess > limit)) fires.add("jump");
    if ((past.rawHigh - past.rawLow) * 10_000n > past.price * t("dispersionBps")) fires.add("dispersion");
    if (BigInt(view.outsideBps) > t("divergenceBps")) fires.add("divergence");
    if (said.target !== undefined && distance(view.price, said.target) > t("pegBps")) fires.add("peg");
  }
  if (thin) fires.add("thin");
  if (now.ts - past.observedAt > t("staleMs")) fires.add("stale");
  const restarting = roundsSinceRestart(past) <= past.world.restartRounds || past.observedAt < (past.restarts.at(-1) ?? 0n);
  if (restarting) fires.add("restart");
  if (past.gapAt !== 0n) fires.add("gap");
  if (past.pause !== undefined && now.ts < past.pause.until) fires.add("manual");
  return fires;
}

/** Writes the firings down: those of the rules 1–3 hold only with f+1 different leaders in the last n rounds. */
function stand(past: Past, now: Moment, fires: Rules): Standing {
  const few = new Set<RuleName>();
  for (const rule of fires) {
    const leaders = BigInt(firedRounds(past, rule, now.round).length) + 1n;
    const holds = !BY_LEADER.includes(rule) || leaders >= past.world.f + 1n;
    past.firings.get(rule)?.push({ round: now.round, at: now.ts, holds });
    if (!holds) few.add(rule);
  }
  const quietTime = least(limitOf(past, "clearMs") * 2n ** least(past.trips, 4n), limitOf(past, "clearCapMs"));
  const quiet = SOFT.filter((rule) => {
    const last = lastFiring(past, rule);
    return last !== undefined && now.ts - last <= quietTime;
  });
  const active = new Set(EVALUATED.filter((rule) => fires.has(rule) || quiet.includes(rule)));
  return { fires, active, few, onlyPassing: new Set([...few].filter((rule) => !quiet.includes(rule))) };
}

/** B5. A disagreement under at most f leaders lets no time count, and does not start it again. */
function corroborate(past: Past, seen: Look, { fires, active, few }: Standing): void {
  if (!active.has("jump")) {
    past.agreed = [];
    past.steps = [seen.step];
    return;
  }
  past.steps.push(seen.step);
  const doubts = BY_LEADER.filter((rule) => fires.has(rule));
  if (fires.has("gap") || doubts.some((rule) => !few.has(rule))) past.agreed = [];
  else if (doubts.length === 0) {
    const run = ((seen.move - greatest(0n, ...past.steps)) * 100n) / seen.limit;
    past.agreed.push(seen.tick * greatest(100n, run));
  }
  if (total(past.agreed) >= 100n * limitOf(past, "confirmMs")) waiveJump(past);
}

/** "pegHeld grows alike: dt·max(100, gap·100/pegBps) while agreeing" (B5). */
function corroboratePeg(past: Past, { said, tick, view }: Look, { fires, active, few }: Standing): void {
  const doubts = BY_LEADER.filter((rule) => fires.has(rule));
  if (!active.has("peg") || fires.has("gap") || doubts.some((rule) => !few.has(rule))) past.agreedOnPeg = [];
  else if (doubts.length === 0 && view !== undefined && said.target !== undefined) {
    past.agreedOnPeg.push(tick * greatest(100n, (distance(view.price, said.target) * 100n) / limitOf(past, "pegBps")));
  }
}

/** "Then with the peg target when peg is active, pegTrust = rate, the rate is fresh and pegHeld < pegHoldMs" (B2). */
function joiningRate(past: Past, { said }: Look, active: Rules): bigint | undefined {
  const outweighed = total(past.agreedOnPeg) >= 100n * limitOf(past, "pegHoldMs");
  return active.has("peg") && past.thresholds.pegTrust === "rate" && !outweighed ? said.target : undefined;
}

function capMs(past: Past, { sigma }: Market): bigint {
  const beta = limitOf(past, "beta");
  const longest = limitOf(past, "maxOpenMs");
  if (sigma === 0n || beta === 0n) return longest;
  const spread = greatest(beta, 1n) * sigma;
  return within((fractionOf(past, "sdCapBps") ** 2n * YEAR) / spread ** 2n, limitOf(past, "minOpenMs"), longest);
}

/** "A waived jump that turns round (other sign, fires again) is unwaived once more while its openMs < cap." */
function unwaive(past: Past, { direction }: Look, fires: Rules, cap: bigint): void {
  if (!past.waived.has("jump") || !fires.has("jump") || direction === past.direction || openTime(past, "jump") >= cap) return;
  past.waived.delete("jump");
  past.direction = 0n;
}

function spendOpenTime(past: Past, { tick }: Look, active: Rules, cap: bigint): void {
  if (stateOf(past) !== "open") return;
  for (const rule of SOFT) {
    if (!active.has(rule) || past.waived.has(rule) || (rule === "jump" && active.has("gap"))) continue;
    past.openCredits.set(rule, past.openCredits.get(rule) ?? []);
    past.openCredits.get(rule)?.push(tick);
    if (openTime(past, rule) < cap) continue;
    if (rule === "jump") waiveJump(past);
    else past.waived.add(rule);
  }
}

/** B8; whether the jump's hull stands. */
function meter(past: Past, seen: Look, active: Rules): boolean {
  const budget = limitOf(past, "pauseBudgetMs");
  past.spent = greatest(0n, past.spent - seen.now.dt * budget);
  const wanted = stateOf(past) === "open" && active.has("jump") && !past.waived.has("jump");
  if (!wanted || past.spent >= budget * DAY) return false;
  if (!active.has("gap") && seen.view !== undefined && seen.move > seen.limit) past.spent += seen.tick * DAY;
  return true;
}

/** B2, before this round has taught v and the anchor anything. */
function interval(
  past: Past,
  now: Moment,
  { hulled, rate }: { readonly hulled: boolean; readonly rate: bigint | undefined },
): Pick<Report, "low" | "high"> {
  const ends = [...(hulled ? [past.anchor] : []), ...(rate === undefined ? [] : [rate])];
  const lo = least(past.rawLow, ...ends);
  const hi = greatest(past.rawHigh, ...ends);
  const h = least(WHOLE, 3n * deviation(volatility(past), greatest(0n, now.validUntil - past.observedAt)));
  const raised = hi * (WHOLE + h);
  const up = raised % WHOLE === 0n ? 0n : 1n;
  return { low: (lo * (WHOLE - h)) / WHOLE, high: least(LARGEST_AMOUNT, raised / WHOLE + up) };
}

/** B4. */
function learn(past: Past, { now, view }: Look, { fires, active }: Standing): void {
  const { price } = past;
  if (past.world.inBasket) past.sysEma = average(past.sysEma, price, now.dt, SYSTEM_TAU);
  const doubted = PRICE_RULES.some((rule) => fires.has(rule) && !past.waived.has(rule));
  const held = stateOf(past) === "open" && HOLDS_LEARNING.some((rule) => active.has(rule) && !past.waived.has(rule));
  if (view === undefined || doubted || held) return;
  past.anchor = average(past.anchor, price, now.dt, limitOf(past, "refTauMs"));
  past.ema = average(past.ema, price, now.dt, limitOf(past, "emaTauMs"));
  const since = now.ts - past.sampleAt;
  if (since < limitOf(past, "sampleMs")) return;
  const r = least(distance(price, past.sampleP) * (WHOLE / 10_000n), fractionOf(past, "jumpBps"));
  const sample = least((((r * r) / WHOLE) * YEAR) / since, fractionOf(past, "volCapBps") ** 2n / WHOLE);
  past.v = average(past.v, sample, since, limitOf(past, "volTauMs"));
  past.sampleP = price;
  past.sampleAt = now.ts;
}

/** B9. */
export function judge(
  past: Past,
  now: Moment,
  { active, onlyPassing, priced, refuses }: Standing & { readonly priced: boolean; readonly refuses: boolean },
) {
  const state = stateOf(past);
  const forbidding = (rule: RuleName) =>
    rule === "stale" || rule === "restart" || (rule === "manual" && past.pause?.action === "none");
  const none = [...active].some((rule) => forbidding(rule) || past.thresholds.liquidateNone.includes(rule));
  const robust = state === "open" || !priced || (state === "half-open" && onlyPassing.size > 0);
  const liquidate = none ? ("none" as const) : robust ? ("robust" as const) : ("any" as const);
  const probe = 1_000n + (9_000n * total(past.probed)) / limitOf(past, "probeMs");
  const budget = liquidate !== "any" ? 0n : state === "closed" ? 10_000n : probe;
  const seasoned = now.ts - (past.firstAt ?? 0n) >= limitOf(past, "seasonMs");
  return {
    liquidate,
    borrow: state === "closed" && active.size === 0 && priced && seasoned,
    budgetBps: Number(budget),
    reasons: bitsOf(active) + (refuses ? 2 ** 7 : 0) + (priced ? 0 : 2 ** 31),
  };
}
