/** A node or gateway that this one follows or relays to, by the base of its API. `key` is the API key that it gave this gateway. */
export type Upstream = { readonly url: string; readonly key?: string | undefined };

/** What a request shows of an API key; nothing without one. */
export function authorizationOf(key: string | undefined): { readonly authorization?: string } {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}
