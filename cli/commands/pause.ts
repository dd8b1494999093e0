import { Command } from "commander";
import { slugToFeed } from "../../protocol/feed.ts";
import type { DocumentContent, FeedScope, PauseAction } from "../../protocol/governance.ts";
import { ALL_FEEDS, PAUSE_ACTIONS } from "../../protocol/governance.ts";
import { badFlag, parseWhole } from "../flags.ts";
import { type ActOptions, act, type Origin, withConsent } from "../governance/acting.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

const MINUTE_MS = 60_000;
/** Governors' longest. */
const MAX_MINUTES = 1_440;

type PauseOptions = ActOptions & { readonly feed?: string; readonly action?: string; readonly minutes?: string };

const HELP = `
Examples:
  $ breakwater pause --key alice.key.json --feed ETH/USD --action none --minutes 20
  $ breakwater pause --key alice.key.json --feed "*" --action robust --minutes 30
  $ breakwater pause --key alice.key.json --feed ETH/USD --action withdraw

Two guardians together, no liquidation of anything for an hour:
  $ breakwater pause --key alice.key.json --feed "*" --action none --minutes 60 --out stop.json
  $ breakwater pause --key bob.key.json --with stop.json

A guardian alone: none for one feed or chain, robust for one or all, at most 30 minutes; two of them none for all, at most 60. Either
is charged to an allowance of 60 minutes in seven days. Governors: anything for a day. Every pause ends by itself.`;

/** `breakwater pause`: stops or narrows liquidations at once, for a time, by a guardian's or governors' word. */
export function pauseCommand(terminal: Terminal = processTerminal()): Command {
  return withConsent(new Command("pause"))
    .description("Pause liquidations of a feed, a chain or everything, or withdraw a pause, as a guardian or with governors")
    .option("--feed <feed>", "ETH/USD, CHAIN/ETHEREUM, or * for everything")
    .option("--action <action>", `${PAUSE_ACTIONS.join(", ")}`)
    .option("--minutes <n>", "how long; not for withdraw")
    .addHelpText("after", HELP)
    .action(async (options: PauseOptions) => {
      // Before the key is opened: a mistyped flag must not cost an emergency a password.
      const origin = originOf(options, terminal.now());
      await act("pause", origin, options, terminal);
    });
}

function originOf(options: PauseOptions, now: number): Origin {
  const { with: file, feed, action, minutes } = options;
  if (file === undefined) {
    const content = contentOf(options, now);
    return { say: () => content };
  }
  if (feed === undefined && action === undefined && minutes === undefined) return { file };
  throw badFlag("--with", "the file says what is signed: leave --feed, --action and --minutes out");
}

function contentOf({ feed, action, minutes }: PauseOptions, now: number): DocumentContent {
  const asked = parseAction(action);
  const scope = parseScope(feed);
  if (asked === "withdraw") {
    if (minutes !== undefined) throw badFlag("--minutes", "a withdrawal counts at once: leave it out");
    return { kind: "pause", feed: scope, action: asked, until: 0 };
  }
  const length = parseWhole("--minutes", minutes ?? "");
  if (length < 1 || length > MAX_MINUTES) throw badFlag("--minutes", `expected 1 to ${MAX_MINUTES}`);
  return { kind: "pause", feed: scope, action: asked, until: now + length * MINUTE_MS };
}

function parseAction(text: string | undefined): PauseAction {
  const action = PAUSE_ACTIONS.find((item) => item === text);
  if (action === undefined) throw badFlag("--action", `expected ${PAUSE_ACTIONS.join(", ")}`);
  return action;
}

function parseScope(text: string | undefined): FeedScope {
  if (text === ALL_FEEDS) return ALL_FEEDS;
  const feed = slugToFeed(text ?? "");
  if (!feed.ok) throw badFlag("--feed", "expected a feed as ETH/USD, a chain as CHAIN/ETHEREUM, or * for everything");
  return feed.value;
}
