import { assert } from "../../protocol/assert.ts";
import type { Network } from "../../protocol/config.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import { createRandom } from "../random.ts";
import type { AdversaryView } from "./adversary.ts";
import type { NodeClock } from "./clock.ts";
import type { Ears } from "./ears.ts";
import type { EventQueue } from "./events.ts";
import type { Gossip } from "./gossip.ts";
import type { Host } from "./host.ts";
import type { Witness } from "./occurrence.ts";
import type { Key } from "./signatures.ts";

/** What a byzantine node may see and do, nothing of which an attacker with its key and machine could not. */
export function openView({
  seed,
  network,
  scheme,
  keys,
  queue,
  witness,
  name,
  host,
  clock,
  ears,
  gossip,
  cabal,
}: {
  readonly seed: number;
  readonly network: Network;
  readonly scheme: Secp256k1;
  readonly keys: readonly Key[];
  readonly queue: EventQueue;
  readonly witness: Witness;
  /** Of its behaviour. */
  readonly name: string;
  readonly host: Host;
  readonly clock: NodeClock;
  readonly ears: Ears;
  readonly gossip: Gossip;
  readonly cabal: AdversaryView["cabal"];
}): AdversaryView {
  const node = host.index;
  const key = keys[node];
  assert(key !== undefined, "a node has a key");
  const everybody = keys.map((_, index) => index);
  return {
    // After a change of config a behaviour goes with the network, or it would be harmless.
    get network() {
      return host.machine()?.network() ?? network;
    },
    scheme,
    node,
    key,
    cabal,
    random: createRandom(seed, `byzantine ${node}`),
    now: () => clock.read(queue.now()),
    get machine() {
      const machine = host.machine();
      assert(machine !== undefined, "a behaviour acts while its machine runs");
      return machine;
    },
    everybody,
    honest: everybody.filter((index) => !cabal.some((member) => member.node === index)),
    addressOf: (index) => {
      const found = keys[index];
      assert(found !== undefined, "a node has an address");
      return found.address;
    },
    look: host.look,
    sample: () => host.look().entries,
    heard: ears.observations,
    certificates: ears.certificates,
    messages: ears.messages,
    send: (topic, bytes, to) => {
      witness({ at: queue.now(), kind: "sent", node, topic, bytes, to });
      if (to === undefined) gossip.publish(node, topic, bytes);
      else for (const peer of to) gossip.send(node, peer, topic, bytes);
    },
    after: (ms, run) =>
      queue.after(ms, () => {
        if (host.isUp()) host.deliver(run);
      }),
    handle: host.handle,
    misbehaved: (what) => witness({ at: queue.now(), kind: "misbehaved", node, behaviour: name, what }),
  };
}
