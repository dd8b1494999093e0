import { parseRedisUrl } from "../gateway/redis-url.ts";
import { type Address, isHex } from "../protocol/bytes.ts";
import { type Member, MIN_COMMITTEE } from "../protocol/committee.ts";
import { MAX_MEMBERS } from "../protocol/proposal.ts";
import { badFlag, parseWhole } from "./flags.ts";
import type { GovernanceTemplate, RedisTemplate } from "./templates.ts";

export type Chain = { readonly chain: string; readonly blockMs: number };
export type Peer = { readonly address: Address; readonly multiaddr: string };

/**
 * `name=0xaddress`, repeated. Checksummed capitals are taken and written in lower case, the one form that is compared.
 *
 * @throws OperationalError `bad-flag`; the message names the flag
 */
export function parseMembers(texts: readonly string[]): readonly Member[] {
  const members = parseNamed("--member", texts);
  if (members.length < MIN_COMMITTEE || members.length > MAX_MEMBERS) {
    throw badFlag("--member", `expected ${MIN_COMMITTEE} to ${MAX_MEMBERS} of them, found ${members.length}`);
  }
  return members;
}

/** `name=0xaddress` for any flag, however many. @throws OperationalError `bad-flag` */
export function parseNamed(flag: string, texts: readonly string[]): readonly Member[] {
  const named = texts.map((text): Member => {
    const [name, value] = splitPair(flag, text, "name=0xaddress");
    const address = value.toLowerCase();
    if (!isHex(address, 20)) throw badFlag(flag, `${name}: expected an address, 0x and 40 hex digits, found "${value}"`);
    return { name, address };
  });
  for (const field of ["name", "address"] as const) {
    const values = named.map((item) => item[field]);
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) throw badFlag(flag, `expected every ${field} once, found "${twice}" twice`);
  }
  return named;
}

/**
 * `--governor` and `--guardian`, each `name=0xaddress`, repeated, and how many governors a change takes; by default more than half.
 *
 * @throws OperationalError `bad-flag`; the message names the flag
 */
export function parseGovernance({
  governor,
  guardian,
  quorum,
}: {
  readonly governor: readonly string[];
  readonly guardian: readonly string[];
  readonly quorum: string | undefined;
}): GovernanceTemplate {
  const governors = parseNamed("--governor", governor);
  const guardians = parseNamed("--guardian", guardian);
  const most = governors.length;
  const least = most === 0 ? 0 : (most >> 1) + 1;
  const chosen = quorum === undefined ? least : parseWhole("--governors-quorum", quorum);
  if (chosen < least || chosen > most)
    throw badFlag("--governors-quorum", `expected ${least} to ${most} of ${most} governors, found ${chosen}`);
  return { governors, quorum: chosen, guardians };
}

/** `CHAIN=url`, repeated: at least three different ones a chain. @throws OperationalError `bad-flag`; a URL is never repeated, it may hold a key */
export function parseRpc(texts: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const endpoints: Record<string, readonly string[]> = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    const chain = text.slice(0, Math.max(0, at));
    const url = text.slice(at + 1);
    if (at < 1 || !URL.canParse(url)) throw badFlag("--rpc", "expected CHAIN=url");
    endpoints[chain] = [...(endpoints[chain] ?? []), url];
  }
  return endpoints;
}

export type RedisFlags = {
  readonly redis?: string;
  readonly redisUsername?: string;
  readonly redisPasswordFile?: string;
  readonly redisCaFile?: string;
};

/** `--redis` and what goes with it. @throws OperationalError `bad-flag`; a URL is never repeated, it may hold a password */
export function parseRedis({ redis: url, redisUsername, redisPasswordFile, redisCaFile }: RedisFlags): RedisTemplate | undefined {
  if (url === undefined) {
    const [alone] = Object.entries({ "--redis-username": redisUsername, "--redis-password-file": redisPasswordFile }).flatMap(
      ([flag, value]) => (value === undefined ? [] : [flag]),
    );
    if (alone !== undefined || redisCaFile !== undefined)
      throw badFlag(alone ?? "--redis-ca-file", "expected --redis <url> beside it");
    return undefined;
  }
  const parsed = parseRedisUrl(url);
  if (!parsed.ok) throw badFlag("--redis", parsed.error);
  if (redisUsername !== undefined && redisPasswordFile === undefined) {
    throw badFlag("--redis-username", "expected --redis-password-file <file> beside it");
  }
  return {
    url,
    ...(redisUsername === undefined ? {} : { username: redisUsername }),
    ...(redisPasswordFile === undefined ? {} : { passwordFile: redisPasswordFile }),
    ...(redisCaFile === undefined ? {} : { caFile: redisCaFile }),
  };
}

/** The same with its files as a config file in another folder names them. */
export function relativeRedis(
  { passwordFile, caFile, ...rest }: RedisTemplate,
  fromDir: (path: string) => string,
): RedisTemplate {
  return {
    ...rest,
    ...(passwordFile === undefined ? {} : { passwordFile: fromDir(passwordFile) }),
    ...(caFile === undefined ? {} : { caFile: fromDir(caFile) }),
  };
}

/** `--alert file=url`, repeated. @throws OperationalError `bad-flag`; a URL is never repeated, it may hold a key */
export function parseAlerts(texts: readonly string[]): readonly { readonly url: string; readonly secretFile: string }[] {
  return texts.map((text) => {
    const at = text.indexOf("=");
    const url = text.slice(at + 1);
    if (at < 1 || !/^https?:/.test(url) || !URL.canParse(url))
      throw badFlag("--alert", "expected secret-file=url, an http or https URL");
    return { url, secretFile: text.slice(0, at) };
  });
}

/** Whose node this is. @throws OperationalError `bad-flag` */
export function findMe(me: string | undefined, members: readonly Member[]): Member {
  const found = members.find(({ name }) => name === me);
  if (found !== undefined) return found;
  const names = members.map(({ name }) => name).join(", ");
  throw badFlag("--me", `expected one of the members (${names}), found ${me === undefined ? "nothing" : `"${me}"`}`);
}

/** `name=/ip4/…/tcp/…`, repeated: other members, each once. @throws OperationalError `bad-flag` */
export function parsePeers(
  texts: readonly string[],
  { me, members }: { readonly me: Member; readonly members: readonly Member[] },
): readonly Peer[] {
  const seen = new Set<string>();
  return texts.map((text) => {
    const [name, multiaddr] = splitPair("--peer", text, "name=/ip4/…/tcp/…");
    const member = members.find((item) => item.name === name);
    if (member === undefined) throw badFlag("--peer", `"${name}" is no member of the committee`);
    if (member === me) throw badFlag("--peer", `"${name}" is this node itself; name the others`);
    if (seen.has(name)) throw badFlag("--peer", `"${name}" is named twice`);
    seen.add(name);
    return { address: member.address, multiaddr };
  });
}

/** `NAME=milliseconds`, repeated. @throws OperationalError `bad-flag` */
export function parseChains(texts: readonly string[]): readonly Chain[] {
  return texts.map((text) => {
    const [chain, blockMs] = splitPair("--chain", text, "NAME=milliseconds");
    return { chain, blockMs: parseWhole("--chain", blockMs) };
  });
}

function splitPair(flag: string, text: string, form: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw badFlag(flag, `expected ${form}, found "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}
