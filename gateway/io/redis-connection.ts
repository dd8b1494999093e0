import { readFileSync } from "node:fs";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { GatewayLogger } from "../ports.ts";
import { parseRedisUrl, type RedisTarget } from "../redis-url.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_TIMEOUT_MS = 5_000;
/** A Sentinel that answers nothing for so long is passed over for the next. */
const SENTINEL_TIMEOUT_MS = 1_000;
/** A server that answers nothing for so long is taken for gone, though its socket stands. */
const SILENCE_MS = 10_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;
/** Commands without an answer; whoever sends faster than Redis answers is refused, and nothing grows. */
const MAX_IN_FLIGHT = 1_024;
const MAX_FILE_BYTES = 1_048_576;
/** A master that became a replica: the connection is made anew, so that Sentinels are asked for the present one. */
const DEMOTED = /^READONLY\b/;
/** The library's words for a connection that is not there. */
const AWAY = /enableOfflineQueue|^Connection is closed|^Reached the max retries|^Socket timeout/;

export type RedisSettings = {
  /** As gateway/redis-url.ts reads it: one server, Sentinels or a Cluster. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** Certificates that a TLS server is checked against, PEM; the system's without it. */
  readonly caFile?: string | undefined;
};

export type RedisArgument = string | number | Uint8Array;

/** One connection, whatever kind of Redis is behind it. */
export type RedisLink = {
  /**
   * Sends one command whose keys lie in one slot; bulk replies are Buffers.
   *
   * @throws Error at once while Redis is away, after the time-out, or with Redis's own message; none holds a credential
   */
  readonly call: (command: string, args: readonly RedisArgument[]) => Promise<unknown>;
  readonly isUp: () => boolean;
  /** Ends the connection; commands without an answer are rejected. */
  readonly stop: () => void;
};

/** Settings that cannot be used; the message names the field and what was expected, and never what a password or the URL is. */
export class RedisSettingsError extends Error {
  override readonly name = "RedisSettingsError";
  readonly code = "redis-settings";
}

/** Redis did not do what it was asked; `code` is the first word of its own message, or `away`, `timeout`, `busy`. */
export class RedisError extends Error {
  override readonly name = "RedisError";
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Opens a connection that is made in the background and made again for ever, with a growing and randomised delay. Nothing is queued while
 * it is away: what is asked then is refused at once.
 *
 * @param options.onUp is told each time it is there (again)
 * @throws RedisSettingsError when the URL or a file cannot be read
 */
export function openRedis(
  settings: RedisSettings,
  options: {
    /** What it is for, in warnings. */
    readonly purpose: string;
    readonly log: GatewayLogger;
    readonly timeoutMs?: number;
    readonly onUp?: () => void;
    readonly onDown?: () => void;
  },
): RedisLink {
  const client = createClient(settings);
  const state = { up: false, inFlight: 0, stopped: false };
  watch(client, state, options);
  client.connect().catch(() => undefined);
  return {
    call: async (command, args) => {
      if (state.inFlight >= MAX_IN_FLIGHT) throw new RedisError("too many commands without an answer", "busy");
      state.inFlight += 1;
      try {
        return await withTimeout(client.callBuffer(command, ...args.map(toArgument)), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      } catch (error) {
        throw plainError(error);
      } finally {
        state.inFlight -= 1;
      }
    },
    isUp: () => state.up,
    stop: () => {
      state.stopped = true;
      client.disconnect();
    },
  };
}

function createClient({ url, username, passwordFile, caFile }: RedisSettings): Redis | Cluster {
  const target = parseRedisUrl(url);
  if (!target.ok) throw new RedisSettingsError(`redis.url: ${target.error}`);
  const password = passwordFile === undefined ? undefined : readSecret("redis.passwordFile", passwordFile);
  if (username !== undefined && password === undefined) {
    throw new RedisSettingsError("redis.passwordFile: expected a file with the password of redis.username");
  }
  if (caFile !== undefined && !target.value.tls) {
    throw new RedisSettingsError("redis.url: expected rediss:// (TLS) beside redis.caFile");
  }
  const ca = caFile === undefined ? undefined : readText("redis.caFile", caFile);
  return connect(target.value, {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(target.value.tls ? { tls: ca === undefined ? {} : { ca } } : {}),
  });
}

function connect(target: RedisTarget, access: Pick<RedisOptions, "username" | "password" | "tls">): Redis | Cluster {
  const shared = {
    ...access,
    protocol: 2,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    // What has no answer when a connection breaks is refused, not sent again: the callers know what may be repeated.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // It would need INFO, which tells more than a member should know; a server that loads says so to the first command.
    enableReadyCheck: false,
    disableClientInfo: true,
    reconnectOnError: (error: Error) => DEMOTED.test(error.message),
  } as const;
  const alone = { ...shared, lazyConnect: true, enableOfflineQueue: false, retryStrategy: retryDelay } as const;
  const [first] = target.hosts;
  switch (target.kind) {
    case "single":
      return new Redis({ ...alone, host: first?.host ?? "", port: first?.port ?? 0 });
    case "sentinel":
      return new Redis({
        ...alone,
        sentinels: [...target.hosts],
        name: target.master,
        sentinelRetryStrategy: retryDelay,
        sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
        failoverDetector: true,
        ...(access.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: access.tls }),
      });
    case "cluster":
      return new Cluster([...target.hosts], {
        redisOptions: shared,
        lazyConnect: true,
        enableOfflineQueue: false,
        enableReadyCheck: false,
        clusterRetryStrategy: retryDelay,
        slotsRefreshInterval: MAX_RETRY_MS,
        // Names stay names: certificates are issued for them.
        dnsLookup: (address, callback) => callback(null, address),
      });
  }
}

/** Twice as long with each attempt, up to a bound, and half of it by chance: a hundred gateways must not come back at once. */
function retryDelay(attempt: number): number {
  const longest = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 16));
  return Math.round(longest * (0.5 + Math.random() / 2));
}

