import { config } from "zod";

// Zod compiles its checks with `new Function` where it may. The page's policy forbids that, and even its asking would be reported.
config({ jitless: true });
