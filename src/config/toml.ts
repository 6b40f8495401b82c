// TOML 1.0 text → tree with places. The parser is toml-eslint-parser, because it keeps the line of every key and value.

import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { Problem } from "../core/problem.ts";
import { depthMax, newTable, type Place, type Table, type Tree } from "./tree.ts";

/** The tree of a TOML text. Throws a Problem config/syntax with file:line. */
export function parseToml(text: string, fileName: string): Table {
  const program = readProgram(text, fileName);
  const root = newTable({ source: fileName, line: 1 });
  const top = program.body[0];
  for (const node of top.body) {
    if (node.type === "TOMLKeyValue") putKeyValue(root, node, fileName, 0);
    else {
      const table = openTable(root, node, fileName);
      for (const pair of node.body) putKeyValue(table, pair, fileName, node.resolvedKey.length);
    }
  }
  return root;
}

function readProgram(text: string, fileName: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: "1.0" });
  } catch (error) {
    if (error instanceof ParseError) throw parserProblem(error, text, fileName);
    // The parser recurses once a nested bracket: a text of many thousand brackets ends its stack.
    if (error instanceof RangeError) throw tooDeep(fileName, 1);
    throw error;
  }
}

/** The parser's words for the most frequent slips, in ours. */
const words: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  "Unspecified values are invalid": ["a value is missing", 'text stands in quotes: key = "value"'],
  "Defining a key multiple times is invalid": ["this key or table is given twice", "give it once"],
  "Must be a newline": ["more stands behind the value", "one key = value a line"],
  "Unexpected character": ["this is not TOML", 'text stands in quotes: key = "value"'],
  "The key, equals sign, and value must be on the same line": ["the line ends too early", 'key = "value" or [table]'],
  "Expected equal (=) token": ["= is missing behind the key", 'key = "value"'],
};

/** These are noticed at the next word, lines later: the mistake stands where the text before it ends. */
const noticedLate = /^(Unspecified values|The key, equals sign)/;

function parserProblem(error: ParseError, text: string, fileName: string): Problem {
  const [message, hint] = words[error.message] ?? [error.message, "valid TOML 1.0"];
  const before = text.slice(0, error.index);
  const skipped = noticedLate.test(error.message) ? before.slice(before.trimEnd().length).split("\n").length - 1 : 0;
  return syntaxProblem(message, fileName, error.lineNumber - skipped, hint);
}

function syntaxProblem(message: string, fileName: string, line: number, hint: string): Problem {
  return new Problem(message, { code: "config/syntax", where: `${fileName}:${line}`, hint });
}

function tooDeep(fileName: string, line: number): Problem {
  return syntaxProblem("nested too deep", fileName, line, `at most ${depthMax} levels`);
}

/** The table a header names; `resolvedKey` carries the index of each `[[list]]` on the way. */
function openTable(root: Table, node: AST.TOMLTable, fileName: string): Table {
  const place = { source: fileName, line: node.loc.start.line };
  if (node.resolvedKey.length > depthMax) throw tooDeep(fileName, place.line);
  let here: Table = root;
  for (let i = 0; i < node.resolvedKey.length; i++) {
    const key = String(node.resolvedKey[i]);
    const index = node.resolvedKey[i + 1];
    if (typeof index !== "number") here = openEntry(here, key, place);
    else {
      here = openItem(here, key, index, place);
      i++;
    }
  }
  return here;
}

function openEntry(table: Table, key: string, place: Place): Table {
  const found = table.entries.get(key);
  if (found?.kind === "table") return found;
  const made = newTable(place);
  table.entries.set(key, made);
  return made;
}

function openItem(table: Table, key: string, index: number, place: Place): Table {
  const found = table.entries.get(key);
  const items = found?.kind === "list" ? found.items : [];
  if (found?.kind !== "list") table.entries.set(key, { kind: "list", place, items });
  const item = items[index];
  if (item?.kind === "table") return item;
  const made = newTable(place);
  items.push(made);
  return made;
}

function putKeyValue(table: Table, pair: AST.TOMLKeyValue, fileName: string, depth: number): void {
  const place = { source: fileName, line: pair.key.loc.start.line };
  const names = pair.key.keys.map((key) => (key.type === "TOMLBare" ? key.name : key.value));
  const inside = depth + names.length;
  if (inside > depthMax) throw tooDeep(fileName, place.line);
  let here = table;
  for (const name of names.slice(0, -1)) here = openEntry(here, name, place);
  here.entries.set(names.at(-1) ?? "", treeOf(pair.value, place, inside));
}

function treeOf(node: AST.TOMLContentNode, place: Place, depth: number): Tree {
  if (depth > depthMax) throw tooDeep(place.source, place.line);
  switch (node.type) {
    case "TOMLValue":
      return { kind: "leaf", place, value: node.value };
    case "TOMLArray": {
      const placed = (item: AST.TOMLContentNode) => ({ source: place.source, line: item.loc.start.line });
      return { kind: "list", place, items: node.elements.map((item) => treeOf(item, placed(item), depth + 1)) };
    }
    case "TOMLInlineTable": {
      const table = newTable(place);
      for (const pair of node.body) putKeyValue(table, pair, place.source, depth);
      return table;
    }
    default:
      return node satisfies never;
  }
}
