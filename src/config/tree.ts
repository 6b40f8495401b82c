// A parsed file as tables, lists and leaves that know their place: what TOML, JSON and the environment are read into.

/** Where something stands: a file and its line, or (line 0) a source without lines, as `environment NAME`. */
export interface Place {
  readonly source: string;
  readonly line: number;
}

export type Leaf = string | number | boolean | Date | null;

export type Tree =
  | { readonly kind: "table"; readonly place: Place; readonly entries: Map<string, Tree> }
  | { readonly kind: "list"; readonly place: Place; readonly items: Tree[] }
  | { readonly kind: "leaf"; readonly place: Place; readonly value: Leaf };

export type Table = Extract<Tree, { kind: "table" }>;
export type Path = readonly (string | number)[];

/** Deeper nesting is nobody's configuration, and recursion over it must end. */
export const depthMax = 64;

export function newTable(place: Place): Table {
  return { kind: "table", place, entries: new Map() };
}

export function printPlace(place: Place): string {
  return place.line === 0 ? place.source : `${place.source}:${place.line}`;
}

/** The plain value. Tables have no prototype, so `__proto__` and `constructor` are keys like any other. */
export function plainValue(tree: Tree): unknown {
  if (tree.kind === "leaf") return tree.value;
  if (tree.kind === "list") return tree.items.map(plainValue);
  const value: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of tree.entries) value[key] = plainValue(entry);
  return value;
}

/** What stands at `path`, or undefined. */
export function findTree(tree: Tree, path: Path): Tree | undefined {
  let here: Tree | undefined = tree;
  for (const step of path) {
    if (here === undefined) return undefined;
    here = childOf(here, step);
  }
  return here;
}

/** The place of what stands at `path`, or of its nearest known ancestor. */
export function placeIn(tree: Tree, path: Path): string {
  let here = tree;
  for (const step of path) {
    const child = childOf(here, step);
    if (child === undefined) break;
    here = child;
  }
  return printPlace(here.place);
}

function childOf(tree: Tree, step: string | number): Tree | undefined {
  if (tree.kind === "table") return tree.entries.get(String(step));
  return tree.kind === "list" ? tree.items[Number(step)] : undefined;
}

/** `over` laid upon `under`: tables key by key, lists and leaves replaced. Neither is changed. */
export function mergeTables(under: Table, over: Table): Table {
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const old = entries.get(key);
    entries.set(key, old?.kind === "table" && entry.kind === "table" ? mergeTables(old, entry) : entry);
  }
  return { kind: "table", place: over.entries.size > 0 ? over.place : under.place, entries };
}

/** Puts `leaf` at `path`, making the tables on the way. Something else than a table on the way is replaced. */
export function putAt(table: Table, path: readonly string[], tree: Tree): void {
  let here = table;
  for (const key of path.slice(0, -1)) {
    const child = here.entries.get(key);
    const next = child?.kind === "table" ? child : newTable(tree.place);
    here.entries.set(key, next);
    here = next;
  }
  const last = path.at(-1);
  if (last !== undefined) here.entries.set(last, tree);
}
