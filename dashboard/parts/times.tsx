import type { JSX } from "preact";
import { formatClock, formatDay } from "../view/format.ts";
import { zoneMs } from "./zone.ts";

/** A time of day; the whole of it in UTC for whoever points at it. */
export function Clock({ at }: { readonly at: number }): JSX.Element {
  return (
    <time class="num" dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
      {formatClock(at, zoneMs(at))}
    </time>
  );
}

export function Day({ at }: { readonly at: number }): JSX.Element {
  return (
    <time class="num" dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
      {formatDay(at, zoneMs(at))}
    </time>
  );
}

/** Cut where it is shown, whole for whoever points at it, listens or copies. */
export function Hex({ text, cut }: { readonly text: string; readonly cut: string }): JSX.Element {
  return (
    <code class="hex" title={text}>
      {cut}
    </code>
  );
}
