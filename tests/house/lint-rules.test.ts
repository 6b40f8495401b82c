// The lint rules of the house bite: one offending file each, and Biome names the rule. A rule that an upgrade renames
// or an override swallows would otherwise vanish without a word.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

const root = path.join(import.meta.dirname, "../..");
const biomeTimeoutMs = 60_000;

const lines = (count: number) => Array.from({ length: count }, (_, i) => `  total += ${i};`).join("\n");

/** rule, file, text: the rule must be among what Biome says of the file. */
const offences: readonly (readonly [rule: string, file: string, text: string])[] = [
  [
    "suspicious/noImportCycles",
    "src/core/egg.ts",
    'import { hen } from "./hen.ts";\nexport const egg = () => hen();\n',
  ],
  [
    "suspicious/noImportCycles",
    "src/core/hen.ts",
    'import { egg } from "./egg.ts";\nexport const hen = () => egg();\n',
  ],
  ["suspicious/noImportCycles", "src/core/ask.ts", 'import type { B } from "./told.ts";\nexport type A = B | 1;\n'],
  ["suspicious/noImportCycles", "src/core/told.ts", 'import type { A } from "./ask.ts";\nexport type B = A | 2;\n'],
  [
    "complexity/noExcessiveLinesPerFunction",
    "src/core/long-function.ts",
    `export function sum(): number {\n  let total = 0;\n${lines(61)}\n  return total;\n}\n`,
  ],
  [
    "style/noExcessiveLinesPerFile",
    "src/core/long-file.ts",
    "export type Row = 1;\n".replace(";", "\n  | 2".repeat(400)),
  ],
  ["style/noDefaultExport", "src/core/default-export.ts", "export default function one() {}\n"],
  ["performance/noBarrelFile", "src/core/index.ts", 'export { one } from "./one.ts";\n'],
  ["performance/noReExportAll", "src/core/all.ts", 'export * from "./one.ts";\n'],
  ["style/noEnum", "src/core/enum.ts", "export enum Level {\n  Low,\n}\n"],
  ["style/noNamespace", "src/core/space.ts", "export namespace Space {\n  export const one = 1;\n}\n"],
  [
    "style/noParameterProperties",
    "src/core/property.ts",
    "export class A {\n  constructor(readonly a: number) {}\n}\n",
  ],
  ["style/useFilenamingConvention", "src/core/CamelCase.ts", "export const one = 1;\n"],
  ["style/useNodejsImportProtocol", "src/core/protocol.ts", 'import { join } from "path";\njoin();\n'],
  ["style/useImportType", "src/core/type.ts", 'import { Ip } from "./ip.ts";\nexport type A = Ip;\n'],
  ["correctness/useImportExtensions", "src/core/extension.ts", 'import { one } from "./one";\none();\n'],
  ["suspicious/noExplicitAny", "src/core/any.ts", "export const one = (value: any) => value;\n"],
  ["suspicious/noConsole", "src/policy/console.ts", 'console.log("no");\n'],
  [
    "nursery/noFloatingPromises",
    "src/core/floating.ts",
    "async function one() {}\nexport function two() {\n  one();\n}\n",
  ],
  [
    "nursery/useExhaustiveSwitchCases",
    "src/core/switch.ts",
    'export function one(kind: "a" | "b") {\n  switch (kind) {\n    case "a":\n      return 1;\n  }\n}\n',
  ],
];

/** What is allowed although it looks alike. */
const innocent: readonly (readonly [file: string, text: string])[] = [
  ["src/core/one.ts", "export function one() {}\n"],
  ["src/core/ip.ts", "export interface Ip {\n  readonly a: 1;\n}\n"],
  ["src/cli/console.ts", 'console.log("yes");\n'],
  ["src/store/migrations/0001-first.ts", "export const first = 1;\n"],
  ["src/core/long.test.ts", `function long() {\n  let total = 0;\n${lines(61)}\n  return total;\n}\nlong();\n`],
];

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly severity: string;
    readonly location: { readonly path: string | { readonly file: string } };
  }[];
}

async function lint(dir: string): Promise<Map<string, string[]>> {
  const args = ["lint", "--reporter=json", "--max-diagnostics=none", "."];
  const stdout = await new Promise<string>((resolve) => {
    const biome = path.join(root, "node_modules/.bin/biome");
    execFile(biome, args, { cwd: dir, timeout: biomeTimeoutMs, maxBuffer: 64 << 20 }, (_error, out) => resolve(out));
  });
  const found = new Map<string, string[]>();
  const report: Report = JSON.parse(stdout);
  for (const { category, severity, location } of report.diagnostics) {
    const file = typeof location.path === "string" ? location.path : location.path.file;
    if (severity !== "error") continue;
    found.set(file, [...(found.get(file) ?? []), category]);
  }
  return found;
}

describe("the lint rules of the house", () => {
  let dir = "";
  let found = new Map<string, string[]>();

  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "postvarta-lint-"));
    for (const name of ["biome.json", ".gitignore"]) await copyFile(path.join(root, name), path.join(dir, name));
    const files = [...offences.map(([, file, text]) => [file, text] as const), ...innocent];
    for (const [file, text] of files) {
      await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
      await writeFile(path.join(dir, file), text);
    }
    found = await lint(dir);
  });

  after(() => rm(dir, { recursive: true, force: true }));

  for (const [rule, file] of offences) {
    test(`${rule} stops ${file}`, () => assert.ok(found.get(file)?.includes(`lint/${rule}`), found.get(file)?.join()));
  }

  for (const [file] of innocent) {
    test(`nothing stops ${file}`, () => assert.deepEqual(found.get(file), undefined));
  }
});
