// Environment variables over the files: POSTVARTA__SECTION__KEY=value, and POSTVARTA__SECTION__KEY_FILE for secrets.

import { nearest } from "../core/nearest.ts";
import { Problem } from "../core/problem.ts";
import { keyText, quoted } from "./check.ts";
import { parseJson } from "./json.ts";
import { allowedText, leavesOf, type Outline, outlineAt } from "./outline.ts";
import { type Leaf, newTable, type Place, putAt, type Table, type Tree } from "./tree.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = "POSTVARTA__";

/**
 * The settings that `environment` overrides, as a table whose places are `environment NAME`. Texts become what the
 * schema wants: numbers, `true`/`false`, lists as JSON or with commas. Secret names are kept as `KEY_file` for
 * secrets.ts. A name that is no setting is a Problem.
 */
export function parseEnvironment(
  environment: Environment,
  outline: () => Outline,
): { table: Table; problems: Problem[] } {
  const table = newTable({ source: "environment", line: 0 });
  const problems: Problem[] = [];
  for (const name of Object.keys(environment).sort()) {
    const text = environment[name];
    if (!name.startsWith(prefix) || text === undefined) continue;
    try {
      putVariable(table, name, text, outline());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  return { table, problems };
}

function putVariable(table: Table, name: string, text: string, outline: Outline): void {
  const path = name.slice(prefix.length).toLowerCase().split("__");
  const place = { source: `environment ${name}`, line: 0 };
  const setting = outlineAt(outline, path);
  if (setting !== undefined && setting.properties === undefined)
    putAt(table, path, typedTree(text, setting, path, place));
  else if (isSecretFile(path, outline)) putAt(table, path, { kind: "leaf", place, value: text });
  else throw unknownVariable(name, outline);
}

function isSecretFile(path: readonly string[], outline: Outline): boolean {
  const last = path.at(-1) ?? "";
  if (!last.endsWith("_file")) return false;
  return outlineAt(outline, [...path.slice(0, -1), last.slice(0, -"_file".length)])?.secret === true;
}

function unknownVariable(name: string, outline: Outline): Problem {
  const known = leavesOf(outline).map(({ path }) => path.join("__").toUpperCase());
  const near = nearest(name.slice(prefix.length), known);
  const hint =
    near === undefined
      ? "POSTVARTA__SECTION__KEY, with the sections and keys of postvarta.toml"
      : `did you mean ${prefix}${near}?`;
  return new Problem("no setting has this name", { code: "config/unknown-key", where: `environment ${name}`, hint });
}

/** A text that does not look like its type stays a text, and the check of the whole tree refuses it. */
function typedTree(text: string, setting: Outline, path: readonly string[], place: Place): Tree {
  if (setting.type === "array") return listTree(text, setting, path, place);
  return { kind: "leaf", place, value: typedLeaf(text, setting.type) };
}

function typedLeaf(text: string, type: string | undefined): Leaf {
  if (type === "boolean" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if ((type === "integer" || type === "number") && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

function listTree(text: string, setting: Outline, path: readonly string[], place: Place): Tree {
  if (text.trimStart().startsWith("[")) return jsonTree(text, setting, path, place);
  const words = text.trim() === "" ? [] : text.split(",").map((word) => word.trim());
  return {
    kind: "list",
    place,
    items: words.map((word) => ({ kind: "leaf", place, value: typedLeaf(word, setting.items?.type) })),
  };
}

/** JSON keeps lines, a variable has none: everything in it stands at the variable. */
function jsonTree(text: string, setting: Outline, path: readonly string[], place: Place): Tree {
  try {
    const list = parseJson(`{"list":${text}}`, place.source).entries.get("list");
    if (list?.kind === "list") return placedAt(list, place);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  const message = `${keyText(path)} is ${quoted(text)}, which begins like JSON and is none`;
  throw new Problem(message, { code: "config/bad-value", where: place.source, hint: allowedText(setting) });
}

function placedAt(tree: Tree, place: Place): Tree {
  if (tree.kind === "leaf") return { ...tree, place };
  if (tree.kind === "list") return { kind: "list", place, items: tree.items.map((item) => placedAt(item, place)) };
  const table = newTable(place);
  for (const [key, entry] of tree.entries) table.entries.set(key, placedAt(entry, place));
  return table;
}
