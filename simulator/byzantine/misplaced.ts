import { WINDOW_ROUNDS } from "../../node/gossip-judge.ts";
import { TOPICS } from "../../node/machine.ts";
import { keccakHex, utf8 } from "../../protocol/bytes.ts";
import { decodeSignedObservation } from "../../protocol/observation.ts";
import type { CreateBehaviour } from "../cluster/adversary.ts";
import { leads, observe, pick, proposalOf, sendObservation, signatureOf } from "./craft.ts";
import { divert, headerOf } from "./interception.ts";

/** Hopes to be counted under rules that are not in force (P6): all it says carries the digest of another config. */
export const createOldConfig: CreateBehaviour = (view) => {
  const configDigest = keccakHex(utf8("a config that is not in force"));
  return {
    outputs: (outputs) =>
      divert(outputs, (topic, bytes) => {
        if (topic === "certificate") return false;
        view.misbehaved(`a ${topic} under another config`);
        if (topic === "observation") {
          const own = decodeSignedObservation(bytes, view.network.domain, view.scheme);
          if (own.ok) sendObservation(view, observe(view, { ...own.value.observation, configDigest }));
          return true;
        }
        const header = headerOf({ topic, bytes });
        if (header === undefined) return true;
        const old = { ...header, configDigest };
        view.send(
          topic,
          topic === "signature" ? signatureOf(view, old) : proposalOf(view, { header: old, observations: [] }, undefined),
        );
        return true;
      }),
  };
};

/** Hopes to speak before the others can (P1, P3): observations of rounds to come, within the window and just beyond it. */
export const createFutureRounds: CreateBehaviour = (view) => ({
  onRound: (present) => {
    for (let ahead = 1; ahead <= WINDOW_ROUNDS + 1; ahead++) {
      const round = present + ahead;
      sendObservation(view, observe(view, { round }));
      if (!leads(view, round)) continue;
      const { roundMs, leaseMs } = view.network.config;
      const times = { round, timestamp: round * roundMs, validUntil: round * roundMs + leaseMs };
      const digest = view.network.configDigest;
      const header = {
        ...times,
        parent: digest,
        reportsRoot: digest,
        stateRoot: digest,
        inputsRoot: digest,
        configDigest: digest,
      };
      const observations = view.heard(present).map((signed) => signed.digest);
      view.send("proposal", proposalOf(view, { header, observations: [...new Set(observations)] }, undefined));
    }
    view.misbehaved("speaks for rounds to come");
  },
});

/** Hopes that what was said once is heard again (P1, P9): others' messages of earlier rounds, byte for byte. */
export const createReplayedMessages: CreateBehaviour = (view) => ({
  onRound: () => {
    for (const topic of TOPICS) {
      const heard = view.messages(topic);
      for (const bytes of [heard[0], pick(view, heard)]) {
        if (bytes === undefined) continue;
        view.send(topic, Uint8Array.from(bytes));
        view.misbehaved(`an earlier ${topic} again`);
      }
    }
  },
});
