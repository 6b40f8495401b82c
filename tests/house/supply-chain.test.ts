// What we run of others: few packages, each named and locked with its checksum, and none that runs a script when it is installed.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const root = path.join(import.meta.dirname, "../..");
const readJson = (name: string) => JSON.parse(readFileSync(path.join(root, name), "utf8"));
const manifest: Required<Pick<Locked, "dependencies" | "devDependencies">> = readJson("package.json");
const locked: Readonly<Record<string, Locked>> = readJson("package-lock.json").packages;
const packages = Object.entries(locked).filter(([name]) => name !== "");
const runtime = packages.filter(([, entry]) => entry.dev !== true);

/** All that a server runs, with what its libraries bring. One more is a decision: docs/decisions/0001-libraries.md. */
const runtimeMax = 30;

test("the lockfile is what package.json says, in exact versions", () => {
  for (const kind of ["dependencies", "devDependencies"] as const) {
    assert.deepEqual(locked[""]?.[kind], manifest[kind]);
    for (const [name, version] of Object.entries(manifest[kind])) {
      assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is no exact version`);
      assert.equal(locked[`node_modules/${name}`]?.version, version, name);
    }
  }
});

test("every package that a server runs has its checksum", () => {
  const bare = runtime.filter(([, entry]) => !/^sha512-/.test(entry.integrity ?? "") && entry.optional !== true);
  assert.deepEqual(
    bare.map(([name]) => name),
    [],
  );
});

test("no package that a server runs runs a script when it is installed", () => {
  for (const [name, entry] of runtime) {
    assert.notEqual(entry.hasInstallScript, true, name);
    const file = path.join(root, name, "package.json");
    if (!existsSync(file)) continue;
    const { scripts = {} } = JSON.parse(readFileSync(file, "utf8"));
    const atInstall = ["preinstall", "install", "postinstall"].filter((script) => script in scripts);
    assert.deepEqual(atInstall, [], name);
    assert.ok(!existsSync(path.join(root, name, "binding.gyp")), `${name} is built at install`);
  }
});

test("a server runs few packages, and each direct one is explained", () => {
  assert.ok(runtime.length <= runtimeMax, runtime.map(([name]) => name).join(" "));
  const decision = readFileSync(path.join(root, "docs/decisions/0001-libraries.md"), "utf8");
  const silent = Object.keys(manifest.dependencies).filter((name) => !decision.includes(name.replace(/^@[^/]+\//, "")));
  assert.deepEqual(silent, []);
});
