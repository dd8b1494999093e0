import type { Target } from "./target.ts";
import { adapters } from "./targets/adapters.ts";
import { backtest } from "./targets/backtest.ts";
import { chainRpc } from "./targets/chain-rpc.ts";
import { changes } from "./targets/changes.ts";
import { config } from "./targets/config.ts";
import { control } from "./targets/control.ts";
import { documents } from "./targets/documents.ts";
import { foldTarget } from "./targets/fold.ts";
import { following } from "./targets/following.ts";
import { gateway } from "./targets/gateway.ts";
import { gossip } from "./targets/gossip.ts";
import { governance } from "./targets/governance.ts";
import { keyFile } from "./targets/key-file.ts";
import { machine } from "./targets/machine.ts";
import { recover } from "./targets/recover.ts";
import { texts } from "./targets/texts.ts";
import { venueFrames } from "./targets/venue-frames.ts";
import { venueHttp } from "./targets/venue-http.ts";
import { wire } from "./targets/wire.ts";
/** Every boundary that is fuzzed; a new one is a file in targets/ and a line here. */
export const TARGETS: readonly Target[] = [
  ...[gossip, wire, recover, foldTarget, governance, machine, documents, changes],
  ...[texts, adapters, chainRpc, venueHttp, venueFrames, gateway, following, control, config, keyFile, backtest],
];
