// /etc/postvarta/postvarta.toml, conf.d/*.toml and the environment → one checked, frozen tree that remembers where each
// value was written.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { Problem, Problems } from "../core/problem.ts";
import { check, inFileOrder } from "./check.ts";
import { documentOf, parseTable } from "./document.ts";
import { type Environment, parseEnvironment } from "./environment.ts";
import { lazyOutline } from "./outline.ts";
import { readSecrets } from "./secrets.ts";
import { configSchema } from "./sections.ts";
import { findTree, mergeTables, newTable, printPlace, type Table } from "./tree.ts";
import { isMissing, reasonOf, unreadable } from "./unreadable.ts";

const defaultConfigFile = "/etc/postvarta/postvarta.toml";

const configBytesMax = 1024 * 1024;

const confFilesMax = 200;

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** The whole configuration, defaults filled in; keys as in the file, addresses and networks parsed. */
export type Config = Frozen<z.output<typeof configSchema>>;

export interface ReadConfig {
  readonly config: Config;
  /** The files that were read, in order. */
  readonly files: readonly string[];
  /** Where `policy.mode` was written: `file:line`, `environment NAME`, or `default`. List items by number: `policy.listen.0`. */
  placeOf(path: string): string;
}

export interface ReadConfigOptions {
  /** Named by a person, so it must exist; undefined reads the default file where there is one. */
  readonly file?: string | undefined;
  readonly environment: Environment;
}

/** Reads and checks everything. Throws Problems with every mistake of every file and variable. */
export function readConfig(options: ReadConfigOptions): ReadConfig {
  const outline = lazyOutline(configSchema);
  const problems: Problem[] = [];
  const files = filesOf(options.file, problems);
  const layers = files.flatMap((file) => readLayer(file, problems));
  const environment = parseEnvironment(options.environment, outline);
  problems.push(...environment.problems);
  layers.push(environment.table);
  let merged = newTable({ source: files[0] ?? options.file ?? defaultConfigFile, line: 1 });
  for (const layer of layers) {
    problems.push(...readSecrets(layer, outline));
    merged = mergeTables(merged, layer);
  }
  const checked = check(configSchema, documentOf(merged), {
    unknownKey: "config/unknown-key",
    badValue: "config/bad-value",
  });
  if (!checked.ok) problems.push(...checked.problems);
  if (!checked.ok || problems.length > 0) throw new Problems(inFileOrder(problems));
  freeze(checked.value);
  return { config: checked.value, files, placeOf: (path) => placeOfSetting(merged, path) };
}

function filesOf(named: string | undefined, problems: Problem[]): string[] {
  const main = named ?? defaultConfigFile;
  const confDirectory = join(dirname(main), "conf.d");
  const files = named === undefined && !isThere(main) ? [] : [main];
  const extra = namesIn(confDirectory, problems)
    .filter((name) => name.endsWith(".toml") && !name.startsWith("."))
    .sort();
  if (extra.length > confFilesMax) {
    problems.push(unreadable(confDirectory, `${extra.length} files`, `at most ${confFilesMax}`));
    return files;
  }
  return [...files, ...extra.map((name) => join(confDirectory, name))];
}

function isThere(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch (error) {
    // A file that we may not look at is there, and its reading tells why not.
    return !isMissing(error);
  }
}

function namesIn(directory: string, problems: Problem[]): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (!isMissing(error)) problems.push(unreadable(directory, "cannot be read", reasonOf(error)));
    return [];
  }
}

function readLayer(file: string, problems: Problem[]): Table[] {
  try {
    return [parseTable(readText(file), file, configBytesMax)];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return [];
  }
}

/** The text of a configuration file. Throws a Problem config/unreadable, or config/syntax when it is not UTF-8. */
export function readText(file: string): string {
  const bytes = readBytes(file);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const hint = "save it as UTF-8";
    throw new Problem("the file is not UTF-8 text", { code: "config/syntax", where: `${file}:1`, hint });
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(file, "cannot be read", reasonOf(error));
  }
}

function placeOfSetting(merged: Table, path: string): string {
  const found = findTree(merged, path.split("."));
  return found === undefined ? "default" : printPlace(found.place);
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const inner of Object.values(value)) freeze(inner);
  Object.freeze(value);
}
