import { join } from "node:path";
import { parseNodeConfig } from "../node/node-config.ts";
import type { Member } from "../protocol/committee.ts";
import { parseNetworkConfig } from "../protocol/config.ts";
import { readNetworkFile } from "./files.ts";
import { badFlag, parseWhole } from "./flags.ts";
import {
  findMe,
  parseAlerts,
  parseChains,
  parseGovernance,
  parseMembers,
  parseNamed,
  parsePeers,
  parseRedis,
  parseRpc,
} from "./init-flags.ts";
import { DEFAULT_CHAINS, DEFAULT_KEY, type InitOptions } from "./init-network.ts";
import { createInterviewer, type Interviewer } from "./interview.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The flags as they are when they suffice or nobody can be asked, else completed by a person's answers; a flag that was given is not
 * asked for.
 *
 * @throws OperationalError `interrupted` when the person ends it
 */
export async function interviewed(options: InitOptions, terminal: Terminal): Promise<InitOptions> {
  if (!options.interview || isEnough(options)) return options;
  const dialogue = terminal.dialogue();
  if (dialogue === undefined) return options;
  try {
    const interviewer = createInterviewer(dialogue, terminal);
    terminal.note(
      "Some questions; what stands in brackets is taken for an empty answer. Nothing is written before the last one. Ctrl-D stops.",
    );
    const placed = await askPurpose(options, interviewer);
    if (placed.gateway === true) return await askGateway(placed, interviewer);
    return placed.join === undefined
      ? await askFounding(placed, interviewer)
      : await askJoining(placed, placed.join, interviewer);
  } finally {
    dialogue.close();
  }
}

function isEnough({ gateway, join, me, name, member, follow, redis }: InitOptions): boolean {
  if (gateway === true) return join !== undefined && (follow.length > 0 || redis !== undefined);
  return me !== undefined && (join !== undefined || (name !== undefined && member.length > 0));
}

async function askPurpose(options: InitOptions, { one }: Interviewer): Promise<InitOptions> {
  const isSaid = options.join !== undefined || options.name !== undefined || options.member.length > 0;
  const purpose =
    options.gateway === true ? "gateway" : isSaid ? (options.join === undefined ? "found" : "join") : await askWhich(one);
  if (purpose === "found") return options;
  const join =
    options.join ??
    (await one({
      why: "The genesis file that the founder sent to every member, byte for byte: all trust begins with it.",
      ask: "network.yaml",
      fallback: "network.yaml",
      check: (path) => void readNetworkFile(path),
    }));
  return { ...options, join, ...(purpose === "gateway" ? { gateway: true as const } : {}) };
}

function askWhich(one: Interviewer["one"]): Promise<string> {
  return one({
    why: "One person founds a network and sends network.yaml to the others, who join it. A gateway serves readers and holds no key.",
    ask: "found, join or gateway",
    fallback: "join",
    check: (answer) => {
      if (!["found", "join", "gateway"].includes(answer))
        throw badFlag("here", `expected found, join or gateway, found "${answer}"`);
    },
  });
}

async function askFounding(options: InitOptions, interviewer: Interviewer): Promise<InitOptions> {
  const { one, many } = interviewer;
  const name =
    options.name ??
    (await one({
      why: "Every signature is bound to the network's name and to the digest of its genesis; it can never be changed.",
      ask: "name of the new network",
      check: (answer) => checkNetworkField("--name", "network", answer),
    }));
  const member =
    options.member.length > 0
      ? options.member
      : await many({
          why: "Who signs: at least four, of whom f = ⌊(n−1)/3⌋ may fail in any way. Each member makes his own key (breakwater keys new)\nand tells you its address; never collect the keys.",
          ask: "member, as name=0xaddress",
          check: (answers) => void parseNamed("--member", answers),
          checkAll: (answers) => void parseMembers(answers),
        });
  const governance = await askGovernance(options, interviewer);
  const chain = options.chain ?? (await askChains(many));
  const lease = await askLease(options, parseChains(chain), one);
  const founded = { ...options, name, member, ...governance, chain, lease };
  return askNode(founded, { members: parseMembers(member), chains: parseChains(chain) }, interviewer);
}

