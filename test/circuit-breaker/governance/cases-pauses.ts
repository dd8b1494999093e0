import type { FeedId } from "../../../protocol/feed.ts";
import { acted, type Case, DOGE, full, iso, STRANGER } from "./cases.ts";
import { DAY, GOVERNORS, GUARDIANS, HOUR, MINUTE, pause, QUORUM, START, withdrawal } from "./council.ts";

const { alice, bob } = GUARDIANS;
const soon = START + 10 * MINUTE;
/** Pauses and withdrawals, rows of one code together. Where two codes could be given, the one asked first is. */
export const PAUSE_CASES: readonly Case[] = [
  { code: "taken", name: "a guardian's pause", document: pause({ by: [alice], until: soon }), says: "takes effect" },
  {
    code: "taken",
    name: "the last moment of a pause alone",
    document: pause({ by: [alice], until: START + 30 * MINUTE + 1_250 }),
    says: "takes effect",
  },
  {
    code: "taken",
    name: "governors for a day",
    document: pause({ by: QUORUM, feed: "*", until: START + DAY }),
    says: "takes effect",
  },
  {
    code: "replayed",
    name: "a used nonce",
    document: pause({ by: [alice], nonce: 7, until: 0 }),
    memory: acted(alice, 7),
    says: `${alice} used nonce 7 already, and this document says 7`,
  },
  {
    code: "replayed",
    name: "one used nonce of two",
    document: pause({ by: [alice, bob], nonce: 7, until: soon }),
    memory: acted(bob, 8),
    says: `${bob} used nonce 8`,
  },
  {
    code: "replayed",
    name: "a removed guardian",
    document: pause({ by: [alice], nonce: Number.MAX_SAFE_INTEGER, until: soon }),
    memory: acted(alice, Number.MAX_SAFE_INTEGER),
    says: "was removed",
  },
  { code: "replayed", name: "a nonce of zero", document: pause({ by: [alice], nonce: 0, until: soon }), says: "used nonce 0" },
  {
    code: "too-few",
    name: "none for all by one guardian",
    document: pause({ by: [alice], feed: "*", until: 0 }),
    says: "0 governors and 1 guardian signed; it takes two guardians or 3 governors",
  },
  {
    code: "too-few",
    name: "a pause by two of five governors",
    document: pause({ by: GOVERNORS.slice(0, 2), until: soon }),
    says: "2 governors and 0 guardians signed",
  },
  {
    code: "too-few",
    name: "a pause with a stranger's consent",
    document: pause({ by: [alice, STRANGER], until: soon }),
    says: "1 whom the config in force does not know",
  },
  {
    code: "unknown-feed",
    name: "a pause of no feed",
    document: pause({ by: [alice], feed: DOGE, until: 0 }),
    says: "DOGE/USD is no feed or chain",
  },
  {
    code: "unknown-feed",
    name: "a pause of no chain",
    document: pause({ by: [alice], feed: "CHAIN/BASE" as FeedId, until: soon }),
    says: "CHAIN/BASE is no feed or chain",
  },
  {
    code: "over",
    name: "a pause that ends now",
    document: pause({ by: [alice], until: START }),
    says: `${iso(START)} is not after ${iso(START)}`,
  },
  {
    code: "too-long",
    name: "31 minutes alone",
    document: pause({ by: [alice], until: START + 31 * MINUTE }),
    says: "a pause by one guardian ends at most 30 min ahead, this one 31 min",
  },
  {
    code: "too-long",
    name: "a millisecond beyond what is tolerated",
    document: pause({ by: [alice], until: START + 30 * MINUTE + 1_251 }),
    says: "a pause by one guardian ends at most 30 min ahead, this one 1801.251 s",
  },
  {
    code: "too-long",
    name: "61 minutes by two",
    document: pause({ by: [alice, bob], until: START + 61 * MINUTE }),
    says: "two guardians",
  },
  {
    code: "too-long",
    name: "25 hours by governors",
    document: pause({ by: QUORUM, until: START + 25 * HOUR }),
    says: "governors",
  },
  {
    code: "allowance",
    name: "a minute more than is left",
    document: pause({ by: [alice], until: soon }),
    memory: acted(alice, 0, 51 * MINUTE, START),
    says: `${alice} has 9 min left until ${iso(START + 7 * DAY)}`,
  },
  {
    code: "allowance",
    name: "one of two has none left",
    document: pause({ by: [alice, bob], until: soon }),
    memory: acted(bob, 0, 60 * MINUTE, START),
    says: `${bob} has 0 min left`,
  },
  {
    code: "nothing",
    name: "no pause to withdraw",
    document: withdrawal({ by: [alice] }),
    says: "no pause of ETH/USD is theirs alone to withdraw",
  },
  {
    code: "busy",
    name: "the list of pauses is full of stronger ones",
    document: pause({ by: [alice], until: soon }),
    memory: full,
    says: "none of them is weaker",
  },
];
