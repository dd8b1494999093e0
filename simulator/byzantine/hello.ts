import { NO_HEAD } from "../../node/round-book.ts";
import { decodeHello, encodeHello, type Hello } from "../../node/wire.ts";
import { toHex } from "../../protocol/bytes.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { freshBytes, pick } from "./craft.ts";

const DAY_MS = 86_400_000;

type Lie = (hello: Hello, view: AdversaryView) => Hello;

const LIES: Readonly<Record<string, Lie>> = {
  "clock a day ahead": (hello) => ({ ...hello, clock: hello.clock + DAY_MS }),
  "clock a day behind": (hello) => ({ ...hello, clock: hello.clock - DAY_MS }),
  "clock zero": (hello) => ({ ...hello, clock: 0 }),
  "clock just within the skew": (hello, { network }) => ({ ...hello, clock: hello.clock + network.config.maxSkewMs }),
  "head far ahead": (hello, view) => ({
    ...hello,
    head: { round: hello.head.round + DAY_MS, digest: toHex(freshBytes(view, 32)) },
  }),
  "head of the next round": (hello, view) => ({
    ...hello,
    head: { round: Math.floor(view.now() / view.network.config.roundMs) + 1, digest: toHex(freshBytes(view, 32)) },
  }),
  "no head": (hello) => ({ ...hello, head: NO_HEAD }),
  "largest numbers": () => ({
    clock: Number.MAX_SAFE_INTEGER,
    head: { round: Number.MAX_SAFE_INTEGER, digest: NO_HEAD.digest },
    quarantine: true,
  }),
};

/** Hopes to keep a starting node from signing, or to have it sign twice (P2, progress): each peer hears another lie of it. */
export const createLyingHello: CreateBehaviour = (view) => ({
  hello: (honest) => {
    const hello = decodeHello(honest);
    const name = pick(view, [...Object.keys(LIES), "garbage"]) ?? "garbage";
    view.misbehaved(`hello: ${name}`);
    const lie = LIES[name];
    if (!hello.ok || lie === undefined) return freshBytes(view, honest.length);
    return encodeHello(lie(hello.value, view));
  },
});

/** Hopes to pull a starting node's clock away little by little (P2): always the same lie, just within the skew. */
export const createSkewedHello: CreateBehaviour = (view) => {
  const sign = view.random.below(2) === 0 ? 1 : -1;
  return {
    hello: (honest) => {
      const hello = decodeHello(honest);
      if (!hello.ok) return honest;
      view.misbehaved("hello: clock at the edge");
      return encodeHello({ ...hello.value, clock: hello.value.clock + sign * view.network.config.maxSkewMs });
    },
  };
};
