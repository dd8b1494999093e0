import { join } from "node:path";

/** Where `npm run dashboard` puts the page, and `npm run build` its copy beside the compiled command line. */
export const DASHBOARD_FOLDER = join(import.meta.dirname, "..", "dashboard", "dist");
