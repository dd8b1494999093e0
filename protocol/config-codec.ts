import { type Digest, keccakHex, utf8 } from "./bytes.ts";
import type { Reader, Writer } from "./codec.ts";
import { type NetworkConfig, parseNetworkConfig } from "./config.ts";
import { canonicalJson, type Json } from "./jcs.ts";
import { fail, ok, type Result } from "./result.ts";

/** The largest config that is carried, as its RFC 8785 JSON: 2 048 feeds of six sources each take 2.4 MiB. */
export const MAX_CONFIG_BYTES = 4 * 2 ** 20;

/** RFC 8785 JSON of a parsed config; its keccak is the config's digest. Printable ASCII, since every text of a config is. */
export function encodeConfig(config: NetworkConfig): Uint8Array {
  return utf8(canonicalJson(config as unknown as Json));
}

/**
 * The config behind a digest. Only the bytes that {@link encodeConfig} gives decode: parsing a parsed config changes nothing. The
 * digest is compared first, so that nobody parses what was not asked for; the fault names the first path that is wrong.
 */
export function decodeConfig(json: Uint8Array, digest: Digest): Result<NetworkConfig, string> {
  if (json.length > MAX_CONFIG_BYTES) return fail(`config: expected at most ${MAX_CONFIG_BYTES} bytes`);
  if (keccakHex(json) !== digest) return fail("config: not the one that its digest names");
  const value = readJson(json);
  if (!value.ok) return value;
  const parsed = parseNetworkConfig(value.value);
  if (!parsed.ok) return fail(`config: ${parsed.error[0]?.path}: ${parsed.error[0]?.expected}`);
  if (keccakHex(encodeConfig(parsed.value)) !== digest) return fail("config: not in its canonical form");
  return ok(parsed.value);
}

/** A config inside other bytes: its length in four bytes, then {@link encodeConfig}. */
export function writeConfig(writer: Writer, config: NetworkConfig): void {
  const json = encodeConfig(config);
  writer.u32(json.length);
  writer.bytes(json);
}

/** What {@link writeConfig} wrote, still to be decoded; the length is bounded before anything is taken. */
export function readConfigBytes(reader: Reader): Uint8Array {
  const length = reader.u32();
  if (length > MAX_CONFIG_BYTES) reader.refuse(`expected a config of at most ${MAX_CONFIG_BYTES} bytes`);
  if (length > reader.remaining()) reader.refuse(`expected ${length} bytes of a config, found ${reader.remaining()}`);
  return reader.bytes(reader.fault() === undefined ? length : 0);
}

function readJson(json: Uint8Array): Result<unknown, string> {
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json)));
  } catch {
    return fail("config: not JSON");
  }
}
