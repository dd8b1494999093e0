import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const COMPRESSED = /\.(?:html|js|css|svg)$/;

/** The page is compressed once, here: a gateway sends what lies beside each file and spends nothing on it. */
function precompress(folder: string): Plugin {
  return {
    name: "precompress",
    closeBundle: () => {
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (!COMPRESSED.test(name)) continue;
        const file = join(folder, name);
        const bytes = readFileSync(file);
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }));
      }
    },
  };
}

/** Vite is a development dependency: an installation without those has the page in its package already, or none. */
async function loadVite(): Promise<typeof import("vite")> {
  try {
    return await import("vite");
  } catch (error) {
    if (process.env.npm_lifecycle_event !== "prepare") throw error;
    console.log("the dashboard is not built: it takes the development dependencies");
    process.exit(0);
  }
}

const { build } = await loadVite();
const root = import.meta.dirname;
const outDir = join(root, process.argv[2] ?? "dist");

await build({
  root,
  configFile: false,
  base: "./",
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [precompress(outDir)],
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
