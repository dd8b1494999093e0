import { describe, expect, it } from "vitest";
import { participationSchema } from "../../gateway/participation.ts";
import { leaderOf } from "../../protocol/committee.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import { type Recorded, recordChain, recordedNetwork } from "../cli/recorded-chain.ts";
import { testKeys } from "../support/network.ts";
import { buildTestGateway } from "./support.ts";

const ROUTE = "/v1/committee/participation";
const network = recordedNetwork(["BTC/USD", "ETH/USD"]);
const { rounds } = recordChain(network, 30);
const numberOf = ({ body }: Recorded): number => body.round;
const [first, newest] = [rounds[0], rounds.at(-1)].map((round) => (round === undefined ? 0 : numberOf(round)));
const members = testKeys(4).map(({ address }) => address);

/** A gateway that has these rounds with their bodies; of `bare` ones only certificates. */
async function open(recorded: readonly Recorded[], bare: readonly number[] = []) {
  const gateway = await buildTestGateway({ network, rounds: [] });
  const add = (round: Recorded): void =>
    gateway.memory.publish(round.certified, bare.includes(numberOf(round)) ? undefined : round.body);
  recorded.forEach(add);
  const ask = async (query = "") => participationSchema.parse((await gateway.get(`${ROUTE}${query}`)).json());
  return { ...gateway, add, ask };
}

describe(`GET ${ROUTE}`, () => {
  it("names for every number its leader, who observed and who signed, and the numbers that were missed", async () => {
    const { ask } = await open(rounds);
    const found = await ask("?rounds=30");
    expect(found).toMatchObject({ to: newest, from: (newest ?? 0) - 29, certified: 29, bodies: 29, quorum: 3 });
    const missed = found.rounds.filter(({ certified }) => !certified).map(({ round }) => round);
    expect(missed).toEqual([(first ?? 0) + 3]);
    for (const { round, leader, certified, observers, signers } of found.rounds) {
      expect(leader).toBe(leaderOf(network.committee, round));
      expect(observers).toEqual(certified ? members : null);
      expect(signers).toEqual(certified ? members.slice(0, 3) : []);
    }
    expect(found.members.map(({ observed, signed }) => [observed, signed])).toEqual([
      [29, 29],
      [29, 29],
      [29, 29],
      [29, 0],
    ]);
    expect(found.members.map(({ newest: seen }) => seen)).toEqual(members.map(() => newest));
    expect(found.members.reduce((sum, { turns }) => sum + turns, 0)).toBe(30);
    expect(found.members.reduce((sum, { led }) => sum + led, 0)).toBe(29);
  });

  it("says of a certificate without its body only what the certificate says", async () => {
    const { ask } = await open(rounds, [newest ?? 0, (newest ?? 0) - 1]);
    const found = await ask();
    expect(found).toMatchObject({ certified: 30, bodies: 28 });
    expect(found.rounds.at(-1)).toMatchObject({ certified: true, observers: null, signers: members.slice(0, 3) });
  });

  it("goes on with each new round, and is not sent again to who has it", async () => {
    const { ask, add, get, app } = await open(rounds.slice(0, 29));
    expect((await ask()).to).toBe((newest ?? 0) - 1);
    const { headers } = await get(ROUTE);
    const again = await app.inject({ method: "GET", url: ROUTE, headers: { "if-none-match": String(headers.etag) } });
    expect(again.statusCode).toBe(304);
    const last = rounds.at(-1);
    if (last !== undefined) add(last);
    const found = await ask();
    expect(found).toMatchObject({ to: newest, bodies: 30 });
    expect((await ask("?rounds=5")).rounds).toHaveLength(5);
  });

  it("counts the equivocations held against each member", async () => {
    const { ask, memory } = await open(rounds);
    memory.accuse({ signer: members[2] } as unknown as Evidence);
    expect((await ask()).members.map(({ evidence }) => evidence)).toEqual([0, 0, 1, 0]);
  });

  it("gives no leader to a round under another config, refuses too many rounds, and waits for the first", async () => {
    const changing = recordChain(network, 20, { changes: true });
    const { ask, get } = await open(changing.rounds);
    const others = changing.rounds.filter(({ certified }) => certified.certificate.header.configDigest !== network.configDigest);
    expect(others.length).toBeGreaterThan(0);
    const found = await ask("?rounds=21");
    expect(found.rounds.filter(({ leader }) => leader === null).map(({ round }) => round)).toEqual(others.map(numberOf));
    expect((await get(`${ROUTE}?rounds=241`)).status).toBe(400);
    expect((await (await open([])).get(ROUTE)).status).toBe(503);
  });
});
