import { describe, expect, it } from "vitest";
import { createDocumentReader } from "../../gateway/document-reader.ts";
import type { GatewayPorts } from "../../gateway/ports.ts";
import { toHex } from "../../protocol/bytes.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import { GUARDIANS, governedNetwork, signedBy } from "../support/governance.ts";
import { scheme } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";
import { buildTestGateway } from "./support.ts";

const network = governedNetwork();
const PAUSE = { kind: "pause", feed: feedId("ETH/USD"), action: "none", until: 1_795_301_000_000 } as const;
const pauseWith = (nonce: number) => signedBy(GUARDIANS.slice(0, 1), PAUSE, network, nonce);
const open = (options: Partial<Omit<GatewayPorts, "network">>) => buildTestGateway({ network, rounds: [], ...options });

describe("what is brought and refused", () => {
  it("is answered with the network's own code and its words", async () => {
    for (const [code, expected] of [
      ["too-long", 409],
      ["malformed", 422],
    ] as const) {
      const { post } = await open({ submit: () => ({ ok: false, code, detail: "at most half an hour" }) });
      for (const path of ["/v1/breaker/pause", "/v1/governance/documents"]) {
        const { status, json } = await post(path, { document: toHex(pauseWith(1).bytes) });
        expect([status, json().code, json().detail]).toEqual([expected, code, "at most half an hour"]);
      }
    }
  });

  it("a replay that fails for a reason of the gateway's own says nothing of it", async () => {
    const replay = () => Promise.reject(new Error("/var/lib/breakwater/node.sqlite: disk I/O error"));
    const { post, logged } = await open({ replay });
    const { status, json } = await post("/v1/governance/replay", { config: JSON.parse(JSON.stringify(network.config)) });
    expect(status).toBe(500);
    expect(JSON.stringify(json())).not.toContain("sqlite");
    expect(logged).toHaveLength(1);
  });
});

it("documents are read once each, and the last 128 are remembered", () => {
  let recovered = 0;
  const counting: Secp256k1 = {
    ...scheme,
    recover: (hash, signature) => {
      recovered += 1;
      return scheme.recover(hash, signature);
    },
  };
  const read = createDocumentReader({
    network: () => network,
    genesis: network.config,
    transitions: () => [],
    scheme: counting,
  });
  const pauses = Array.from({ length: 129 }, (_, index) => pauseWith(index + 1));
  const first = pauses.slice(0, 1);
  const readAll = (documents: typeof pauses) => documents.every((signed) => read(signed)?.kind === "pause");
  expect(readAll([...pauses.slice(0, 128), ...first])).toBe(true);
  expect(recovered).toBe(128);
  expect(readAll([...pauses.slice(128), ...first])).toBe(true);
  expect(recovered).toBe(130);
});
