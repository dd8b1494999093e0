/** No answer or message of the run is longer. */
const MAX_PENDING_BYTES = 8 * 1_048_576;
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);

export type Head = { readonly status: number; readonly text: string };

/** Takes a connection's bytes as they come. A piece given to `onPayload` is only good until it returns. */
export type Decoder = {
  /** False when the bytes are not what they should be: nothing after them can be trusted. */
  readonly take: (bytes: Buffer) => boolean;
};

type Step = (bytes: Buffer) => number | undefined;

/** The body of a chunked HTTP response (RFC 9112 section 7.1), chunk by chunk. */
export function chunkedDecoder(onHead: (head: Head) => void, onPayload: (payload: Buffer) => void): Decoder {
  return decoder(onHead, (bytes) => {
    const lineEnd = bytes.indexOf(LINE_END);
    if (lineEnd < 0) return 0;
    const size = Number.parseInt(bytes.toString("latin1", 0, lineEnd), 16);
    if (!Number.isSafeInteger(size)) return undefined;
    const from = lineEnd + LINE_END.length;
    if (bytes.length < from + size + LINE_END.length) return 0;
    if (size > 0) onPayload(bytes.subarray(from, from + size));
    return from + size + LINE_END.length;
  });
}

/** A server's text messages over a WebSocket (RFC 6455 section 5.2): unmasked, unfragmented; `onPing` has what a pong must repeat. */
export function socketDecoder(
  onHead: (head: Head) => void,
  onPayload: (payload: Buffer) => void,
  onPing: (payload: Buffer) => void,
): Decoder {
  return decoder(onHead, (bytes) => {
    const [first, second] = bytes;
    if (first === undefined || second === undefined) return 0;
    const short = second & 0x7f;
    const from = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < from) return 0;
    const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < from + size) return 0;
    const payload = bytes.subarray(from, from + size);
    const opcode = first & 0x0f;
    if (opcode === 0x1) onPayload(payload);
    else if (opcode === 0x9) onPing(payload);
    else if (opcode !== 0x8) return undefined;
    return from + size;
  });
}

/** Answers with a content-length, one after the other over one connection; a 304 has no body. */
export function answerDecoder(onAnswer: (head: Head, body: Buffer) => void): Decoder {
  let head: Head = { status: 0, text: "" };
  let size: number | undefined;
  const step: Step = (bytes) => {
    if (size === undefined) {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) return 0;
      head = parseHead(bytes.toString("latin1", 0, end));
      const length = /^content-length: (\d+)$/im.exec(head.text)?.[1];
      if (length === undefined && head.status !== 304 && head.status !== 204) return undefined;
      size = Number(length ?? 0);
      if (head.status === 304) size = 0;
      if (size === 0) finish(NOTHING);
      return end + HEAD_END.length;
    }
    if (bytes.length < size) return 0;
    const used = size;
    finish(bytes.subarray(0, used));
    return used;
  };
  const finish = (body: Buffer): void => {
    size = undefined;
    onAnswer(head, body);
  };
  return { take: stepper(step) };
}

/** A head, then the same step again and again. */
function decoder(onHead: (head: Head) => void, body: Step): Decoder {
  let open = false;
  return {
    take: stepper((bytes) => {
      if (open) return body(bytes);
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) return 0;
      open = true;
      onHead(parseHead(bytes.toString("latin1", 0, end)));
      return end + HEAD_END.length;
    }),
  };
}

/** A step gives how many bytes it used: 0 while it needs more, undefined for what it cannot read. What is left is kept as a copy. */
function stepper(step: Step): Decoder["take"] {
  let kept: Buffer = NOTHING;
  return (piece) => {
    const bytes = kept.length === 0 ? piece : Buffer.concat([kept, piece]);
    let at = 0;
    while (at < bytes.length) {
      const used = step(bytes.subarray(at));
      if (used === undefined) return false;
      if (used === 0) break;
      at += used;
    }
    kept = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
    return kept.length <= MAX_PENDING_BYTES;
  };
}

function parseHead(text: string): Head {
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0), text };
}

/** A client's frame: masked, as RFC 6455 section 5.3 wants it; a mask of zeros hides nothing and costs nothing. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