async function askGovernance(options: InitOptions, { one, many }: Interviewer) {
  const named = (flag: "--governor" | "--guardian") => ({
    check: (answers: readonly string[]) => void parseNamed(flag, answers),
    checkAll: () => undefined,
  });
  const governor =
    options.governor.length > 0
      ? options.governor
      : await many({
          why: "Who may change thresholds, sources and members, never at once and never alone. Without any, nothing of the network can ever\nbe changed. Their keys are not the nodes'.",
          ask: "governor, as name=0xaddress",
          ...named("--governor"),
        });
  const guardian =
    options.guardian.length > 0
      ? options.guardian
      : await many({
          why: "Who may pause a feed at once, alone and for half an hour at most: the people who are awake when something is wrong.",
          ask: "guardian, as name=0xaddress",
          ...named("--guardian"),
        });
  if (governor.length === 0) return { governor, guardian };
  const governorsQuorum =
    options.governorsQuorum ??
    (await one({
      why: `How many of the ${governor.length} governors a change takes: more than half, so that two changes cannot stand against each other.`,
      ask: "governors' quorum",
      fallback: String((governor.length >> 1) + 1),
      check: (quorum) => void parseGovernance({ governor, guardian, quorum }),
    }));
  return { governor, guardian, governorsQuorum };
}

async function askChains(many: Interviewer["many"]): Promise<readonly string[]> {
  const chains = await many({
    why: `The chains that the lending protocols act on, with the time between blocks in ms: a price is good for some blocks of the slowest.\nNo answer means ${DEFAULT_CHAINS.join(" ")}.`,
    ask: "chain, as NAME=ms",
    check: (answers) => void parseChains(answers),
    checkAll: () => undefined,
  });
  return chains.length === 0 ? DEFAULT_CHAINS : chains;
}

function askLease(
  { lease }: InitOptions,
  chains: readonly { readonly blockMs: number }[],
  one: Interviewer["one"],
): Promise<string> {
  const slowest = Math.max(...chains.map(({ blockMs }) => blockMs));
  return one({
    why: `How long a certificate is good for, in ms: a network that falls silent permits nothing after it. At least four blocks of the\nslowest chain (${slowest} ms each) and 10 s.`,
    ask: "lease",
    fallback: lease,
    check: (answer) => {
      const least = 4 * slowest + 10_000;
      if (parseWhole("--lease", answer) < least) throw badFlag("--lease", `expected at least ${least}, found ${answer}`);
    },
  });
}

async function askJoining(options: InitOptions, join: string, interviewer: Interviewer): Promise<InitOptions> {
  const { config, committee } = readNetworkFile(join);
  return askNode(options, { members: committee.members, chains: config.chains }, interviewer);
}

type Founded = { readonly members: readonly Member[]; readonly chains: readonly { readonly chain: string }[] };

async function askNode(options: InitOptions, { members, chains }: Founded, interviewer: Interviewer): Promise<InitOptions> {
  const { one } = interviewer;
  const me =
    options.me ??
    (await one({
      why: "Which of the members this node is: it decides whose key is looked for, and who the peers are.",
      ask: `this node's name (${members.map(({ name }) => name).join(", ")})`,
      check: (answer) => void findMe(answer, members),
    }));
  const key = options.key ?? (await one({ ...KEY, fallback: join(options.dir, DEFAULT_KEY), check: () => undefined }));
  const passwordFile =
    options.passwordFile ??
    (await one({
      why: "The file that the key's password is read from when the node starts, readable by its user alone. Without one the node reads\nBREAKWATER_PASSWORD.",
      ask: "password file",
      fallback: "",
      check: () => undefined,
    }));
  const listen = await one({
    why: "Where this node listens for its peers. 0.0.0.0 is every address of this machine; the port has to be open to the other members.",
    ask: "listen",
    fallback: options.listen,
    check: (answer) => checkNodeField("--listen", "listen", [answer]),
  });
  const peer = options.peer.length > 0 ? options.peer : await askPeers(findMe(me, members), members, one);
  const api = await askApi(options, one);
  const rpc = options.rpc.length > 0 ? options.rpc : await askRpc(chains, interviewer.many);
  const outside = await askOutside(options, interviewer);
  return { ...options, me, key, listen, peer, ...api, rpc, ...outside, ...(passwordFile === "" ? {} : { passwordFile }) };
}

const KEY = {
  why: "The encrypted key that the node signs with (breakwater keys new); it need not be there yet. One key runs in one place only.",
  ask: "key file",
} as const;

/** A member whose address is not known yet can still dial this node. */
async function askPeers(me: Member, members: readonly Member[], one: Interviewer["one"]): Promise<readonly string[]> {
  const peers: string[] = [];
  for (const { name } of members.filter((member) => member !== me)) {
    const answer = await one({
      why: `Where ${name} listens, as the other operator told you, such as /dns4/${name}.example/tcp/9000. It can be filled in later.`,
      ask: `address of ${name}`,
      fallback: "",
      check: (multiaddr) => {
        if (multiaddr === "") return;
        const parsed = parsePeers([`${name}=${multiaddr}`], { me, members });
        checkNodeField("--peer", "peers", parsed);
      },
    });
    if (answer !== "") peers.push(`${name}=${answer}`);
  }
  return peers;
}

