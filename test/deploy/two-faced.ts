import { DatabaseSync } from "node:sqlite";
import { readNetworkFile, readNodeFile } from "../../cli/files.ts";
import { readKeyFile, readPassword } from "../../node/io/keys.ts";
import { startTransport } from "../../node/io/transport.ts";
import type { TransportMetrics } from "../../node/io/transport-types.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { MAX_TOPIC_BYTES } from "../../node/wire.ts";
import { encodeSignedObservation, signObservation } from "../../protocol/observation.ts";

const REACH_MS = 20_000;
const LOOK_MS = 100;
const NOTHING: TransportMetrics = {
  onGossip: () => undefined,
  onRequest: () => undefined,
  onLink: () => undefined,
  onRefused: () => undefined,
};

/**
 * What a process with a stolen or copied key does: as a member that is not there just now, signs two observations of each of a few rounds
 * and sends both to everybody.
 */
export async function contradictAs(configFile: string): Promise<void> {
  const config = readNodeFile(configFile);
  const { config: network, configDigest, domain } = readNetworkFile(config.network);
  const key = await readKeyFile(config.key.file, await readPassword({ ...passwordOf(config.key), environment: {} }));
  const transport = await startTransport({
    ...{ key, listen: ["/ip4/127.0.0.1/tcp/0"], peers: config.peers, metrics: NOTHING },
    committee: network.committee.map(({ address }) => address),
    topics: Object.entries(MAX_TOPIC_BYTES).map(([topic, maxBytes]) => ({ topic, maxBytes })),
    onGossip: () => "ignore",
    onRequest: () => undefined,
    log: { info: () => undefined, warn: () => undefined },
  });
  try {
    const end = Date.now() + REACH_MS;
    while (transport.reachable("observation").length === 0) {
      if (Date.now() > end) throw new Error("nobody listens to what is to be contradicted");
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    for (let times = 0; times < 3; times++) {
      const round = Math.floor(Date.now() / network.roundMs);
      for (const value of [1n, 2n]) {
        const gauges = [{ gauge: "seen", value, asOf: Date.now() }];
        const contents = { round, configDigest, head: NO_HEAD, entries: [], gauges, shadows: [], documents: [] };
        const signed = signObservation(contents, domain, {
          scheme: key.scheme,
          privateKey: key.privateKey,
          address: key.address,
        });
        await transport.publish("observation", encodeSignedObservation(signed));
      }
      await new Promise((resolve) => setTimeout(resolve, network.roundMs));
    }
  } finally {
    await transport.stop();
  }
}

function passwordOf({ passwordFile }: { readonly passwordFile?: string | undefined }): { readonly passwordFile?: string } {
  return passwordFile === undefined ? {} : { passwordFile };
}

/** What a second process on the same store leaves in it: promises of the rounds to come, for other headers. */
export function promiseElsewhere(store: string, roundMs: number): void {
  const db = new DatabaseSync(store);
  try {
    const insert = db.prepare(
      "INSERT OR IGNORE INTO signed (round, kind, config_digest, digest, recorded_at) VALUES (?, 'round', ?, ?, ?)",
    );
    const { config_digest: config = "" } = db.prepare("SELECT config_digest FROM signed LIMIT 1").get() ?? {};
    const next = Math.floor(Date.now() / roundMs) + 2;
    for (let round = next; round < next + 20; round++) insert.run(round, config, `0x${"5e".repeat(32)}`, Date.now());
  } finally {
    db.close();
  }
}

/** Its newest certificate still reads as one, and no longer verifies: a bit of a signature has turned. */
export function turnBitOfNewest(store: string): void {
  const db = new DatabaseSync(store);
  try {
    const newest = db.prepare("SELECT id, certificate FROM rounds ORDER BY round DESC LIMIT 1").get();
    if (newest === undefined) throw new Error(`${store} holds no round`);
    const certificate = Uint8Array.from(newest.certificate as Uint8Array);
    const at = certificate.length - 20;
    certificate[at] = (certificate[at] ?? 0) ^ 1;
    db.prepare("UPDATE rounds SET certificate = ? WHERE id = ?").run(certificate, newest.id ?? null);
  } finally {
    db.close();
  }
}
