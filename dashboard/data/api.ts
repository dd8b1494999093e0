import type { z } from "zod";
import type { breakerLogSchema, breakerSchema, chainsSchema } from "../../gateway/breaker.ts";
import type { evidenceListSchema, feedListSchema, historySchema } from "../../gateway/documents.ts";
import type { documentListSchema, governanceSchema, keyholdersSchema } from "../../gateway/governance.ts";
import type { sourcesSchema } from "../../gateway/sources.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { BundleDocument, CommitteeDocument, ReasonDocument } from "../../protocol/document.ts";

/** What `/v1` answers, by the schemas that the gateway itself is made of: types alone, so that no schema is loaded with the page. */
export type FeedList = z.infer<typeof feedListSchema>;
export type FeedItem = FeedList["feeds"][number];
export type ChainList = z.infer<typeof chainsSchema>;
export type ChainItem = ChainList["chains"][number];
export type BreakerList = z.infer<typeof breakerSchema>;
export type BreakerLog = z.infer<typeof breakerLogSchema>;
export type BreakerChange = BreakerLog["entries"][number];
export type History = z.infer<typeof historySchema>;
export type HistoryPoint = History["points"][number];
export type Sources = z.infer<typeof sourcesSchema>;
export type Source = Sources["sources"][number];
export type Governance = z.infer<typeof governanceSchema>;
export type Keyholders = z.infer<typeof keyholdersSchema>;
export type Documents = z.infer<typeof documentListSchema>;
export type EvidenceList = z.infer<typeof evidenceListSchema>;
export type Bundle = BundleDocument;
export type BundleItem = Bundle["feeds"][number];
export type Committee = CommitteeDocument;
/** `/v1/committee?config=1`: the config as the network parsed it, defaults filled in. */
export type CommitteeWithConfig = Omit<CommitteeDocument, "config"> & { readonly config: NetworkConfig };
export type Reason = ReasonDocument;
export type BreakerInfo = NonNullable<FeedItem["breaker"]>;
export type State = BreakerInfo["state"];
export type Permits = NonNullable<FeedItem["permits"]>;
export type Rule = Reason["rule"];
