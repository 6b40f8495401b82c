// The guides: each in both languages with the same code, commands that there are, and configuration that is read.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { readConfig } from "../../src/config/config.ts";

const folder = path.join(import.meta.dirname, "../../docs/guide");
const read = (name: string) => readFileSync(path.join(folder, name), "utf8");
const guides = readdirSync(folder).filter((name) => /^[\w-]+\.md$/.test(name));
const reference = readFileSync(path.join(folder, "../reference/cli.md"), "utf8");

/** Fenced blocks, with their language. */
const blocks = (text: string) =>
  [...text.matchAll(/^```([\w.]*)\n(.*?)^```$/gms)].map(([, kind, body]) => ({ kind, body }));
const commands = (text: string) => [...text.matchAll(/^ {4}(\S.*)$/gm)].map(([, line]) => line ?? "");
/** What stands between backticks, each once. */
const codes = (text: string) =>
  [
    ...new Set([...text.replaceAll(/^```.*?^```$/gms, "").matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? "")),
  ].sort();

describe("guides", () => {
  for (const name of guides) {
    const twin = name.replace(/\.md$/, ".uk.md");

    test(`${name} stands in Ukrainian too, with the same code`, () => {
      const [english, ukrainian] = [read(name), read(twin)];
      assert.ok(english.includes(`(${twin})`) && ukrainian.includes(`(${name})`), "each names the other");
      assert.deepEqual(blocks(ukrainian), blocks(english));
      assert.deepEqual(commands(ukrainian), commands(english));
      assert.deepEqual(codes(ukrainian), codes(english));
      assert.equal(ukrainian.match(/^## /gm)?.length, english.match(/^## /gm)?.length);
    });

    test(`${name} names verbs and options that there are`, () => {
      const lines = [...commands(read(name)), ...codes(read(name))].filter((line) => line.startsWith("postvarta "));
      for (const line of lines) {
        const words = line.split(" ").filter((word) => word !== "");
        const verb = words.slice(0, 3).join(" ");
        const section = sectionOf(verb) ?? sectionOf(words.slice(0, 2).join(" "));
        assert.ok(section !== undefined || reference.includes(`## ${verb} `), line);
        for (const word of words.filter((one) => one.startsWith("--")))
          assert.ok(section?.includes(`  ${word} `), line);
      }
    });

    test(`${name} has configuration that is read as it stands`, () => {
      const made = mkdtempSync(path.join(tmpdir(), "postvarta-guide-"));
      try {
        for (const { kind, body = "" } of blocks(read(name))) {
          if (kind !== "toml") continue;
          const file = path.join(made, "postvarta.toml");
          writeFileSync(file, body);
          readConfig({ file, environment: {} });
        }
      } finally {
        rmSync(made, { recursive: true });
      }
    });
  }
});

function sectionOf(verb: string): string | undefined {
  const at = reference.indexOf(`\n## ${verb}\n`);
  return at < 0 ? undefined : reference.slice(at, reference.indexOf("\n## ", at + 4));
}
