// The one import direction, held by Biome's overrides: every forbidden direction is written down and must fail
// with a message that says where the line belongs, and every allowed one must pass.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

const root = path.join(import.meta.dirname, "../..");
const biomeTimeoutMs = 60_000;

const slices = ["policy", "logs", "jails", "accounts", "notify"] as const;
const rooms = [
  ...["core", "config", "store", "networks"],
  ...slices,
  ...["lab", "migrate", "api", "cli", "helper", "daemon", "main"],
] as const;

/** Which rooms a room may import; itself always. This is the map's first rule, written a second time on purpose. */
const low = ["core", "config", "store", "networks"];
const uses: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ["core"],
  store: ["core", "config"],
  networks: ["core", "config", "store"],
  ...Object.fromEntries(slices.map((slice) => [slice, low])),
  lab: [...low, ...slices],
  migrate: [...low, ...slices],
  api: [...low, ...slices, "lab", "migrate"],
  cli: [...low, ...slices, "lab", "migrate", "api/contract"],
  helper: ["core"],
  daemon: [...low, ...slices, "api", "helper"],
  main: ["cli", "daemon"],
  web: ["api/contract"],
};

interface Probe {
  readonly file: string;
  readonly text: string;
  readonly allowed: boolean;
  readonly title: string;
}

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly message: string;
    readonly advices: unknown;
    readonly location: { readonly path: string | { readonly file: string } };
  }[];
}

/** One file for each pair of rooms, each depth and each way to import. */
function probes(): Probe[] {
  const list: Probe[] = [];
  for (const [from, allowed] of Object.entries(uses)) {
    for (const to of [...rooms, "api/contract", "store/engines/sqlite-worker"]) {
      const room = to.split("/")[0] ?? to;
      if (room === from) continue;
      const fine = allowed.includes(to) || allowed.includes(room);
      for (const depth of depthsOf(from)) list.push(probe(from, to, depth, fine, list.length));
    }
  }
  return list;
}

/** main.ts and daemon.ts are one file each; their probes lie beside copies of the tree. */
function depthsOf(from: string): readonly string[] {
  return from === "main" || from === "daemon" ? [""] : ["", "deep/"];
}

function probe(from: string, to: string, depth: string, allowed: boolean, number: number): Probe {
  const single = from === "main" || from === "daemon";
  const file = single ? `src/${from}.ts` : `${from === "web" ? "web" : `src/${from}`}/${depth}probe-${number}.ts`;
  const target = to === "daemon" || to === "main" ? `src/${to}.ts` : `src/${to.includes("/") ? to : `${to}/thing`}.ts`;
  const relative = path.posix.relative(path.posix.dirname(file), target);
  const specifier = relative.startsWith(".") ? relative : `./${relative}`;
  return { file, text: importOf(specifier, number), allowed, title: `${file}: ${specifier}` };
}

function importOf(specifier: string, number: number): string {
  const forms = [
    `import { thing } from "${specifier}";\nthing();\n`,
    `import type { Thing } from "${specifier}";\nexport interface Probe extends Thing {}\n`,
    `export async function probe(): Promise<unknown> {\n  return await import("${specifier}");\n}\n`,
  ];
  return forms[number % forms.length] ?? "";
}

/** Runs Biome's one rule over `dir` and returns what it said, by file. */
async function lint(dir: string): Promise<Map<string, string>> {
  const args = ["lint", "--only=style/noRestrictedImports", "--reporter=json", "--max-diagnostics=none", "."];
  const stdout = await new Promise<string>((resolve) => {
    const biome = path.join(root, "node_modules/.bin/biome");
    execFile(biome, args, { cwd: dir, timeout: biomeTimeoutMs, maxBuffer: 64 << 20 }, (_error, out) => resolve(out));
  });
  const found = new Map<string, string>();
  const report: Report = JSON.parse(stdout);
  for (const { category, message, advices, location } of report.diagnostics) {
    if (category !== "lint/style/noRestrictedImports") continue;
    const file = typeof location.path === "string" ? location.path : location.path.file;
    found.set(file, `${message} ${JSON.stringify(advices)}`);
  }
  return found;
}

/** main.ts and daemon.ts exist once a tree, so each of their probes gets a tree of its own. */
function treesOf(list: readonly Probe[]): Probe[][] {
  const trees: Probe[][] = [[]];
  for (const one of list) {
    const free = trees.find((tree) => !tree.some((other) => other.file === one.file));
    if (free) free.push(one);
    else trees.push([one]);
  }
  return trees;
}

describe("one import direction", () => {
  const list = probes();
  const said = new Map<Probe, string | undefined>();
  let dir = "";

  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "postvarta-rings-"));
    await Promise.all(treesOf(list).map((tree, index) => lintTree(path.join(dir, String(index)), tree)));
  });

  after(() => rm(dir, { recursive: true, force: true }));

  async function lintTree(tree: string, probesOfTree: readonly Probe[]): Promise<void> {
    await mkdir(tree);
    await copyFile(path.join(root, "biome.json"), path.join(tree, "biome.json"));
    await copyFile(path.join(root, ".gitignore"), path.join(tree, ".gitignore"));
    for (const { file, text } of probesOfTree) {
      await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
      await writeFile(path.join(tree, file), text);
    }
    const found = await lint(tree);
    for (const one of probesOfTree) said.set(one, found.get(one.file));
  }

  test("an import against the direction fails and says where the line belongs", () => {
    const quiet = list.filter((one) => !one.allowed && !/belongs/.test(said.get(one) ?? ""));
    assert.deepEqual(
      quiet.map((one) => one.title),
      [],
    );
    assert.ok(list.filter((one) => !one.allowed).length > 150);
  });

  test("an import along the direction passes", () => {
    const stopped = list.filter((one) => one.allowed && said.get(one) !== undefined);
    assert.deepEqual(
      stopped.map((one) => `${one.title}: ${said.get(one)}`),
      [],
    );
    assert.ok(list.filter((one) => one.allowed).length > 80);
  });
});
