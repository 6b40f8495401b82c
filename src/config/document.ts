// A text and its file name → a plain value that remembers file:line of every key. Everything a person writes comes in here.

import { Problem } from "../core/problem.ts";
import { parseJson } from "./json.ts";
import { parseToml } from "./toml.ts";
import { type Path, placeIn, plainValue, type Table } from "./tree.ts";

/** What was read, and where each part of it stands. */
export interface Document {
  /** Tables without prototype, arrays, strings, numbers, booleans, dates (TOML), null (JSON). */
  readonly value: unknown;
  /** `file:line` of what stands at `path`, or of its nearest known ancestor. */
  placeOf(path: Path): string;
}

/**
 * The syntax tree of a TOML text needs about 250 bytes of memory for one byte of text (1 MiB: 350 MB, 4 MiB: 1 GB), and
 * a second for each MiB. A rule set of 1 000 policies and 10 000 members has 0.5 MiB.
 */
const tomlBytesMax = 4 * 1024 * 1024;

/** JSON is read without a syntax tree. */
const jsonBytesMax = 64 * 1024 * 1024;

/** The document of a TOML or JSON text; `bytesMax` may be tighter than the limits of the format. Throws a Problem config/syntax. */
export function parseDocument(text: string, fileName: string, bytesMax = jsonBytesMax): Document {
  return documentOf(parseTable(text, fileName, bytesMax));
}

/** As parseDocument, for readers that lay several files upon each other. */
export function parseTable(text: string, fileName: string, bytesMax = jsonBytesMax): Table {
  const content = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const json = isJson(content, fileName);
  const limit = Math.min(bytesMax, json ? jsonBytesMax : tomlBytesMax);
  // A UTF-16 unit is at least one byte: the cheap test spares counting the bytes of a monster.
  if (content.length > limit || Buffer.byteLength(content) > limit) {
    const hint = `at most ${limit / 1024} KiB${json || limit < tomlBytesMax ? "" : "; as JSON up to 64 MiB"}`;
    throw new Problem("the file is too large", { code: "config/syntax", where: `${fileName}:1`, hint });
  }
  return json ? parseJson(content, fileName) : parseToml(content, fileName);
}

export function documentOf(table: Table): Document {
  return { value: plainValue(table), placeOf: (path) => placeIn(table, path) };
}

/** By the name's ending; a text that begins with `{` is JSON whatever its name (no TOML text begins so). */
function isJson(text: string, fileName: string): boolean {
  return /\.json$/i.test(fileName) || text.trimStart().startsWith("{");
}
