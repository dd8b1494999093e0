import { describe, expect, it } from "vitest";
import { followTransitions, parseChanges, trustNetwork } from "../../client/committee.ts";
import {
  documentListSchema,
  documentSchema,
  governanceSchema,
  keyholdersSchema,
  replaySchema,
  submittedSchema,
} from "../../gateway/governance.ts";
import type { GatewayPorts, GovernanceView } from "../../gateway/ports.ts";
import { type Digest, toHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { DocumentContent, SignedDocument } from "../../protocol/governance.ts";
import { changed, keysOf, transitionInto } from "../client/changing.ts";
import { GOVERNORS, GUARDIANS, governance, governedNetwork, signedBy } from "../support/governance.ts";
import { digestOf, plainSources, scheme, testKey } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";
import { buildTestGateway } from "./support.ts";

const feeds = ["BTC/USD", "ETH/USD", "LINK/USD"].map((feed) => ({ feed, preset: "major", sources: plainSources(feed, 6) }));
const network = governedNetwork({ feeds });
const [guardian, second] = GUARDIANS;
if (guardian === undefined || second === undefined) throw new Error("three guardians were asked for");

const PAUSE: DocumentContent = { kind: "pause", feed: feedId("ETH/USD"), action: "none", until: 1_795_301_000_000 };
const pause = signedBy([guardian], PAUSE, network);
const next = changed(network, undefined, { leaseMs: 90_000 });
const CONFIG: DocumentContent = {
  ...{
    kind: "config",
    version: 2,
    replaces: network.configDigest,
    configDigest: next.configDigest,
    activation: 1_795_400_000_000,
  },
  ...{ replayTo: 1_795_300_000, replay: digestOf(9), config: next.config },
};
const proposal = signedBy(GOVERNORS.slice(0, 3), CONFIG, network);

const VIEW: GovernanceView = {
  keyholders: [{ address: guardian.address, nonce: 7, usedMs: 60_000, usedAt: 1_795_300_000_000 }],
  pauses: [
    { feed: feedId("ETH/USD"), action: "none", until: 1_795_300_900_000, power: "guardian", keyholders: [guardian.address] },
  ],
  pending: {
    configDigest: next.configDigest,
    activation: 1_795_400_000_000,
    feeds: [{ feed: feedId("ETH/USD"), agreedAt: 0, accepted: true }],
  },
  previous: ZERO_DIGEST,
};

const open = (options: Partial<Omit<GatewayPorts, "network">> = {}) => buildTestGateway({ network, rounds: [], ...options });
const hexOf = ({ bytes }: SignedDocument) => ({ document: toHex(bytes) });

describe("/v1/governance", () => {
  it("says who may what, what is in force and what is on its way", async () => {
    const { get, memory } = await open({ governance: () => VIEW });
    memory.kept.transitions.push(transitionInto(next, 1_795_300_000, keysOf(0, 1, 2)));
    const document = governanceSchema.parse((await get("/v1/governance")).json());
    expect(document).toEqual({
      ...{ configDigest: network.configDigest, version: 1, quorum: 3, ...namesOnly() },
      pending: VIEW.pending,
      previous: null,
      pauses: VIEW.pauses,
      transitions: [{ round: 1_795_300_000, configDigest: next.configDigest }],
    });
  });

  it("says it before the first round as well, and names where a roll-back leads", async () => {
    const { get } = await open();
    const early = governanceSchema.parse((await get("/v1/governance")).json());
    expect(early).toMatchObject({ pending: null, previous: null, pauses: [], transitions: [] });
    const later = await open({ governance: () => ({ ...VIEW, previous: digestOf(5), pending: undefined }) });
    expect((await later.get("/v1/governance")).json()).toMatchObject({ pending: null, previous: digestOf(5) });
  });

  it("lists the keyholders with what each has used up", async () => {
    const { get } = await open({ governance: () => VIEW });
    const { keyholders } = keyholdersSchema.parse((await get("/v1/governance/keyholders")).json());
    expect(keyholders).toHaveLength(GOVERNORS.length + GUARDIANS.length);
    expect(keyholders.filter(({ role }) => role === "governor")).toHaveLength(GOVERNORS.length);
    const used = { role: "guardian", nonce: 7, usedMs: 60_000, usedAt: 1_795_300_000_000 };
    expect(keyholders.filter(({ nonce }) => nonce > 0)).toEqual([{ name: "guardian0", address: guardian.address, ...used }]);
  });
});

describe("/v1/governance/documents", () => {
  const kept = (document: SignedDocument) => ({ digest: document.digest, kind: document.document.kind, bytes: document.bytes });

  it("lists what was said, and gives one whole with its bytes", async () => {
    const { get, memory } = await open();
    memory.kept.documents.push(kept(pause), kept(proposal));
    const { documents } = documentListSchema.parse((await get("/v1/governance/documents")).json());
    expect(documents.map(({ kind }) => kind)).toEqual(["config", "pause"]);
    expect(documents[1]).toEqual({
      ...{ digest: pause.digest, kind: "pause", bytes: pause.bytes.length },
      content: { feed: "ETH/USD", action: "none", until: 1_795_301_000_000 },
      approvals: [{ name: "guardian0", keyholder: guardian.address, nonce: 1 }],
    });
    expect(documents[0]?.content).not.toHaveProperty("config");
    expect(documents[0]?.content).toMatchObject({ version: 2, configDigest: next.configDigest, replay: digestOf(9) });
    expect(documents[0]?.approvals.map(({ name }) => name).sort()).toEqual(["governor0", "governor1", "governor2"]);
    const one = documentSchema.parse((await get(`/v1/governance/documents/${proposal.digest}`)).json());
    expect(one).toMatchObject({ ...documents[0], ...hexOf(proposal) });
    expect(one.config).toEqual(JSON.parse(JSON.stringify(next.config)));
    expect((await get("/v1/governance/documents?limit=1")).json().documents).toHaveLength(1);
  });

  it("reads those of keyholders who are gone by the config of their time, and lists what nobody knows unread", async () => {
    const { get, memory, options } = await open();
    const stranger = { ...governance(), guardians: [{ name: "newcomer", address: testKey(90).address }] };
    const after = changed(network, undefined, { governance: { ...network.config.governance, ...stranger } });
    const unread = signedBy([testKey(91)], PAUSE, network);
    memory.kept.documents.push(kept(pause), kept(unread));
    expect(options.network().configDigest).toBe(network.configDigest);
    const moved = await buildTestGateway({ network: after, rounds: [], genesis: network.config });
    moved.memory.kept.documents.push(kept(pause), kept(unread));
    for (const ask of [get, moved.get]) {
      const { documents } = documentListSchema.parse((await ask("/v1/governance/documents")).json());
      expect(documents.map(({ content, approvals }) => [content === null, approvals[0]?.name])).toEqual([
        [true, undefined],
        [false, "guardian0"],
      ]);
    }
  });
});

describe("/v1/governance/transitions", () => {
  it("leads whoever holds the genesis config to the committee of today, page by page", async () => {
    const { get, memory } = await open();
    const rotated = changed(network, keysOf(1, 2, 3, 4));
    const third = changed(rotated, keysOf(2, 3, 4, 5));
    memory.kept.transitions.push(transitionInto(rotated, 10, keysOf(1, 2, 3)), transitionInto(third, 20, keysOf(2, 3, 4)));
    const first = parseChanges((await get("/v1/governance/transitions?limit=1")).json());
    if (!first.ok || first.value.genesis === undefined) throw new Error("the genesis config comes with the beginning");
    expect(first.value).toMatchObject({ more: true, genesis: { configDigest: network.configDigest } });
    const half = followTransitions(trustNetwork(first.value.genesis), first.value.transitions, { scheme });
    const rest = parseChanges((await get("/v1/governance/transitions?after=10")).json());
    if (!half.ok || !rest.ok) throw new Error("both pages parse");
    expect(rest.value).toMatchObject({ genesis: undefined, more: false });
    const whole = followTransitions(half.value, rest.value.transitions, { scheme });
    expect(whole.ok && whole.value.committee).toEqual(third.committee);
  });
});

describe("a document that is brought", () => {
  it("goes to the node as its bytes, whichever way it comes", async () => {
    const taken: Uint8Array[] = [];
    const submit = (bytes: Uint8Array) => {
      taken.push(bytes);
      return { ok: true, digest: pause.digest, code: "carried" } as const;
    };
    const { post } = await open({ submit });
    for (const path of ["/v1/breaker/pause", "/v1/governance/documents"]) {
      const { status, json } = await post(path, hexOf(pause));
      expect(status).toBe(202);
      expect(submittedSchema.parse(json())).toEqual({ digest: pause.digest, code: "carried" });
    }
    expect(taken).toEqual([pause.bytes, pause.bytes]);
    expect((await post("/v1/governance/documents", hexOf(proposal))).status).toBe(202);
  });

  it("as a pause must be one", async () => {
    const { post } = await open({ submit: () => ({ ok: true, digest: pause.digest, code: "carried" }) });
    const rollback = signedBy(GOVERNORS.slice(0, 3), { kind: "rollback", from: network.configDigest, to: digestOf(1) }, network);
    const { status, json } = await post("/v1/breaker/pause", hexOf(rollback));
    expect([status, json().code, json().detail]).toEqual([422, "malformed", expect.stringContaining("of kind rollback")]);
  });
});

describe("a replay of a proposed config", () => {
  const report = { proposes: next.configDigest, refusals: [] };
  const config = JSON.parse(JSON.stringify(next.config));

  it("is asked for with the parsed config and the last round, and comes back with its digest", async () => {
    const asked: [NetworkConfig, number | undefined][] = [];
    const replay = async (proposed: NetworkConfig, { to }: { readonly to: number | undefined }) => {
      asked.push([proposed, to]);
      return { digest: digestOf(3) as Digest, report };
    };
    const { post } = await open({ replay });
    const { status, json } = await post("/v1/governance/replay", { config });
    expect(status).toBe(200);
    expect(replaySchema.parse(json())).toEqual({ digest: digestOf(3), report });
    await post("/v1/governance/replay", { config, to: 1_795_300_000, activation: 1 });
    expect(asked).toEqual([
      [next.config, undefined],
      [next.config, 1_795_300_000],
    ]);
  });

  it("has one place for a subscriber, however many addresses he makes of his /64", async () => {
    const { app } = await open({ replay: () => new Promise(() => undefined) });
    const url = "/v1/governance/replay";
    const ask = (remoteAddress: string, to: number) =>
      app.inject({ method: "POST", url, payload: { config, to }, remoteAddress });
    void ask("2001:db8::1", 5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await ask("2001:db8::2:3:4:5", 6)).statusCode).toBe(503);
    const waits = ask("2001:db8:0:1::1", 7).then(() => "answered");
    expect(await Promise.race([waits, new Promise((resolve) => setTimeout(resolve, 100))])).toBe(undefined);
  });

  it("runs once for all who ask the same, one at a time for an address, and the next may come after a failure too", async () => {
    let ended: ((error?: Error) => void)[] = [];
    const replay = () =>
      new Promise<{ digest: Digest; report: object }>((resolve, reject) => {
        ended.push((error) => (error === undefined ? resolve({ digest: digestOf(3), report }) : reject(error)));
      });
    const { post } = await open({ replay });
    const ask = (to?: number) => post("/v1/governance/replay", { config, ...(to === undefined ? {} : { to }) });
    const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
    const first = [ask(), ask()];
    await settle();
    expect(ended).toHaveLength(1);
    const busy = await ask(5);
    expect([busy.status, busy.json().type, busy.headers["retry-after"]]).toEqual([
      503,
      "urn:breakwater:problem:replay-busy",
      "30",
    ]);
    ended[0]?.(Object.assign(new Error("round 5 is not in this node's store"), { code: "replay" }));
    for (const failed of await Promise.all(first)) {
      expect([failed.status, failed.json().detail]).toEqual([409, "round 5 is not in this node's store"]);
    }
    ended = [];
    const second = ask();
    while (ended.length === 0) await settle();
    ended[0]?.();
    expect((await second).status).toBe(200);
    expect((await ask()).json()).toEqual((await second).json());
    expect(ended, "the answer is remembered").toHaveLength(1);
  });

  it("refuses a config that is out of all proportion to the one in force, before it is looked at", async () => {
    const { post } = await open({ replay: () => Promise.reject(new Error("nobody asks")) });
    const most = 2 * JSON.stringify(network.config).length + 64 * 1024;
    const padded = (length: number) => ({
      config: { ...config, x: "x".repeat(length - JSON.stringify({ ...config, x: "" }).length) },
    });
    expect((await post("/v1/governance/replay", padded(most))).status).toBe(422);
    const { status, json } = await post("/v1/governance/replay", padded(most + 1));
    expect([status, json().detail]).toEqual([413, `a config of this network is proposed in at most ${most} characters`]);
  });
});

function namesOnly() {
  const { governors, guardians } = network.config.governance;
  return { governors, guardians };
}
