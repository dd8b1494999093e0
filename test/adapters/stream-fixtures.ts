import { readdirSync, readFileSync } from "node:fs";
import type { StreamAdapter, StreamMessage } from "../../adapters/stream.ts";
import { symbolsOf } from "../../adapters/stream.ts";
import { STREAMS } from "../../adapters/streams/index.ts";
import { shown } from "./fixtures.ts";

/** What a fixture expects of one message: `quote` with its fields or fault, `refused` with a market or null, or its kind alone. */
export type ShownMessage = Readonly<Record<string, string | number | null>>;

/** `fixtures/<venue>/stream/<case>.json`: frames in the order in which they come, each with what it says. */
export type StreamFixture = {
  readonly name: string;
  readonly about: string;
  readonly markets: readonly string[];
  readonly frames: readonly { readonly text: string; readonly says: readonly ShownMessage[] }[];
};

const FOLDER = new URL("./fixtures/", import.meta.url);

export const STREAM_ADAPTERS: readonly StreamAdapter[] = Object.values(STREAMS);

export function streamFixturesOf(venue: string): readonly StreamFixture[] {
  const folder = new URL(`${venue}/stream/`, FOLDER);
  return readdirSync(folder)
    .toSorted()
    .map((file) => ({ ...JSON.parse(readFileSync(new URL(file, folder), "utf8")), name: file.replace(/\.json$/, "") }));
}

export function frameOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function readText(adapter: StreamAdapter, markets: readonly string[], text: string): readonly StreamMessage[] {
  return adapter.read(frameOf(text), symbolsOf(adapter, markets));
}

/** A message in the form in which fixtures write it. */
export function shownMessage(message: StreamMessage): ShownMessage {
  switch (message.kind) {
    case "quote": {
      const { market, answer, sequence, mark } = message;
      const fields = shown([{ market, answer }])[market];
      return {
        quote: market,
        ...(fields as ShownMessage),
        ...(sequence === undefined ? {} : { sequence: String(sequence) }),
        ...(mark === undefined ? {} : { mark: String(mark) }),
      };
    }
    case "progress":
      return { progress: message.market, mark: String(message.mark) };
    case "gap":
      return { gap: message.market };
    case "refused":
      return { refused: message.market ?? null, fault: message.fault.code };
    case "fault":
      return { fault: message.fault.code };
    default:
      return { kind: message.kind };
  }
}
