import { type Address, type Digest, isHex, keccakHex } from "../../protocol/bytes.ts";
import { decodeCertificate } from "../../protocol/certificate.ts";
import type { LogEntry } from "../log.ts";
import { entryFields, readEntry, type StreamName } from "../redis-entries.ts";
import { MAX_PAPERS, streamKeys } from "../redis-keys.ts";
import type { RedisError, RedisLink } from "./redis-connection.ts";

/** The newest entries that are looked at to see up to which round a stream goes. */
const LOOK_BACK = 16;
const PAPERS_PAGE = 32;
/** Redis's words for a stream that holds the last possible id, and for a key that is no stream. */
const BRICKED = /exhausted the last possible ID|equal or smaller than the target stream top item|^WRONGTYPE/;

/** A node's own two streams as their writer sees them. Every method throws as {@link RedisLink} does. */
export type OwnStreams = {
  readonly append: (entry: LogEntry) => Promise<void>;
  /** The highest round among the newest entries, -1 without any, and the digests of these. */
  readonly newest: () => Promise<{ readonly since: number; readonly digests: readonly Digest[] }>;
  /** Which papers the stream holds. */
  readonly paperKeys: () => Promise<ReadonlySet<Digest>>;
  readonly paperKey: (paper: LogEntry) => Digest;
  /** Whether a paper was seen or appended since the last {@link OwnStreams.paperKeys}. */
  readonly hasPaper: (paper: LogEntry) => boolean;
  /** Whether everything appended before was lost; the one round that came after is taken out, so that all can come in order. */
  readonly wasEmptied: () => Promise<boolean>;
  /** Empties both streams when an error says that one takes no more; false for any other error, and when that failed. */
  readonly restartBricked: (error: RedisError) => Promise<boolean>;
};

export function createOwnStreams(
  link: RedisLink,
  { network, writer, rounds }: { readonly network: string; readonly writer: Address; readonly rounds: number },
): OwnStreams {
  const keys = streamKeys(network, writer);
  const lengths: Readonly<Record<StreamName, number>> = { rounds, papers: MAX_PAPERS };
  let papers = new Set<Digest>();
  let length = 0;
  const paperKey = (paper: LogEntry): Digest => keccakHex(paper.kind === "round" ? paper.body : paper.bytes);
  return {
    append: async (entry) => {
      const { stream, fields } = entryFields(entry);
      await link.call("xadd", [keys[stream], "MAXLEN", "~", lengths[stream], "*", ...fields]);
      if (stream === "papers") papers.add(paperKey(entry));
    },
    newest: async () => {
      const entries = await readPage(link, "xrevrange", [keys.rounds, "+", "-", "COUNT", LOOK_BACK], "rounds");
      const found = entries.flatMap(({ entry }) => (entry?.kind === "round" ? [entry] : []));
      const numbers = found.map(({ certificate }) => {
        const decoded = decodeCertificate(certificate);
        return decoded.ok ? decoded.value.header.round : -1;
      });
      length = Number(await link.call("xlen", [keys.rounds]));
      return {
        since: Math.max(-1, ...numbers),
        digests: found.map(({ digest }) => digest).filter((digest) => isHex(digest, 32)),
      };
    },
    paperKeys: async () => {
      const found = new Set<Digest>();
      let after = "-";
      for (let read = 0; read < MAX_PAPERS * 2; read += PAPERS_PAGE) {
        const page = await readPage(link, "xrange", [keys.papers, after, "+", "COUNT", PAPERS_PAGE], "papers");
        for (const { entry } of page) if (entry !== undefined) found.add(paperKey(entry));
        const last = page.at(-1);
        if (page.length < PAPERS_PAGE || last === undefined) break;
        after = `(${last.id}`;
      }
      papers = found;
      return found;
    },
    paperKey,
    hasPaper: (paper) => papers.has(paperKey(paper)),
    wasEmptied: async () => {
      const before = length;
      length = Number(await link.call("xlen", [keys.rounds]));
      // MAXLEN ~ cuts whole nodes of a hundred entries off a stream of at least sixty: it never leaves one.
      if (before === 0 || length > 1 || before === length) return false;
      await link.call("unlink", [keys.rounds]);
      return true;
    },
    restartBricked: async ({ message }) => {
      if (!BRICKED.test(message)) return false;
      try {
        await link.call("unlink", [keys.rounds, keys.papers]);
        return true;
      } catch {
        return false;
      }
    },
  };
}

async function readPage(
  link: RedisLink,
  command: "xrange" | "xrevrange",
  args: readonly (string | number)[],
  stream: StreamName,
): Promise<readonly { readonly id: string; readonly entry: LogEntry | undefined }[]> {
  const answer = await link.call(command, args);
  if (!Array.isArray(answer)) return [];
  return answer.map((row: unknown) => {
    const [id, parts]: readonly unknown[] = Array.isArray(row) ? row : [];
    const read = readEntry(stream, Array.isArray(parts) ? parts.filter((part) => part instanceof Uint8Array) : []);
    return { id: String(id), entry: read.ok ? read.value : undefined };
  });
}
