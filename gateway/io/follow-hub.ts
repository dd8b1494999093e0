import { type Digest, utf8 } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { encodeTransition, type Transition } from "../../protocol/transition.ts";
import type { GatewayLogger, RoundStore } from "../ports.ts";
import { encodeEvent } from "./follow-wire.ts";
import type { Outlet } from "./outlets.ts";
import type { Place } from "./stream.ts";
import { createTaper, type Taper } from "./taper.ts";

/** Who follows a node or gateway are gateways, each with thousands of readers of its own. */
export const FOLLOW_LIMITS = {
  maxFollowers: 64,
  /** Of those so many are the key holders' alone, where there are keys: strangers with many addresses cannot lock them out. */
  keptForKeys: 32,
  /** Of one address or key: a gateway needs one. */
  maxFollowersPerPlace: 8,
  /** Unsent bytes at which a live follower is let go; a round of the largest network has a few MB. */
  maxFollowerBytes: 32 * 2 ** 20,
  /** Of rounds' events that are kept, all together. */
  maxKeptBytes: 32 * 2 ** 20,
  /** Rounds sent of the past at most, and to who does not say which he has. */
  maxBackfill: 3_600,
  defaultBackfill: 1_200,
  heartbeatMs: 5_000,
} as const;
export type FollowLimits = { readonly [Name in keyof typeof FOLLOW_LIMITS]: number };

/** Rounds read from the store at a time while a follower catches up. */
const REPLAY_BATCH = 16;
/** Rounds whose event is kept at most: followers that catch up side by side ask for the same. */
const KEPT_EVENTS = 64;
/** So far back a round that comes to the store late is still told to those who follow live. */
const LATE_ROUNDS = 64;
const TOLD_EVIDENCE = 256;
/** Of papers that live followers were told, so that none is told at every head; one that is forgotten is told once more. */
const KEPT_PAPERS = 4 * TOLD_EVIDENCE;

export type FollowHub = {
  /** Why there is no room for one more follower there; undefined when there is. */
  readonly refusal: (place: Place) => string | undefined;
  /** Takes the outlet over until it closes; `after` is the last round that the follower has. */
  readonly open: (outlet: Outlet, request: { readonly after: number | undefined; readonly place: Place }) => void;
  /** A new head, after the store has it. */
  readonly publish: (round: CertifiedRound) => void;
  readonly close: () => void;
};

type Follower = {
  readonly outlet: Outlet;
  readonly place: Place;
  round: number;
  live: boolean;
  /** Where a follower that catches up stood at the last heartbeat with a full socket. */
  stalledAt: number | undefined;
};

type Hub = {
  readonly store: Pick<RoundStore, "latest" | "range" | "bodyOf" | "transitions" | "evidence">;
  readonly limits: FollowLimits;
  /** Whether anybody has a key here. */
  readonly hasKeys: boolean;
  readonly log: GatewayLogger;
  readonly taper: Taper;
  readonly followers: Set<Follower>;
  readonly events: Map<Digest, Buffer | undefined>;
  eventBytes: number;
  /** Every change of config since genesis as it is sent, by its round: each follower is told all of them, and there are few. */
  readonly transitions: Map<number, Buffer>;
  /** Rounds that live followers were told, the newest {@link LATE_ROUNDS}. */
  readonly told: Map<Digest, number>;
  readonly toldPapers: Set<string>;
  configDigest: Digest | undefined;
  /** A parent that was not told when its child was. */
  hole: { readonly digest: Digest; readonly below: number } | undefined;
};

/**
 * A log's entries to whoever follows this process: every change of config and the equivocations first, then rounds with their bodies,
 * ascending from where the follower left off, then each new head. A round that the store gets late is told late, without an id to resume
 * after. Writing never waits: who does not keep up is let go, and comes back for the rest.
 */
