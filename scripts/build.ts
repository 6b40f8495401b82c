// Builds dist/postvarta.mjs: one file with every dependency in it, and beside it the source map, the licences, the data about
// networks, and the small file that the store's threads start from.

import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";

const root = path.join(import.meta.dirname, "..");
const outfile = path.join(root, "dist/postvarta.mjs");

const startedAt = performance.now();
const options: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // A third off the size and 10 ms off a start; names stay, so that a stack trace can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: "linked",
  legalComments: "none",
  logLevel: "warning",
};
const { metafile } = await build({
  ...options,
  entryPoints: ["src/main.ts"],
  outfile,
  // Packages with two builds: the ES one, which needs no `require` (jsonc-parser's other build hides its files from a bundler).
  mainFields: ["module", "main"],
  // pg is CommonJS and asks for Node's modules with require, which an ES module has not.
  banner: {
    js: 'import { createRequire as requireOf } from "node:module";const require = requireOf(import.meta.url);',
  },
  metafile: true,
});
// Nothing of others is in it.
const storeThread = path.join(path.dirname(outfile), "store-thread.mjs");
await build({ ...options, entryPoints: ["src/store/engines/sqlite-worker-main.ts"], outfile: storeThread });
await mkdir(path.dirname(outfile), { recursive: true });
await writeFile(`${outfile}.licenses.txt`, await licensesOf(metafile));
await copyNetworks();

const kilobytes = Math.round((await stat(outfile)).size / 1024);
console.log(`dist/postvarta.mjs: ${kilobytes} kB in ${Math.round(performance.now() - startedAt)} ms`);

/** What the bundle reads about networks stands beside it; NOTICE names where it comes from. */
async function copyNetworks(): Promise<void> {
  const directory = path.join(path.dirname(outfile), "networks");
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
