// Groups and expressions become wires of one circuit: each group once for each side from which it is asked.

import type { Group } from "../../core/rules.ts";
import { type AtomSide, Atoms } from "./atoms.ts";
import { Circuit, type Conjunction, type Literal, literalOf, type Wire } from "./circuit.ts";
import type { Expression, Item } from "./expression.ts";
import { nestingOf } from "./nesting.ts";
import { parseSpec } from "./parse.ts";
import { parts } from "./subject.ts";

/** Groups in groups; cluebringer stops at six. A group that goes deeper, or round, is refused at save and false here. */
const nestingMax = 32;

/** Why a group is false whatever it holds, undefined when it is an ordinary one. */
export type GroupFault = "absent" | "disabled" | "nested too deep";

export class Wiring {
  readonly circuit = new Circuit();
  readonly atoms: Atoms;
  readonly #groups: ReadonlyMap<string, Group>;
  /** Each group's members as read; undefined for one that cannot be read. */
  readonly #members: ReadonlyMap<string, readonly (Expression | undefined)[]>;
  readonly #nesting: ReadonlyMap<string, number>;
  readonly #wires = new Map<string, Wire>();
  /** False for every request. */
  readonly #never: Wire;
  /** Unknown for every request: keeps a member that cannot be read from matching, negated or not. */
  readonly #unreadable: Wire;

  constructor(groups: readonly Group[], canonical: (login: string) => string) {
    this.atoms = new Atoms(this.circuit, canonical);
    this.#never = this.circuit.addOr([], -1);
    this.#unreadable = this.circuit.addAtom(parts.unreadable, 0);
    this.#groups = new Map(groups.map((group) => [group.name, group]));
    const enabled = groups.filter((group) => group.enabled);
    this.#members = new Map(enabled.map(({ name, members }) => [name, members.map(parseMember)]));
    this.#nesting = nestingOf(this.#members);
  }

  /** The literals that all must hold; undefined when no request can match. Without literals every request does. */
  literalsOf(expression: Expression, side: AtomSide): readonly Literal[] | undefined {
    if (expression.kind !== "all") return expression.kind === "always" ? [] : undefined;
    const literals = new Set(expression.items.map((item) => this.literalOf(item, side)));
    if (literals.has(literalOf(this.#never, false))) return undefined;
    literals.delete(literalOf(this.#never, true));
    return [...literals];
  }

  literalOf(item: Item, side: AtomSide): Literal {
    const { pattern, negated } = item;
    const wire = pattern.kind === "group" ? this.groupWire(pattern.name, side) : this.atoms.wireOf(pattern, side);
    return literalOf(wire ?? this.#never, negated);
  }

  groupWire(name: string, side: AtomSide): Wire {
    if (this.faultOf(name) !== undefined) return this.#never;
    const key = `${side} ${name}`;
    const known = this.#wires.get(key);
    if (known !== undefined) return known;
    const conjunctions: Conjunction[] = [];
    for (const [origin, member] of (this.#members.get(name) ?? []).entries()) {
      const literals = member === undefined ? [literalOf(this.#unreadable, false)] : this.literalsOf(member, side);
      if (literals !== undefined) conjunctions.push({ literals, origin });
    }
    const wire = conjunctions.length === 0 ? this.#never : this.circuit.addOr(conjunctions, -1);
    this.#wires.set(key, wire);
    return wire;
  }

  faultOf(name: string): GroupFault | undefined {
    const group = this.#groups.get(name);
    if (group === undefined) return "absent";
    if (!group.enabled) return "disabled";
    return (this.#nesting.get(name) ?? Number.POSITIVE_INFINITY) > nestingMax ? "nested too deep" : undefined;
  }

  /** The text of a group's member. */
  memberText(name: string, index: number): string | undefined {
    return this.#groups.get(name)?.members[index];
  }

  /** The items of a group's member; none for one that cannot be read. */
  memberItems(name: string, index: number): readonly Item[] {
    const member = this.#members.get(name)?.[index];
    return member?.kind === "all" ? member.items : [];
  }
}

function parseMember(text: string): Expression | undefined {
  const spec = parseSpec(text, "group");
  return spec.ok ? spec.expression : undefined;
}
