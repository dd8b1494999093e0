import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Live } from "../data/live.ts";

export const LiveContext = createContext<Live | undefined>(undefined);

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (live === undefined) throw new Error("a part of the page stands outside of its live data");
  return live;
}
