import { followTransitions, parseChanges, trustCommittee, trustNetwork } from "../../client/committee.ts";
import type { Trust } from "../../client/verify.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { noble } from "../../protocol/secp256k1.ts";

/** Whose signatures count, and on whose word, to be shown. */
export type Root = { readonly trust: Trust; readonly words: string };

/** Asks a gateway's `/v1/…`; who carries the answers need not be trusted where a digest is given. */
export type Ask = (path: string) => Promise<unknown>;

/** Pages of transitions at most; a network that changed more often is followed with the command line. */
const MAX_PAGES = 64;

/** The committee as this gateway states it: that the gateway agrees with itself is all that follows. */
export async function trustGateway(ask: Ask): Promise<Result<Root, string>> {
  const trusted = trustCommittee(await ask("v1/committee"));
  if (!trusted.ok) return trusted;
  return ok({ trust: trusted.value, words: `this gateway's own word: ${describe(trusted.value)}` });
}

/** From the genesis digest alone: the config that hashes to it and every change since are carried by the gateway, and checked here. */
export async function trustDigest(digest: string, ask: Ask): Promise<Result<Root, string>> {
  if (!/^0x[0-9a-f]{64}$/.test(digest)) return fail("expected a digest: 0x and 64 lower-case hex digits");
  let trust: Trust | undefined;
  let path = "v1/governance/transitions";
  for (let page = 0; page < MAX_PAGES; page++) {
    const changes = parseChanges(await ask(path));
    if (!changes.ok) return changes;
    const { genesis, transitions, more } = changes.value;
    if (trust === undefined) {
      if (genesis?.configDigest !== digest) {
        return fail(`this gateway's network was founded with another config: ${genesis?.configDigest ?? "none is given"}`);
      }
      trust = trustNetwork(genesis);
    }
    const followed = followTransitions(trust, transitions, { scheme: noble });
    if (!followed.ok) return followed;
    trust = followed.value;
    const last = transitions.at(-1);
    if (!more || last === undefined) return ok({ trust, words: `the genesis digest given by you: ${describe(trust)}` });
    path = `v1/governance/transitions?after=${last.certificate.header.round}`;
  }
  return fail("the network has changed too often to be followed here; breakwater verify --genesis does");
}

function describe({ committee: { members, quorum }, eras }: Trust): string {
  const changes = (eras?.length ?? 1) - 1;
  const way = changes === 0 ? "" : `, after ${changes} verified ${changes === 1 ? "change" : "changes"} of config`;
  return `${members.length} members, of whom ${quorum} must sign${way}`;
}