export function createFollowHub(parts: Pick<Hub, "store" | "limits" | "hasKeys" | "log">): FollowHub {
  const transitions: Hub["transitions"] = new Map();
  const hub: Hub = {
    ...{ ...parts, taper: createTaper(), followers: new Set(), events: new Map(), eventBytes: 0 },
    ...{ transitions, told: new Map(), hole: undefined },
    // What there is already is told to each follower when it comes.
    toldPapers: new Set(papersOf({ ...parts, transitions }, true).map(({ key }) => key)),
    configDigest: parts.store.latest()?.certified.certificate.header.configDigest,
  };
  const { followers, limits } = hub;
  const heartbeat = setInterval(() => {
    for (const follower of followers) beat(follower);
  }, limits.heartbeatMs).unref();
  return {
    refusal: (place) => refusalOf(hub, place),
    open: (outlet, request) => open(hub, outlet, request),
    publish: (round) => publish(hub, round),
    close: () => {
      clearInterval(heartbeat);
      for (const { outlet } of followers) outlet.end(undefined);
    },
  };
}

function refusalOf({ followers, limits, hasKeys }: Hub, { id, max }: Place): string | undefined {
  if (followers.size >= limits.maxFollowers) return `all ${limits.maxFollowers} places of followers are taken`;
  const places = [...followers].map(({ place }) => place);
  const mine = places.filter((place) => place.id === id).length;
  if (mine >= Math.min(max ?? limits.maxFollowersPerPlace, limits.maxFollowersPerPlace)) {
    return `${mine} followers from this address or key already`;
  }
  const open = limits.maxFollowers - (hasKeys ? limits.keptForKeys : 0);
  const strangers = places.filter((place) => place.max === undefined).length;
  return max === undefined && strangers >= open ? `all ${open} places of followers without a key are taken` : undefined;
}

function open(hub: Hub, outlet: Outlet, { after, place }: { readonly after: number | undefined; readonly place: Place }): void {
  const { store, limits, followers, log, taper } = hub;
  const newest = store.latest()?.certified.certificate.header.round ?? 0;
  const from = Math.max(after ?? newest - limits.defaultBackfill, newest - limits.maxBackfill, -1);
  const follower: Follower = { outlet, place, round: from, live: false, stalledAt: undefined };
  followers.add(follower);
  outlet.onClose(() => followers.delete(follower));
  outlet.open();
  replay(hub, follower).catch((error: unknown) => {
    outlet.cut();
    const count = taper.next("replay");
    if (count === undefined) return;
    const advice = "it was let go and may resume; look at the disk of storage.path if it lasts";
    log.error({ err: error, count }, `what a follower is to catch up with could not be read: ${advice}`);
  });
}

/** Papers, then stored rounds at the follower's own pace, then live. The last look at the store and going live are one step, so none is lost. */
async function replay(hub: Hub, follower: Follower): Promise<void> {
  for (const { event } of papersOf(hub, true)) follower.outlet.write(event());
  for (;;) {
    const stored = hub.store.range({ from: follower.round + 1, to: Number.MAX_SAFE_INTEGER, limit: REPLAY_BATCH });
    if (stored.length === 0) break;
    for (const { certified } of stored) {
      if (!hub.followers.has(follower)) return;
      follower.round = certified.certificate.header.round;
      const event = eventOfRound(hub, certified);
      if (event !== undefined) follower.outlet.write(event);
      await follower.outlet.room();
    }
  }
  follower.live = true;
}

function publish(hub: Hub, round: CertifiedRound): void {
  const papers = newPapers(hub, round);
  const late = lateRounds(hub, round);
  const { digest, certificate } = round;
  hub.told.set(digest, certificate.header.round);
  for (const [oldest, number] of hub.told) if (number < certificate.header.round - LATE_ROUNDS) hub.told.delete(oldest);
  const live = [...hub.followers].filter((follower) => follower.live);
  if (live.length === 0) return;
  const events = [
    ...papers,
    ...late.flatMap((certified) => {
      const entry = entryOf(hub, certified);
      return entry === undefined ? [] : [Buffer.from(encodeEvent(entry))];
    }),
    eventOfRound(hub, round),
  ];
  for (const follower of live) {
    for (const event of events) if (event !== undefined) follower.outlet.write(event);
    follower.round = certificate.header.round;
    if (follower.outlet.bufferedBytes() > hub.limits.maxFollowerBytes) follower.outlet.cut();
  }
}

