import { FOLD } from "../../node/fold.ts";
import type { Input, Output, RoundMachine } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { encodeHello } from "../../node/wire.ts";
import type { Digest } from "../../protocol/bytes.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { ownDigest } from "./mask.ts";

/** The second process looks at the market with pollers of its own, which never see quite the same. */
const LOOK_MS = 5;
const WRITE_MS = 3;
const ANSWER_MS = 10;
/** What the one process says reaches the other over the network. */
const HOP_MS = 10;
/** Without a sign of its host for so many rounds the second process ends. */
const IDLE_ROUNDS = 3;

type Published = Extract<Output, { kind: "publish" }>;
type Twin = {
  readonly handle: (input: Input) => void;
  readonly turn: (round: number) => void;
  /** Whether it has promised this digest itself. */
  readonly promised: (digest: Digest) => boolean;
};

/**
 * A second honest machine with the same key and a disk of its own, started as a copied key would be: told that all is well, so that
 * no quarantine holds it up. It hears what its twin hears and asks its twin for what it lacks.
 */
function createTwin(
  view: AdversaryView,
  { says, mayFetch }: { readonly says: (output: Published) => void; readonly mayFetch: (digest: Digest) => boolean },
): Twin {
  const machine: RoundMachine = createRoundMachine({
    network: view.network,
    scheme: view.scheme,
    key: view.key,
    fold: FOLD,
    start: { head: undefined, guard: [], history: [], documents: [], transitions: [] },
  });
  const promised = new Set<Digest>();
  let turned = 0;
  let timer = 0;
  const isIdle = () => Math.floor(view.now() / view.network.config.roundMs) > turned + IDLE_ROUNDS;
  const handle = (input: Input): void => {
    if (isIdle()) return;
    for (const output of machine.handle(input, view.now())) execute(output);
    const token = ++timer;
    view.after(Math.max(1, machine.wakeAt() - view.now()), () => {
      if (token === timer) handle({ kind: "tick" });
    });
  };
  const execute = (output: Output): void => {
    if (output.kind === "publish") says(output);
    if (output.kind === "persist") {
      promised.add(output.record.digest);
      view.after(WRITE_MS, () => handle({ kind: "persisted", record: output.record }));
    }
    if (output.kind === "sample") {
      const { round } = output;
      view.after(LOOK_MS, () => handle({ kind: "sampled", round, entries: view.sample().map(besides), gauges: [], shadows: [] }));
    }
    if (output.kind === "greet") for (const input of reassurances(view)) view.after(ANSWER_MS, () => handle(input));
    if (output.kind === "fetch") {
      const { want, from } = output;
      view.after(ANSWER_MS, () => {
        const bytes = mayFetch(want.digest) ? view.machine.serve(want) : undefined;
        handle(bytes === undefined ? { kind: "fetch-failed", want, from } : { kind: "fetched", want, from, bytes });
      });
    }
  };
  return {
    handle,
    promised: (digest) => promised.has(digest),
    turn: (round) => {
      turned = round;
      handle({ kind: "tick" });
    },
  };
}

function besides(entry: FeedEntry): FeedEntry {
  return { ...entry, price: entry.price + 1n, high: entry.high + 1n };
}

/** What the quarantine would hear from peers in perfect agreement. */
function reassurances(view: AdversaryView): readonly Input[] {
  const at = view.now() + ANSWER_MS;
  const bytes = encodeHello({ clock: at, head: view.machine.status().head, quarantine: false });
  const peers = view.everybody.filter((node) => node !== view.node);
  return peers.map((node) => ({ kind: "hello", from: view.addressOf(node), bytes, sentAt: at, receivedAt: at }));
}

function copyKey({ deaf }: { readonly deaf: boolean }): CreateBehaviour {
  return (view) => {
    const firsts = new Set<Digest>();
    let heard = 0;
    const gossip = ({ topic, bytes }: Pick<Published, "topic" | "bytes">): Input => {
      heard += 1;
      return { kind: "gossip", id: `twin ${heard}`, topic, from: view.addressOf(view.honest[0] ?? 0), bytes };
    };
    const twin = createTwin(view, {
      says: (output) => {
        view.send(output.topic, output.bytes);
        view.misbehaved(`a second process publishes a ${output.topic}`);
        if (!deaf) view.after(HOP_MS, () => view.handle(gossip(output)));
      },
      mayFetch: (digest) => !deaf || !firsts.has(digest),
    });
    return {
      onRound: twin.turn,
      hears: (message) => {
        const own = deaf ? ownDigest(view, message) : undefined;
        if (own === undefined || twin.promised(own)) twin.handle(gossip(message));
        return true;
      },
      outputs: (outputs) => {
        for (const output of outputs) {
          if (output.kind === "persist") firsts.add(output.record.digest);
          if (output.kind === "publish" && !deaf) view.after(HOP_MS, () => twin.handle(gossip(output)));
        }
        return outputs;
      },
    };
  };
}

/** An accident rather than an attack (P2): one key on two machines. They hear of each other, and must both stop. */
export const createCopiedKey = copyKey({ deaf: false });

/** Hopes that one key counts twice (P2): the same, but neither process ever hears of the other, so neither stops. */
export const createCopiedKeyUnheard = copyKey({ deaf: true });
