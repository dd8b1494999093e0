import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import { type FeedId, parseFeedId } from "../../protocol/feed.ts";
import type { Result } from "../../protocol/result.ts";
import { parseBars } from "../../simulator/backtest/bars.ts";
import { parseFileName, venueOf } from "../../simulator/backtest/file-names.ts";
import { type GasSeries, joinGas, parseGas } from "../../simulator/backtest/gas-series.ts";
import { type Label, parseLabels } from "../../simulator/backtest/labels.ts";
import type { HistoryFile } from "../../simulator/backtest/record.ts";
import { DEFAULT_THRESHOLDS, parseThresholdSet, type ThresholdSet } from "../../simulator/backtest/threshold-set.ts";
import { badFlag } from "../flags.ts";
import { readTextFile } from "../input.ts";

/** A text beyond this does not fit into a string. */
const MAX_HISTORY_BYTES = 400 * 1024 * 1024;
const MAX_SMALL_BYTES = 16 * 1024 * 1024;
const MAX_THRESHOLD_BYTES = 256 * 1024;
/** Shorter than a history's other files, folders hold what belongs to one record. */
const MAX_FILES = 256;

/** Everything read, and a digest of every byte of it: what a checkpoint is held against. */
export type Inputs = {
  readonly history: readonly HistoryFile[];
  readonly gas: GasSeries | undefined;
  readonly labels: readonly Label[];
  readonly sets: readonly { readonly name: string; readonly set: ThresholdSet }[];
  readonly digest: string;
};

export type InputPaths = {
  readonly history: readonly string[];
  /** `FILE=FEED`. */
  readonly feed: readonly string[];
  readonly gas: readonly string[];
  readonly labels: string | undefined;
  readonly thresholds: string | undefined;
  readonly compare: string | undefined;
};

/** @throws OperationalError naming the file, and the line or field at fault */
export async function readInputs(paths: InputPaths): Promise<Inputs> {
  const hash = createHash("sha256");
  const read = async (path: string, maxBytes: number): Promise<string> => {
    const text = await readTextFile(path, maxBytes);
    hash.update(`${path.length} ${text.length} ${path}\n`).update(text);
    return text;
  };
  const named = parseNamedFeeds(paths.feed);
  const history: HistoryFile[] = [];
  for (const path of listFiles("--history", paths.history)) {
    const series = orThrow(path, parseBars(await read(path, MAX_HISTORY_BYTES)));
    history.push({ name: basename(path), ...marketOf(path, named), series });
  }
  const unused = [...named.keys()].find((name) => !history.some((file) => file.name === name));
  if (unused !== undefined) throw badFlag("--feed", `"${unused}" is none of the history files`);
  const gas: GasSeries[] = [];
  for (const path of listFiles("--gas", paths.gas)) gas.push(orThrow(path, parseGas(await read(path, MAX_SMALL_BYTES))));
  const labels = paths.labels === undefined ? [] : orThrow(paths.labels, parseLabels(await read(paths.labels, MAX_SMALL_BYTES)));
  const first = await readSet(paths.thresholds, read);
  const second = paths.compare === undefined ? [] : [await readSet(paths.compare, read)];
  const joined = orThrow("--gas", joinGas(gas));
  return { history, gas: joined, labels, sets: [first, ...second], digest: hash.digest("hex") };
}

/** Files as they are named, and every CSV of a folder, but not of the folders in it. */
function listFiles(flag: string, paths: readonly string[]): readonly string[] {
  const files = paths.flatMap((path) => {
    try {
      if (!statSync(path).isDirectory()) return [path];
      const inside = readdirSync(path).filter((name) => name.endsWith(".csv"));
      if (inside.length === 0) throw badFlag(flag, `${path} holds no .csv file`);
      return inside.sort().map((name) => join(path, name));
    } catch (error) {
      if (error instanceof OperationalError) throw error;
      throw new OperationalError(`${path}: cannot read it: ${reasonOf(error)}`, { code: "unreadable", cause: error });
    }
  });
  if (files.length > MAX_FILES) throw badFlag(flag, `expected at most ${MAX_FILES} files, found ${files.length}`);
  return files;
}

function parseNamedFeeds(texts: readonly string[]): ReadonlyMap<string, FeedId> {
  return new Map(
    texts.map((text) => {
      const at = text.lastIndexOf("=");
      const feed = parseFeedId(text.slice(at + 1));
      if (at < 1 || !feed.ok) throw badFlag("--feed", `expected FILE=BASE/QUOTE, found "${text}"`);
      return [basename(text.slice(0, at)), feed.value] as const;
    }),
  );
}

function marketOf(path: string, named: ReadonlyMap<string, FeedId>): { readonly venue: string; readonly market: FeedId } {
  const name = basename(path);
  const market = named.get(name);
  if (market === undefined) return orThrow(path, parseFileName(name), `, or --feed ${name}=BASE/QUOTE`);
  return { venue: orThrow(path, venueOf(name)), market };
}

async function readSet(path: string | undefined, read: (path: string, maxBytes: number) => Promise<string>) {
  if (path === undefined) return { name: "default presets", set: DEFAULT_THRESHOLDS };
  const text = await read(path, MAX_THRESHOLD_BYTES);
  let plain: unknown;
  try {
    plain = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new OperationalError(`${path}: not YAML: ${reasonOf(error).split("\n")[0]}`, { code: "not-yaml", cause: error });
  }
  const set = parseThresholdSet(plain);
  if (set.ok) return { name: basename(path), set: set.value };
  const faults = set.error.map((fault) => `${fault.path}: ${fault.expected}`);
  throw new OperationalError(`${path}: ${faults.join("; ")}`, { code: "bad-config" });
}

function orThrow<T>(path: string, result: Result<T, string>, hint = ""): T {
  if (result.ok) return result.value;
  throw new OperationalError(`${path}: ${result.error}${hint}`, { code: "bad-file", details: { path } });
}
