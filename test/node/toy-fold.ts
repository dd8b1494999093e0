import type { RoundInput } from "../../aggregator/round.ts";
import type { Fold } from "../../node/desk.ts";
import { concat, fromHex, keccakHex, toHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { decodeSignedObservation, encodeSignedObservation } from "../../protocol/observation.ts";
import { fail, ok } from "../../protocol/result.ts";

/** A fold of the real one's shape that prices nothing: its state is a hash of everything that went in since the first round. */
export const toyFold: Fold = {
  nextRound: ({ network, parent, round, observations }: RoundInput) => {
    const timestamp = round * network.config.roundMs;
    const inputsRoot = keccakHex(concat(...observations.map(({ digest }) => fromHex(digest))));
    const header = {
      round,
      timestamp,
      validUntil: timestamp + network.config.leaseMs,
      parent: parent?.digest ?? ZERO_DIGEST,
      reportsRoot: ZERO_DIGEST,
      stateRoot: keccakHex(concat(utf8("state"), fromHex(inputsRoot), fromHex(parent?.header.stateRoot ?? ZERO_DIGEST))),
      inputsRoot,
      configDigest: network.configDigest,
    };
    return { header, digest: roundDigest(network.domain, header), feeds: [], memory: { feeds: [] } };
  },
  bodyOf: ({ parent, round, observations }) => ({
    round,
    parent: parent?.header,
    memory: "0x",
    observations: observations.map((signed) => toHex(encodeSignedObservation(signed))),
  }),
  recomputeBody: (network, body, scheme) => {
    const observations = body.observations.flatMap((hex) => {
      const decoded = decodeSignedObservation(fromHex(hex), network.domain, scheme);
      return decoded.ok ? [decoded.value] : [];
    });
    if (observations.length < network.committee.quorum) return fail("too few observations");
    const { parent: header, round } = body;
    const digest = header === undefined ? ZERO_DIGEST : roundDigest(network.domain, header);
    const parent = header === undefined ? undefined : { header, digest, memory: { feeds: [] } };
    const opened = { parent, round, observations };
    return ok({ ...opened, ...toyFold.nextRound({ network, ...opened }) });
  },
};
