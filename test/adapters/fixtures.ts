import { readdirSync, readFileSync } from "node:fs";
import type { Adapter, Fault, MarketAnswer, VenueRequest, VenueResponse } from "../../adapters/adapter.ts";
import { formatAmount } from "../../protocol/amount.ts";

/** What a fixture expects of one market: decimal texts and Unix ms, or a fault's code. Fields not named must be absent. */
export type ExpectedAnswer = {
  readonly bid?: string;
  readonly ask?: string;
  readonly last?: string;
  readonly volume?: string;
  readonly bookAt?: number;
  readonly lastAt?: number;
  readonly fault?: Fault["code"];
  readonly retryAt?: number;
};

/**
 * `fixtures/<venue>/<case>.json`: `markets` go into `request`, `path` (and `body` for POST) names which of its requests the
 * response answers, and `answers` has every market of that request.
 */
export type Fixture = {
  readonly name: string;
  readonly about: string;
  readonly markets: readonly string[];
  readonly path: string;
  readonly requestBody?: string;
  readonly response: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly receivedAt?: number;
    readonly body: string;
  };
  readonly answers: Readonly<Record<string, ExpectedAnswer>>;
};

const FOLDER = new URL("./fixtures/", import.meta.url);
export const RECEIVED_AT = 1_763_800_000_000;

export function fixturesOf(venue: string): readonly Fixture[] {
  const folder = new URL(`${venue}/`, FOLDER);
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files
    .toSorted()
    .map((file) => ({ ...JSON.parse(readFileSync(new URL(file, folder), "utf8")), name: file.slice(0, -5) }));
}

export function venuesWithFixtures(): readonly string[] {
  return readdirSync(FOLDER).toSorted();
}

/** The request of the fixture; a path that the adapter does not ask is a mistake of one of the two. */
export function requestOf(adapter: Adapter, fixture: Fixture): VenueRequest {
  const requests = adapter.request(fixture.markets);
  const request = requests.find(({ path, body }) => path === fixture.path && body === fixture.requestBody);
  if (request !== undefined) return request;
  const asked = requests.map(({ path, body }) => `${path} ${body ?? ""}`).join("\n  ");
  throw new Error(
    `${adapter.venue}/${fixture.name}: the adapter asks\n  ${asked}\nand never ${fixture.path} ${fixture.requestBody ?? ""}`,
  );
}

export function responseOf(fixture: Fixture): VenueResponse {
  const { status, headers = {}, receivedAt = RECEIVED_AT, body } = fixture.response;
  return { status, headers, receivedAt, body: new TextEncoder().encode(body) };
}

export function responseWith(body: string | Uint8Array, status = 200): VenueResponse {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { status, headers: {}, receivedAt: RECEIVED_AT, body: bytes };
}

/** Answers in the form in which fixtures write them. */
export function shown(answers: readonly MarketAnswer[]): Readonly<Record<string, ExpectedAnswer>> {
  return Object.fromEntries(answers.map(({ market, answer }) => [market, shownAnswer(answer)]));
}

function shownAnswer(answer: MarketAnswer["answer"]): ExpectedAnswer {
  if (!answer.ok) {
    const { code, retryAt } = answer.error;
    return retryAt === undefined ? { fault: code } : { fault: code, retryAt };
  }
  const { market: _, bid, ask, last, volume, ...times } = answer.value;
  const amounts = Object.entries({ bid, ask, last, volume }).flatMap(([name, amount]) =>
    amount === undefined ? [] : [[name, formatAmount(amount)]],
  );
  return { ...Object.fromEntries(amounts), ...times };
}
