// The tree of a Python regular expression → the text of one for V8, in two forms: for lines of ASCII alone (V8's own
// classes, the fast road) and for all others (classes as Python has them for Unicode text, flag v).

import { type ClassItem, type Node, type PythonRegex, RegexMistake } from "./ast.ts";

export interface Emitted {
  readonly source: string;
  readonly flags: string;
}

/** Conditions are settled by copying what stands around them; each doubles the text. */
const choicesMax = 6;

interface Form {
  readonly unicode: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  atomics: number;
}

/** One RegExp's text and flags; a RegexMistake when V8 cannot run the pattern as Python does. */
export function emitForV8(regex: PythonRegex, options: { unicode: boolean; multiline?: boolean }): Emitted {
  const form: Form = {
    unicode: options.unicode,
    multiline: (options.multiline ?? false) || regex.flags.includes("m"),
    dotAll: regex.flags.includes("s"),
    atomics: 0,
  };
  const root = settleChoices(regex.root, 0);
  refuseUnsetBackReferences(root);
  const source = emit(root, form);
  return { source, flags: `${regex.flags.includes("i") ? "i" : ""}${options.unicode ? "v" : ""}` };
}

function emit(node: Node, form: Form): string {
  switch (node.kind) {
    case "char":
      return emitChar(node.code, form);
    case "any":
      return form.dotAll ? "[^]" : "[^\\n]";
    case "class":
      return emitClass(node, form);
    case "at":
      return emitAt(node.what, form);
    case "sequence":
      return node.items
        .map((item) => (item.kind === "alternatives" ? `(?:${emit(item, form)})` : emit(item, form)))
        .join("");
    case "alternatives":
      return node.items.map((item) => emit(item, form)).join("|");
    case "group":
      return `(?<${node.name}>${emit(node.body, form)})`;
    case "plain":
      return `(?:${emit(node.body, form)})`;
    case "flags":
      return emitFlags(node, form);
    case "look":
      return `(?${node.behind ? "<" : ""}${node.negated ? "!" : "="}${emit(node.body, form)})`;
    case "atomic":
      return emitAtomic(emit(node.body, form), form);
    case "repeat":
      return emitRepeat(node, form);
    case "back":
      return `\\k<${node.name}>`;
    case "choice":
      throw new RegexMistake(`the condition (?(${node.group})`, 0);
    default:
      return node satisfies never;
  }
}

function emitRepeat(node: Extract<Node, { kind: "repeat" }>, form: Form): string {
  const body = emit(node.body, form);
  const single = node.body.kind === "char" || node.body.kind === "any" || node.body.kind === "class";
  const atom = single || node.body.kind === "group" || node.body.kind === "plain" ? body : `(?:${body})`;
  const most = node.max === Number.POSITIVE_INFINITY ? "" : String(node.max);
  const range = node.max === node.min ? `{${node.min}}` : `{${node.min},${most}}`;
  const short = { "{0,}": "*", "{1,}": "+", "{0,1}": "?" }[range] ?? range;
  if (node.how === "possessive") return emitAtomic(`${atom}${short}`, form);
  return `${atom}${short}${node.how === "lazy" ? "?" : ""}`;
}

/** A lookahead never gives back, so what it captured is taken whole. */
function emitAtomic(body: string, form: Form): string {
  const name = `atomic${form.atomics++}`;
  return `(?:(?=(?<${name}>${body}))\\k<${name}>)`;
}

function emitFlags(node: Extract<Node, { kind: "flags" }>, form: Form): string {
  const on = node.on.includes("i") ? "i" : "";
  const off = node.off.includes("i") ? "-i" : "";
  const inner: Form = {
    ...form,
    multiline: (form.multiline || node.on.includes("m")) && !node.off.includes("m"),
    dotAll: (form.dotAll || node.on.includes("s")) && !node.off.includes("s"),
  };
  const body = emit(node.body, inner);
  form.atomics = inner.atomics;
  return `(?${on}${off}:${body})`;
}

function emitAt(what: Extract<Node, { kind: "at" }>["what"], form: Form): string {
  switch (what) {
    case "^":
      return form.multiline ? "(?<![^\\n])" : "^";
    case "$":
      return form.multiline ? "(?![^\\n])" : "(?=\\n?$)";
    case "A":
      return "^";
    case "Z":
      return "$";
    case "b":
      return form.unicode ? `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))` : "\\b";
    case "B":
      return form.unicode ? `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))` : "\\B";
    default:
      return what satisfies never;
  }
}

const word = "[\\p{L}\\p{N}_]";

/** What Python counts as a blank: more than V8 does at 1c-1f and 85, less at feff. */
const blanks = {
  ascii: "\\t-\\r\\x1c-\\x20",
  unicode: "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",
};

function named(name: "d" | "w" | "s", unicode: boolean): string {
  if (name === "s") return unicode ? blanks.unicode : blanks.ascii;
  if (!unicode) return name === "d" ? "0-9" : "0-9A-Za-z_";
  return name === "d" ? "\\p{Nd}" : "\\p{L}\\p{N}_";
}

function emitClass(node: Extract<Node, { kind: "class" }>, form: Form): string {
  const only = node.items.length === 1 ? node.items[0] : undefined;
  if (only?.kind === "named") {
    return `[${only.negated !== node.negated ? "^" : ""}${named(only.name, form.unicode)}]`;
  }
  return `[${node.negated ? "^" : ""}${node.items.map((item) => emitItem(item, form)).join("")}]`;
}