/** Rounds of the walk that came to the store after a later one had been told. */
function lateRounds(hub: Hub, { certificate: { header } }: CertifiedRound): readonly CertifiedRound[] {
  const { told, store } = hub;
  if (told.size > 0 && !told.has(header.parent)) hub.hole ??= { digest: header.parent, below: header.round };
  if (hub.hole === undefined) return [];
  const oldest = Math.min(...told.values());
  const found = store
    .range({ from: Math.max(oldest, header.round - LATE_ROUNDS), to: header.round - 1, limit: LATE_ROUNDS })
    .flatMap(({ certified }) => (told.has(certified.digest) ? [] : [certified]));
  for (const { digest, certificate } of found) told.set(digest, certificate.header.round);
  if (told.has(hub.hole.digest) || hub.hole.below < header.round - LATE_ROUNDS) hub.hole = undefined;
  return found;
}

/** Transitions and evidence since the last head. Transitions are looked at when the config of the rounds is another one. */
function newPapers(hub: Hub, { certificate: { header } }: CertifiedRound): readonly Buffer[] {
  const isChange = header.configDigest !== hub.configDigest;
  hub.configDigest = header.configDigest;
  const papers = papersOf(hub, isChange).filter(({ key }) => !hub.toldPapers.has(key));
  for (const { key } of papers) hub.toldPapers.add(key);
  for (const oldest of hub.toldPapers) if (hub.toldPapers.size > KEPT_PAPERS) hub.toldPapers.delete(oldest);
  return papers.map(({ event }) => event());
}

/** Oldest first; an event is made when it is sent. */
function papersOf(hub: Pick<Hub, "store" | "transitions">, withTransitions: boolean) {
  const { store } = hub;
  const transitions = withTransitions ? store.transitions() : [];
  const evidence = store.evidence({ limit: TOLD_EVIDENCE }).toReversed();
  return [
    ...transitions.map((transition) => ({
      key: `transition ${transition.certificate.header.round}`,
      event: () => eventOfTransition(hub.transitions, transition),
    })),
    ...evidence.map((item) => ({
      key: keyOf(item),
      event: () => Buffer.from(encodeEvent({ kind: "evidence", bytes: utf8(JSON.stringify(item)) })),
    })),
  ];
}

/** P2: a round has one certificate, and so one change of config. */
function eventOfTransition(kept: Hub["transitions"], transition: Transition): Buffer {
  const { round } = transition.certificate.header;
  const event = kept.get(round) ?? Buffer.from(encodeEvent({ kind: "transition", bytes: encodeTransition(transition) }));
  kept.set(round, event);
  return event;
}

function keyOf({ signer, kind, statements }: Evidence): string {
  return `${signer} ${kind} ${statements[0].struct.round}`;
}

/** Undefined for a round whose body retention has let go: without it nobody could verify its verdicts. */
function eventOfRound(hub: Hub, certified: CertifiedRound): Buffer | undefined {
  const { events } = hub;
  const { digest, certificate } = certified;
  if (events.has(digest)) return events.get(digest);
  const entry = entryOf(hub, certified);
  const event = entry === undefined ? undefined : Buffer.from(encodeEvent(entry, certificate.header.round));
  events.set(digest, event);
  hub.eventBytes += event?.length ?? 0;
  for (const [oldest, known] of events) {
    if (events.size <= KEPT_EVENTS && hub.eventBytes <= hub.limits.maxKeptBytes) break;
    events.delete(oldest);
    hub.eventBytes -= known?.length ?? 0;
  }
  return event;
}

function entryOf({ store }: Hub, { digest, certificate }: CertifiedRound) {
  const body = store.bodyOf(digest);
  if (body === undefined) return undefined;
  return { kind: "round", digest, certificate: encodeCertificate(certificate), body: encodeRoundBody(body) } as const;
}

function beat(follower: Follower): void {
  const { outlet, live, round } = follower;
  const full = !live && outlet.isFull();
  const stalled = full && follower.stalledAt === round;
  follower.stalledAt = full ? round : undefined;
  if (stalled || (!full && !outlet.beat())) outlet.cut();
}
