import { slugToFeed } from "../protocol/feed.ts";

export type Route =
  | { readonly page: "overview" }
  | { readonly page: "feed"; readonly feed: string; readonly slug: string }
  | { readonly page: "committee" }
  | { readonly page: "governance" }
  | { readonly page: "verify"; readonly slug: string | undefined }
  | { readonly page: "unknown"; readonly path: string };

/** The part of an address after `#` → the page. Every page can be linked to. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, "").replace(/\/$/, "");
  const [first = "", second, ...rest] = path.split("/");
  if (rest.length > 0) return { page: "unknown", path };
  if (first === "feeds" && second !== undefined) {
    const feed = slugToFeed(second);
    return feed.ok ? { page: "feed", feed: feed.value, slug: second } : { page: "unknown", path };
  }
  if (first === "verify") return { page: "verify", slug: second };
  if (second !== undefined) return { page: "unknown", path };
  if (first === "") return { page: "overview" };
  return first === "committee" || first === "governance" ? { page: first } : { page: "unknown", path };
}

export function titleOf(route: Route, network: string | undefined): string {
  const names = {
    overview: "Overview",
    committee: "Committee",
    governance: "Governance",
    verify: "Verify",
    unknown: "Not found",
  };
  const name = route.page === "feed" ? route.feed : names[route.page];
  return [name, network, "Breakwater"].filter((part) => part !== undefined).join(" · ");
}
