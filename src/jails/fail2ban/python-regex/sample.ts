// Texts that a regular expression is likely to match, made from its tree: what an attacker who knows a filter would write.

import type { ClassItem, Node } from "./ast.ts";

export interface SampleOptions {
  /** How often what may be left out, and what may repeat, is taken. */
  readonly repeats: number;
  /** Which of several alternatives is taken; the last where there are fewer. */
  readonly alternative: number;
  /** What stands in the place of a group. */
  readonly groups: Readonly<Record<string, string>>;
}

/** Longer ones help nobody: a line has an end. */
const lengthMax = 4_000;

/** A text of the shape of `node`. Lookarounds are passed over, so it need not match. */
export function sampleOf(node: Node, options: SampleOptions): string {
  const text = sample(node, options, new Map());
  return text.length > lengthMax ? text.slice(0, lengthMax) : text;
}

function sample(node: Node, options: SampleOptions, taken: Map<string, string>): string {
  switch (node.kind) {
    case "char":
      return String.fromCodePoint(node.code);
    case "any":
      return "x";
    case "class":
      return classSample(node.items, node.negated);
    case "at":
    case "look":
      return "";
    case "sequence":
      return node.items.map((item) => sample(item, options, taken)).join("");
    case "alternatives":
      return sample(pickAlternative(node.items, options) ?? { kind: "sequence", items: [] }, options, taken);
    case "group":
      return groupSample(node, options, taken);
    case "plain":
    case "flags":
    case "atomic":
      return sample(node.body, options, taken);
    case "repeat":
      return repeatSample(node, options, taken);
    case "back":
      return taken.get(node.name) ?? "";
    case "choice":
      return sample(node.yes, options, taken);
    default:
      return node satisfies never;
  }
}

function groupSample(
  node: Extract<Node, { kind: "group" }>,
  options: SampleOptions,
  taken: Map<string, string>,
): string {
  const text = options.groups[node.name] ?? sample(node.body, options, taken);
  taken.set(node.name, text);
  return text;
}

function repeatSample(
  node: Extract<Node, { kind: "repeat" }>,
  options: SampleOptions,
  taken: Map<string, string>,
): string {
  const wanted = holdsGroup(node.body, Object.keys(options.groups)) ? Math.max(1, options.repeats) : options.repeats;
  const times = Math.min(Math.max(node.min, wanted), node.max, 100);
  return sample(node.body, options, taken).repeat(times);
}

/** The one with a group that the caller fills comes first. */
function pickAlternative(items: readonly Node[], { alternative, groups }: SampleOptions): Node | undefined {
  const names = Object.keys(groups);
  return items.find((item) => holdsGroup(item, names)) ?? items[Math.min(alternative, items.length - 1)];
}

function holdsGroup(node: Node, names: readonly string[]): boolean {
  if (node.kind === "group" && names.includes(node.name)) return true;
  if (node.kind === "sequence" || node.kind === "alternatives") return node.items.some((one) => holdsGroup(one, names));
  if (node.kind === "choice") return holdsGroup(node.yes, names) || holdsGroup(node.no, names);
  return "body" in node && node.kind !== "look" ? holdsGroup(node.body, names) : false;
}

/** Letters first, then what else can be typed. */
const signs = [..."ax1A-._:/,@=<>()[]+*", " ", ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))];

function classSample(items: readonly ClassItem[], negated: boolean): string {
  return signs.find((sign) => items.some((item) => itemHas(item, sign)) !== negated) ?? "x";
}

function itemHas(item: ClassItem, sign: string): boolean {
  if (item.kind === "range") {
    const code = sign.codePointAt(0) ?? 0;
    return code >= item.from && code <= item.to;
  }
  const has = { d: /\d/, w: /\w/, s: /\s/ }[item.name].test(sign);
  return has !== item.negated;
}
