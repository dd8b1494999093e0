import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

type Loaded<P> = { readonly page: ComponentType<P> } | { readonly failed: true } | undefined;

/** A page whose code comes when it is first looked at, and stays: once loaded it works without a line. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let ready: ComponentType<P> | undefined;
  return (props: P): JSX.Element => {
    const [loaded, setLoaded] = useState<Loaded<P>>(ready === undefined ? undefined : { page: ready });
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
      if (ready !== undefined) return;
      load().then(
        (page) => {
          ready = page;
          setLoaded({ page });
        },
        () => setLoaded({ failed: true }),
      );
    }, [attempt]);
    if (loaded === undefined) return <div class="skeleton skeleton-page" role="status" aria-label="Loading" />;
    if ("failed" in loaded) {
      return (
        <p class="quiet">
          This page could not be loaded.{" "}
          <button type="button" onClick={() => setAttempt(attempt + 1)}>
            Try again
          </button>
        </p>
      );
    }
    const Page = loaded.page;
    return <Page {...props} />;
  };
}