async function askApi(options: InitOptions, one: Interviewer["one"]) {
  const apiHost = await one({
    why: "The HTTP API's address. 127.0.0.1 is this machine alone; put a proxy that ends TLS before it faces the internet.",
    ask: "API host",
    fallback: options.apiHost,
    check: (host) => checkNodeField("--api-host", "api.host", { host, port: 1 }),
  });
  const apiPort = await one({
    why: "The HTTP API's port: feeds, proofs, stream and metrics.",
    ask: "API port",
    fallback: options.apiPort,
    check: (port) => checkNodeField("--api-port", "api.port", { port: parseWhole("--api-port", port) }),
  });
  return { apiHost, apiPort };
}

async function askRpc(chains: readonly { readonly chain: string }[], many: Interviewer["many"]): Promise<readonly string[]> {
  const rpc: string[] = [];
  for (const { chain } of chains) {
    const urls = await many({
      why: `JSON-RPC endpoints of ${chain}, at least three of different providers, or none: of every value the median counts. Without any this\nnode says nothing of that chain. They are never logged.`,
      ask: `URL for ${chain}`,
      check: (answers) => void parseRpc(answers.map((url) => `${chain}=${url}`)),
      checkAll: (urls) => checkNodeField("--rpc", `rpc.${chain}`, { [chain]: urls }),
    });
    rpc.push(...urls.map((url) => `${chain}=${url}`));
  }
  return rpc;
}

async function askOutside(options: InitOptions, { one, many }: Interviewer) {
  const redis = await askRedis(
    options,
    one,
    "Where this node appends its certified rounds for gateways to follow. Gateways can follow its API instead.",
  );
  const alert =
    options.alert.length > 0
      ? options.alert
      : await many({
          why: "Webhooks that are told at once what you must know (a lost peer, a trip, this node left out), each signed with the secret in a file.",
          ask: "webhook, as secret-file=url",
          check: (answers) => void parseAlerts(answers),
          checkAll: () => undefined,
        });
  return { ...redis, alert };
}

async function askRedis(options: InitOptions, one: Interviewer["one"], why: string) {
  const redis =
    options.redis ??
    (await one({ why, ask: "Redis URL", fallback: "", check: (url) => void (url === "" || parseRedis({ redis: url })) }));
  if (redis === "") return {};
  const redisUsername =
    options.redisUsername ??
    (await one({
      why: "Its user in Redis, who may do nothing but what it needs; none where Redis has no users.",
      ask: "Redis user",
      fallback: "",
      check: () => undefined,
    }));
  if (redisUsername === "") return { redis };
  const redisPasswordFile =
    options.redisPasswordFile ??
    (await one({
      why: "The file with that user's password, one line, readable by the node's user alone.",
      ask: "Redis password file",
      check: () => undefined,
    }));
  return { redis, redisUsername, redisPasswordFile };
}

async function askGateway(options: InitOptions, { one, many }: Interviewer): Promise<InitOptions> {
  const redis = await askRedis(
    options,
    one,
    "The Redis that the nodes append to. Nothing in it is believed: the gateway verifies every round.",
  );
  const follow =
    options.follow.length > 0
      ? options.follow
      : await many({
          why: "Nodes or gateways that are followed over HTTP, beside Redis or instead of it; two, so that one may be down.",
          ask: "URL to follow",
          check: (answers) => checkUrls("--follow", answers),
          checkAll: (answers) => {
            if (answers.length === 0 && redis.redis === undefined)
              throw badFlag("--follow", "expected at least one, where there is no Redis");
          },
        });
  return { ...options, ...redis, follow, ...(await askApi(options, one)) };
}

function checkUrls(flag: string, urls: readonly string[]): void {
  if (urls.some((url) => !/^https?:/.test(url) || !URL.canParse(url))) throw badFlag(flag, "expected an http or https URL");
}

/** What network.yaml's own schema says of one field. */
function checkNetworkField(flag: string, path: string, value: unknown): void {
  const parsed = parseNetworkConfig({ [path]: value });
  const fault = parsed.ok ? undefined : parsed.error.find((item) => item.path === path);
  if (fault !== undefined) throw badFlag(flag, fault.expected);
}

/** What node.yaml's own schema says of one field: `path` is where it stands, `value` that of its first part. */
function checkNodeField(flag: string, path: string, value: unknown): void {
  const [field = ""] = path.split(".");
  const parsed = parseNodeConfig({ [field]: value });
  const fault = parsed.ok ? undefined : parsed.error.find((item) => item.path === path || item.path.startsWith(`${path}[`));
  if (fault !== undefined) throw badFlag(flag, fault.expected);
}
