import { redactUrl } from "./http.ts";

/** Shorter parts of a URL are words (`v3`, `eth`), not secrets. */
const MIN_SECRET = 8;

/** How one endpoint is spoken of, and how its credentials are kept out of what is said. */
export type EndpointName = {
  /** Its place among its chain's endpoints and its host: `0 mainnet.example`. */
  readonly label: string;
  /** A fault's detail without the path, in which providers put their keys, and without any part of it. */
  readonly redact: (detail: string) => string;
};

/**
 * @param url an http or https URL; its path, query, user name and password may be a key
 * @param place among its chain's endpoints
 */
export function nameEndpoint(url: string, place: number): EndpointName {
  const parsed = new URL(url);
  const label = `${place} ${parsed.host}`;
  const where = redactUrl(parsed);
  const secrets = secretsOf(parsed);
  return {
    label,
    redact: (detail) => {
      let shown = detail.startsWith(where) ? parsed.host + detail.slice(where.length) : detail;
      for (const secret of secrets) shown = shown.replaceAll(secret, "…");
      return shown;
    },
  };
}

function secretsOf({ pathname, searchParams, username, password }: URL): readonly string[] {
  return [...pathname.split("/"), ...searchParams.values(), username, password]
    .flatMap((part) => [part, decoded(part)])
    .filter((part) => part.length >= MIN_SECRET);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