function emitItem(item: ClassItem, form: Form): string {
  if (item.kind === "range") {
    const from = emitChar(item.from, form);
    return item.from === item.to ? from : `${from}-${emitChar(item.to, form)}`;
  }
  if (!item.negated) return named(item.name, form.unicode);
  if (item.name !== "s") return form.unicode ? `[^${named(item.name, true)}]` : `\\${item.name.toUpperCase()}`;
  return form.unicode ? `[^${blanks.unicode}]` : "\\x00-\\x08\\x0e-\\x1b\\x21-\\uffff";
}

function emitChar(code: number, form: Form): string {
  if ((code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)) {
    return String.fromCharCode(code);
  }
  if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (form.unicode) return `\\u{${code.toString(16)}}`;
  // Lines of ASCII have no such character; the form without flag v knows 16 bits only.
  return code > 0xffff ? "\\uffff" : `\\u${code.toString(16).padStart(4, "0")}`;
}

/**
 * V8 cannot ask whether a group took part. The nearest node that holds both the group and the question is copied: once with the
 * group taken and the question answered yes, once without and answered no.
 */
function settleChoices(root: Node, depth: number): Node {
  const group = findChoice(root);
  if (group === undefined) return root;
  if (depth >= choicesMax) throw new RegexMistake("too many conditions on groups", 0);
  return settleChoices(settleAt(root, group), depth + 1);
}

function settleAt(node: Node, group: string): Node {
  const holder = children(node).find((child) => holdsChoice(child, group) && holdsGroup(child, group));
  if (holder !== undefined) return mapChildren(node, (child) => (child === holder ? settleAt(child, group) : child));
  const taken = force(node, group, true);
  const left = force(node, group, false);
  const items = [taken, left].filter((item) => item !== undefined);
  return { kind: "plain", body: { kind: "alternatives", items } };
}

function findChoice(node: Node): string | undefined {
  if (node.kind === "choice") return node.group;
  for (const child of children(node)) {
    const found = findChoice(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function holdsChoice(node: Node, group: string): boolean {
  return (node.kind === "choice" && node.group === group) || children(node).some((child) => holdsChoice(child, group));
}

function holdsGroup(node: Node, group: string): boolean {
  return (node.kind === "group" && node.name === group) || children(node).some((child) => holdsGroup(child, group));
}

/** The node with the group surely taken, or surely left out; undefined when it cannot match so. */
function force(node: Node, group: string, taken: boolean): Node | undefined {
  if (node.kind === "choice" && node.group === group) return force(taken ? node.yes : node.no, group, taken);
  if (node.kind === "group" && node.name === group) return taken ? node : undefined;
  if (!holdsGroup(node, group) && !holdsChoice(node, group)) return node;
  if (node.kind === "alternatives") return forceAlternatives(node.items, group, taken);
  if (node.kind === "repeat" && holdsGroup(node, group)) {
    if (!taken)
      return force(node.body, group, false) === undefined
        ? node.min === 0
          ? empty
          : undefined
        : keep(node, group, taken);
    if (node.max > 1) throw new RegexMistake(`a condition on the group ${group} that repeats`, 0);
    return force(node.body, group, true);
  }
  return keep(node, group, taken);
}

const empty: Node = { kind: "sequence", items: [] };

function forceAlternatives(items: readonly Node[], group: string, taken: boolean): Node | undefined {
  const hasGroup = items.some((item) => holdsGroup(item, group));
  const fit = hasGroup && taken ? items.filter((item) => holdsGroup(item, group)) : items;
  const forced = fit.map((item) => force(item, group, taken)).filter((item) => item !== undefined);
  if (forced.length === 0) return undefined;
  return { kind: "plain", body: { kind: "alternatives", items: forced } };
}

function keep(node: Node, group: string, taken: boolean): Node | undefined {
  let possible = true;
  const kept = mapChildren(node, (child) => {
    const forced = force(child, group, taken);
    if (forced === undefined) possible = false;
    return forced ?? empty;
  });
  return possible ? kept : undefined;
}

function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case "sequence":
    case "alternatives":
      return node.items;
    case "choice":
      return [node.yes, node.no];
    case "char":
    case "any":
    case "class":
    case "at":
    case "back":
      return [];
    default:
      return [node.body];
  }
}

function mapChildren(node: Node, change: (child: Node) => Node): Node {
  switch (node.kind) {
    case "sequence":
    case "alternatives":
      return { ...node, items: node.items.map(change) };
    case "choice":
      return { ...node, yes: change(node.yes), no: change(node.no) };
    case "char":
    case "any":
    case "class":
    case "at":
    case "back":
      return node;
    default:
      return { ...node, body: change(node.body) };
  }
}

/** Python fails at a reference to a group that took no part, V8 goes on: only groups that surely took part may be referred to. */
function refuseUnsetBackReferences(root: Node): void {
  const set = new Set<string>();
  walk(root, set);
}

function walk(node: Node, set: Set<string>): void {
  if (node.kind === "back") {
    if (!set.has(node.name)) throw new RegexMistake(`a reference to the group ${node.name} that may be unset`, 0);
    return;
  }
  if (node.kind === "alternatives") {
    const branches = node.items.map((item) => {
      const own = new Set(set);
      walk(item, own);
      return own;
    });
    for (const name of branches[0] ?? []) if (branches.every((branch) => branch.has(name))) set.add(name);
    return;
  }
  const inner =
    (node.kind === "repeat" && node.min === 0) || (node.kind === "look" && node.negated) ? new Set(set) : set;
  for (const child of children(node)) walk(child, inner);
  if (node.kind === "group") inner.add(node.name);
}