type LinkState = { up: boolean; stopped: boolean };

function watch(
  client: Redis | Cluster,
  state: LinkState,
  { purpose, log, onUp, onDown }: Pick<Parameters<typeof openRedis>[1], "purpose" | "log" | "onUp" | "onDown">,
): void {
  let failures = 0;
  client.on("ready", () => {
    if (failures > 0) log.warn({ purpose, failures }, "Redis is back");
    failures = 0;
    state.up = true;
    onUp?.();
  });
  const down = (): void => {
    if (!state.up) return;
    state.up = false;
    onDown?.();
  };
  client.on("close", down);
  client.on("end", down);
  client.on("error", (error: unknown) => {
    if (state.stopped) return;
    failures += 1;
    if (!Number.isInteger(Math.log2(failures))) return;
    const advice = "Redis cannot be reached or refuses: check that it runs, and redis.url, redis.username and redis.passwordFile";
    log.warn({ purpose, reason: redisReason(error), failures }, advice);
  });
}

async function withTimeout(answer: Promise<unknown>, timeoutMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RedisError(`Redis did not answer within ${timeoutMs} ms`, "timeout")), timeoutMs);
  });
  // The one that loses must not be an unhandled rejection later.
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The library's errors carry the command with its arguments, AUTH's included: only the message goes on. */
function plainError(error: unknown): RedisError {
  if (error instanceof RedisError) return error;
  const message = redisReason(error);
  if (AWAY.test(message)) return new RedisError("Redis is away", "away");
  const [code] = /^[A-Z]{3,}\b/.exec(message) ?? ["away"];
  return new RedisError(message, code);
}

/** The message of whatever was thrown; of a Cluster that failed, its last node's. */
function redisReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const last = "lastNodeError" in error && error.lastNodeError instanceof Error ? `: ${error.lastNodeError.message}` : "";
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return `${error.message === "" ? code : error.message}${last}`;
}

function toArgument(argument: RedisArgument): string | number | Buffer {
  if (!(argument instanceof Uint8Array)) return argument;
  return Buffer.from(argument.buffer, argument.byteOffset, argument.length);
}

function readText(field: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new RedisSettingsError(`${field}: cannot read the file ${path}: ${redisReason(error)}`);
  }
  if (text.length > MAX_FILE_BYTES) throw new RedisSettingsError(`${field}: expected at most ${MAX_FILE_BYTES} bytes in ${path}`);
  return text;
}

/** One line; the newline that editors add is not part of it. */
function readSecret(field: string, path: string): string {
  const secret = readText(field, path).replace(/\r?\n$/, "");
  if (secret === "" || /[\r\n]/.test(secret)) throw new RedisSettingsError(`${field}: expected one line in ${path}`);
  return secret;
}
