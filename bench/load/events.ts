import type { Proven, Prover } from "./proof.ts";
import type { Form } from "./reader.ts";

/** Payloads of one form and selection that are recognised by their bytes. */
const REMEMBERED = 4;

/** What one payload of a stream said. */
export type Told = {
  readonly rounds: readonly Proven[];
  /** Changes of breakers, and words for people. */
  readonly changes: number;
  readonly notices: number;
  readonly malformed: string | undefined;
};

/** Reads payloads; the same bytes, which hundreds of readers get, are read once. */
export function createPayloadReader(prove: Prover): (form: Form, selection: string, payload: Buffer) => Told {
  const known = new Map<string, { readonly bytes: Buffer; readonly told: Told }[]>();
  return (form, selection, payload) => {
    const key = `${form} ${selection}`;
    const recent = known.get(key) ?? [];
    const found = recent.find(({ bytes }) => bytes.equals(payload));
    if (found !== undefined) return found.told;
    const bytes = Buffer.from(payload);
    const told = form === "sse" ? readEvents(bytes.toString(), prove) : readMessage(bytes.toString(), prove);
    known.set(key, [{ bytes, told }, ...recent].slice(0, REMEMBERED));
    return told;
  };
}

/** A chunk of server-sent events: a gateway writes whole ones. */
export function readEvents(text: string, prove: Prover): Told {
  if (!text.endsWith("\n\n")) return broken("a chunk that ends within an event");
  const rounds: Proven[] = [];
  let [changes, notices] = [0, 0];
  for (const block of text.slice(0, -2).split("\n\n")) {
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (data === undefined) notices += 1;
    else if (/^event: breaker$/m.test(block)) changes += 1;
    else {
      const proven = prove(data);
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      if (proven.fault === undefined && Number(id) !== proven.round) return broken(`id ${id} of round ${proven.round}`);
      rounds.push(proven);
    }
  }
  return { rounds, changes, notices, malformed: undefined };
}

/** One message: `{"type":"round","id":7,"data":{…}}`. */
export function readMessage(text: string, prove: Prover): Told {
  const told = { rounds: [], changes: 0, notices: 0, malformed: undefined };
  const type = /^\{"type":"([a-z]+)"/.exec(text)?.[1];
  if (type === "status") return { ...told, notices: 1 };
  if (type === "breaker") return { ...told, changes: 1 };
  const head = /^\{"type":"round","id":(\d+),"data":/.exec(text);
  if (head === null) return broken("a message of no known type");
  const proven = prove(text.slice(head[0].length, -1));
  if (proven.fault === undefined && Number(head[1]) !== proven.round) return broken(`id ${head[1]} of round ${proven.round}`);
  return { ...told, rounds: [proven] };
}

function broken(malformed: string): Told {
  return { rounds: [], changes: 0, notices: 0, malformed };
}
