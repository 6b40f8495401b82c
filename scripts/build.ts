// Builds dist/: postvarta.mjs starts everything, store-thread.mjs the store's threads, chunk-*.mjs hold what they share and what
// only some verbs need, every dependency included. Beside them the source maps, the licences and the data about networks.

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import path from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

const root = path.join(import.meta.dirname, "..");
const folder = path.join(root, "dist");

const startedAt = performance.now();
/** In place of an import, which would run every getter of the module: `node:http` loads a whole WebSocket client that way. */
const builtinsWhenUsed: Plugin = {
  name: "builtins when used",
  setup({ onResolve, onLoad }) {
    const names = new RegExp(`^(?:node:.+|${builtinModules.join("|")})$`);
    onResolve({ filter: names }, (found) => ({ path: found.path.replace(/^node:/, ""), namespace: "builtin" }));
    onLoad({ filter: /.*/, namespace: "builtin" }, (found) => ({
      contents: `module.exports = process.getBuiltinModule("node:${found.path}");`,
    }));
  },
};
await rm(folder, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [
    { in: "src/main.ts", out: "postvarta" },
    { in: "src/store/engines/sqlite-worker-main.ts", out: "store-thread" },
  ],
  outdir: folder,
  outExtension: { ".js": ".mjs" },
  // Beside the entries, because code finds its data by its own place.
  chunkNames: "chunk-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  plugins: [builtinsWhenUsed],
  // Packages with two builds: the ES one, which needs no `require` (jsonc-parser's other build hides its files from a bundler).
  mainFields: ["module", "main"],
  // A third off the size and 10 ms off a start; names stay, so that a stack trace can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: "linked",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
});
await writeFile(path.join(folder, "licenses.txt"), await licensesOf(metafile));
await copyNetworks();

const bytes = Object.entries(metafile.outputs).reduce(
  (sum, [name, { bytes }]) => sum + (name.endsWith(".mjs") ? bytes : 0),
  0,
);
console.log(`dist: ${Math.round(bytes / 1024)} kB of code in ${Math.round(performance.now() - startedAt)} ms`);

/** What the bundle reads about networks stands beside it; NOTICE names where it comes from. */
async function copyNetworks(): Promise<void> {
  const directory = path.join(folder, "networks");
  await mkdir(directory, { recursive: true });
  const files = [
    "asn/asn-ipv4-num.csv",
    "asn/asn-ipv6-num.csv",
    "geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb",
  ];
  for (const file of files) {
    await copyFile(path.join(root, "node_modules/@ip-location-db", file), path.join(directory, path.basename(file)));
  }
}

/** The licence texts of the packages whose files are in the bundle: their licences want to go with every copy. */
async function licensesOf(meta: Metafile): Promise<string> {
  const names = new Set<string>();
  for (const input of Object.keys(meta.inputs)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name !== undefined) names.add(name);
  }
  const texts = [...names].sort().map(async (name) => `## ${name}\n\n${await licenseText(name)}\n`);
  return (await Promise.all(texts)).join("\n");
}

async function licenseText(name: string): Promise<string> {
  // Some keep it in a file of its own, some at the end of their README.
  for (const file of ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "license"]) {
    const text = await readFile(path.join(root, "node_modules", name, file), "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  const readme = await readFile(path.join(root, "node_modules", name, "README.md"), "utf8").catch(() => "");
  const licensed = readme.slice(readme.search(/^Copyright \(c\)/m));
  if (/^Copyright \(c\)/.test(licensed) && licensed.includes("Permission is hereby granted")) return licensed;
  throw new Error(`${name} is in the bundle and has no licence file: add its text by hand`);
}
