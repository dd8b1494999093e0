import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { FeedPage } from "./pages/feed.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { lazy } from "./parts/lazy.tsx";
import { useLive } from "./parts/live-context.ts";
import { RoundStatus } from "./parts/round-status.tsx";
import { ThemeSwitch } from "./parts/theme-switch.tsx";
import { Warnings } from "./parts/warnings.tsx";
import { parseRoute, type Route, titleOf } from "./router.ts";
import { isAlive } from "./view/banner.ts";

const CommitteePage = lazy(async () => (await import("./pages/committee.tsx")).CommitteePage);
const GovernancePage = lazy(async () => (await import("./pages/governance.tsx")).GovernancePage);
const VerifyPage = lazy(async () => (await import("./pages/verify.tsx")).VerifyPage);

const NAVIGATION = [
  ["overview", "#/", "Overview"],
  ["committee", "#/committee", "Committee"],
  ["governance", "#/governance", "Governance"],
  ["verify", "#/verify", "Verify"],
] as const;

export function App(): JSX.Element {
  const live = useLive();
  const route = useSignal<Route>(parseRoute(location.hash));
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    const follow = (): void => {
      route.value = parseRoute(location.hash);
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, [route]);
  useSignalEffect(() => {
    const { value } = route;
    document.title = titleOf(value, live.list.value?.network);
    live.look({ feed: value.page === "feed" ? value.feed : undefined, list: value.page === "overview" });
  });
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <BrandMark />
          <span class="brand-name">Breakwater</span>
          <span class="brand-network">{live.list.value?.network ?? ""}</span>
        </a>
        <Navigation route={route.value} />
        <RoundStatus />
        <ThemeSwitch />
      </header>
      <Warnings />
      <Content route={route.value} main={main} />
      <footer class="foot">
        <p>
          Everything here is signed by the committee's quorum. This page shows it; <a href="#/verify">verify</a> proves it.
        </p>
        <p>
          <a href="./docs">API</a>
        </p>
      </footer>
    </>
  );
}

function Navigation({ route }: { readonly route: Route }): JSX.Element {
  const current = route.page === "feed" ? "overview" : route.page;
  return (
    <nav aria-label="Pages">
      {NAVIGATION.map(([page, href, name]) => (
        <a key={page} href={href} aria-current={page === current ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

function Content({ route, main }: { readonly route: Route; readonly main: { current: HTMLElement | null } }): JSX.Element {
  const live = useLive();
  const freshness = live.freshness.value;
  const alive = isAlive({ link: live.link.value, freshness, now: live.now.value, clockOff: live.clockOff.value });
  const age = alive || freshness === "none" ? "" : freshness === "ended" ? " is-ended" : " is-stale";
  return (
    <main id="main" class={`page${age}`} tabIndex={-1} ref={main}>
      <Page route={route} />
    </main>
  );
}

function Page({ route }: { readonly route: Route }): JSX.Element {
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "feed":
      return <FeedPage key={route.slug} feed={route.feed} slug={route.slug} />;
    case "committee":
      return <CommitteePage />;
    case "governance":
      return <GovernancePage />;
    case "verify":
      return <VerifyPage slug={route.slug} />;
    case "unknown":
      return (
        <section class="empty">
          <h1>There is no such page</h1>
          <p>
            Nothing is at “{route.path}”. <a href="#/">All feeds</a>
          </p>
        </section>
      );
  }
}

function BrandMark(): JSX.Element {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M5 21c3.7 0 3.7-3 7.3-3s3.7 3 7.4 3 3.6-3 7.3-3" />
      <path class="stones" d="M8 14h16M11 9h10" />
    </svg>
  );
}
