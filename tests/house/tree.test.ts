// What the linter cannot see: names, plug folders and their lists, words that must not be in the tree, unused problem codes.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { problemCodes } from "../../src/core/problem.ts";

const root = path.join(import.meta.dirname, "../..");

/** Folders that are made, not written. */
const made = new Set([".git", "node_modules", "dist", "var", ".cache", "coverage"]);

/** Paths of the tree's files, relative to the root, with `/`. */
function treeFiles(folder = ""): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => !made.has(entry.name))
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return treeFiles(name);
      return entry.isFile() ? [name] : [];
    });
}

const read = (name: string) => readFileSync(path.join(root, name), "utf8");
const files = treeFiles();
const sources = files.filter((name) => /^src\/.*\.ts$/.test(name));
const shipped = sources.filter((name) => !name.endsWith(".test.ts"));

describe("names", () => {
  /** A file with such a name takes anything, so nobody can guess what is in it. */
  const vague = /^(utils?|helpers?|common|misc|shared|types|manager|service|handler|lib|base|stuff)(\.|$)/;

  test("no file or folder has a name that could hold anything", () => {
    // src/helper is the privileged process: a word of the map.
    const named = files.filter((name) => /^(src|web|tests|bench|scripts)\//.test(name) && name !== "src/helper");
    const bad = named.filter((name) => {
      const parts = name.replace(/^src\/helper\//, "").split("/");
      return parts.some((part) => vague.test(part) || /-(utils?|helpers?|manager|service|handler)\./.test(part));
    });
    assert.deepEqual(bad, []);
  });

  test("files and folders are kebab-case", () => {
    const folders = files.filter((name) => /^(src|scripts|bench|tests\/house|docs\/decisions)\//.test(name));
    const bad = folders.filter((name) => !name.split("/").every((part) => /^[a-z0-9]+([.-][a-z0-9]+)*$/.test(part)));
    assert.deepEqual(bad, []);
  });

  test("every source file begins with the paragraph that says what room it is", () => {
    const bare = shipped.filter((name) => !/^(#!.*\n)?(\/\/|\/\*)/.test(read(name)));
    assert.deepEqual(bare, []);
  });
});

/** Names of the files beside `name` that it imports or names. */
const siblingsOf = (name: string) => [...read(name).matchAll(/["'`]\.\/([\w.-]+)\.ts["'`]/g)].map((match) => match[1]);

describe("plug folders", () => {
  const indexes = sources.filter((name) => name.endsWith("/index.ts"));

  for (const index of indexes) {
    test(`${index} lists every plug beside it`, () => {
      const folder = path.dirname(index);
      const listed = new Set([...read(index).matchAll(/from "\.\/([\w.-]+)\.ts"/g)].map((match) => match[1]));
      const plugs = readdirSync(path.join(root, folder))
        .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== "index.ts")
        .map((name) => name.slice(0, -3));
      // A file that serves the plugs is imported by one of them, or from elsewhere, or imports the list itself.
      const served = new Set(listed);
      for (const name of served) for (const other of siblingsOf(`${folder}/${name}.ts`)) served.add(other);
      const lonely = plugs.filter((name) => !served.has(name) && !siblingsOf(`${folder}/${name}.ts`).includes("index"));
      const elsewhere = shipped
        .filter((name) => path.dirname(name) !== folder)
        .map(read)
        .join("\n");
      const tail = path.basename(folder);
      const forgotten = lonely.filter((name) => !elsewhere.includes(`/${tail}/${name}.ts"`));
      assert.deepEqual(forgotten, []);
      assert.ok(listed.size > 0);
    });
  }

  test("every folder that the map calls a plug folder has its list", () => {
    const folders = ["policy/checks", "logs/sources", "jails/firewalls", "accounts/signals"];
    const filled = folders.filter((folder) => shipped.some((name) => name.startsWith(`src/${folder}/`)));
    assert.deepEqual(
      filled.filter((folder) => !indexes.includes(`src/${folder}/index.ts`)),
      [],
    );
  });
});

describe("words", () => {
  // Written in pieces, so that this file does not hold what it looks for.
  const forbidden: readonly (readonly [what: string, pattern: RegExp])[] = [
    ["a path of somebody's machine", new RegExp(`(?<![\\w.-])/(${["work", "home/\\w+", "Users/\\w+"].join("|")})/`)],
    ["an unfinished place", new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`)],
    ["a merge mark", /^(<{7}|>{7}) /m],
    ["a setting of somebody's registry", /\bregistry\s*=\s*https?:/],
    ["a private key", new RegExp(`BEGIN [A-Z ]*PRIVATE${" "}KEY`)],
  ];
  const text =
    /\.(ts|tsx|mjs|js|json|jsonc|md|toml|service|socket|cf|html|css|txt|yml|yaml|sh)$|^(start|check|postvarta|\.ci\/run)$/;

  for (const [what, pattern] of forbidden) {
    test(`no file holds ${what}`, () => {
      const bad = files.filter((name) => text.test(name) && name !== "package-lock.json" && pattern.test(read(name)));
      assert.deepEqual(bad, []);
    });
  }

  test("the lockfile names no registry", () => {
    assert.deepEqual(read("package-lock.json").match(/"resolved": "https?:[^"]*/g) ?? [], []);
  });
});

describe("sources", () => {
  test("nothing changes at module level: no let outside a function", () => {
    assert.deepEqual(
      shipped.filter((name) => /^(export )?(let|var) /m.test(read(name))),
      [],
    );
  });

  test("every problem code is used by the code that can meet it", () => {
    const text = shipped
      .filter((name) => name !== "src/core/problem.ts")
      .map(read)
      .join("\n");
    const unused = Object.keys(problemCodes).filter((code) => !text.includes(`"${code}"`));
    assert.deepEqual(unused, []);
  });

  test("no test is left alone or left out by only and skip flags", () => {
    const bad = files.filter(
      (name) => /\.test\.ts$/.test(name) && /\b(test|it|describe)\.(only|todo)\(/.test(read(name)),
    );
    assert.deepEqual(bad, []);
  });
});
