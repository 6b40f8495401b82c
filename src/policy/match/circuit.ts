// The compiled rules as one circuit: atoms (single tests of a request) feed groups and policies, each an OR of clauses,
// each clause an AND of literals. A question sets the atoms that are true; what hangs on them follows by inverted lists,
// so a question costs what is true of it and not how many rules there are. Knows neither texts nor requests.
// Truth has three values (Kleene): an atom about a missing part is unknown, and so is its negation.

import { PollTree } from "./poll-tree.ts";

export const FALSE = 0;
export const TRUE = 1;
export const UNKNOWN = 2;
export type Truth = typeof FALSE | typeof TRUE | typeof UNKNOWN;

/** An atom, a group or a policy, by number. */
export type Wire = number;

/** A wire, or its negation: wire * 2 + (negated ? 1 : 0). */
export type Literal = number;

/** An AND, before it has a head. `origin` is the caller's number for it (which member). */
export interface Conjunction {
  readonly literals: readonly Literal[];
  readonly origin: number;
}

interface Clause extends Conjunction {
  readonly id: number;
  readonly head: Wire;
}

interface Gate {
  /** Bits of the parts of a request that it depends on. */
  readonly parts: number;
  /** The smaller, the rarer it is true: the rarest literal of a clause wakes the clause. */
  readonly weight: number;
  /** What is looked at as soon as this wire is true. */
  readonly wakes: Clause[];
  /** Undefined for atoms. */
  readonly or: Or | undefined;
}

interface Or {
  readonly clauses: readonly Clause[];
  /** All but the plain clauses (one literal, woken by it): these alone need looking at. Empty: the group is simple. */
  readonly compound: readonly Clause[];
  /** No wire wakes them, so they are looked at whenever the group is asked for. */
  readonly unwoken: readonly Clause[];
  /** The parts of the plain clauses. */
  readonly plainParts: number;
  /** The number that `matches` returns, or -1 for a group. */
  readonly policy: number;
}

/** The part of what is always known; never missing. */
const KNOWN = 1 << 30;

/** Takes away from the chance that a group is chosen to wake a clause where an atom could. */
const groupWeight = 50;

export function literalOf(wire: Wire, negated: boolean): Literal {
  return wire * 2 + (negated ? 1 : 0);
}

/**
 * Built once, then asked: `begin`, `set` for each true atom, then `truth` and `matches` until the next `begin`.
 * Wires may be added between two questions. All marks carry the number of the question, so nothing is ever cleared.
 */
export class Circuit {
  readonly #gates: Gate[] = [];
  readonly #clauses: Clause[] = [];
  /** Policies' clauses that no wire wakes. */
  readonly #polls = new PollTree<Clause>();
  #marks = new Marks(0, 0);
  #question = 0;
  #missing = 0;
  #polled = false;
  /** Policies with a woken clause. */
  #touched: Wire[] = [];

  /** A single test. `part` is the bit of the part it needs (below 2^30), 0 when that is always known. */
  addAtom(part: number, weight: number): Wire {
    return this.#gates.push({ parts: part === 0 ? KNOWN : part, weight, wakes: [], or: undefined }) - 1;
  }

  /** An OR of ANDs over wires that exist already; `policy` is its number, -1 for a group. */
  addOr(conjunctions: readonly Conjunction[], policy: number): Wire {
    const head = this.#gates.length;
    const clauses = conjunctions.map((each, i) => ({ ...each, id: this.#clauses.length + i, head }));
    const compound: Clause[] = [];
    const unwoken: Clause[] = [];
    let parts = 0;
    let plainParts = 0;
    for (const clause of clauses) {
      this.#clauses.push(clause);
      const needs = this.#partsOf(clause.literals);
      parts |= needs;
      if (!this.#hang(clause)) unwoken.push(clause);
      else if (clause.literals.length === 1) plainParts |= needs;
      if (clause.literals.length !== 1 || unwoken.at(-1) === clause) compound.push(clause);
    }
    const weight = groupWeight + clauses.length;
    this.#gates.push({ parts, weight, wakes: [], or: { clauses, compound, unwoken, plainParts, policy } });
    if (policy >= 0) for (const clause of unwoken) this.#polls.add(clause);
    return head;
  }

  /** Starts a question; `missing` are the bits of the parts it does not know. */
  begin(missing: number): void {
    if (this.#marks.wires !== this.#gates.length) this.#marks = new Marks(this.#gates.length, this.#clauses.length);
    this.#question++;
    this.#missing = missing;
    this.#polled = false;
    this.#touched.length = 0;
  }

  /** Says that an atom is true, which wakes what hangs on it. */
  set(atom: Wire): void {
    this.#makeTrue(atom, -1);
  }

  /** After all `set`: whether a literal holds. */
  truth(literal: Literal): Truth {
    const truth = this.#truthOf(literal >> 1);
    if (truth === UNKNOWN || (literal & 1) === 0) return truth;
    return truth === TRUE ? FALSE : TRUE;
  }

  /** After all `set`: whether all literals hold, Kleene's AND. */
  truthOfAll(literals: readonly Literal[]): Truth {
    let result: Truth = TRUE;
    for (const literal of literals) {
      const truth = this.truth(literal);
      if (truth === FALSE) return FALSE;
      if (truth === UNKNOWN) result = UNKNOWN;
    }
    return result;
  }

  /** After all `set`: the numbers of the true policies, ascending. */
  matches(): number[] {
    if (!this.#polled) this.#askPolls();
    const found: number[] = [];
    for (const wire of this.#touched) {
      const or = this.#gate(wire).or;
      if (or !== undefined && (this.#isTrue(wire) || this.#findWoken(wire))) found.push(or.policy);
    }
    return found.length > 1 ? found.sort((a, b) => a - b) : found;
  }

  /** Why a group or a policy has the truth it has: the origin of the clause that made it so, undefined for a false one. */
  originOf(wire: Wire): number | undefined {
    const truth = this.#truthOf(wire);
    const clauses = this.#gate(wire).or?.clauses ?? [];
    if (truth === FALSE) return undefined;
    if (truth === TRUE) return this.#clauses[this.#marks.causes[wire] ?? -1]?.origin;
    return clauses.find((clause) => this.truthOfAll(clause.literals) === UNKNOWN)?.origin;
  }

  #gate(wire: Wire): Gate {
    const gate = this.#gates[wire];
    if (gate === undefined) throw new Error(`no wire ${wire}`);
    return gate;
  }

  #partsOf(literals: readonly Literal[]): number {
    return literals.reduce((sum, literal) => sum | this.#gate(literal >> 1).parts, literals.length === 0 ? KNOWN : 0);
  }

  /** Hangs a clause on its rarest literal that is known to be true as soon as it is; false when it has none. */
  #hang(clause: Clause): boolean {
    let waker: Gate | undefined;
    for (const literal of clause.literals) {
      const gate = this.#gate(literal >> 1);
      const woken = gate.or === undefined || gate.or.compound.length === 0;
      if ((literal & 1) === 0 && woken && gate.weight < (waker?.weight ?? Number.POSITIVE_INFINITY)) waker = gate;
    }
    waker?.wakes.push(clause);
    return waker !== undefined;
  }

  #askPolls(): void {
    this.#polled = true;
    this.#polls.each(
      (literal) => this.truth(literal) === TRUE,
      (clause) => this.#rouse(clause, true),
    );
  }

  #isTrue(wire: Wire): boolean {
    return this.#marks.trueAt[wire] === this.#question;
  }

  #makeTrue(wire: Wire, cause: number): void {
    if (this.#isTrue(wire)) return;
    this.#marks.trueAt[wire] = this.#question;
    this.#marks.causes[wire] = cause;
    for (const clause of this.#gate(wire).wakes) this.#rouse(clause, clause.literals.length === 1);
  }

  /** A clause that holds makes its head true; one with a single literal that does waits until its head is asked for. */
  #rouse(clause: Clause, holds: boolean): void {
    const { head, id } = clause;
    const marks = this.#marks;
    if (this.#isTrue(head)) return;
    if (marks.wokenAt[head] !== this.#question) {
      marks.wokenAt[head] = this.#question;
      marks.firstWoken[head] = -1;
      if ((this.#gate(head).or?.policy ?? -1) >= 0) this.#touched.push(head);
    }
    if (holds) this.#makeTrue(head, id);
    else {
      marks.nextWoken[id] = marks.firstWoken[head] ?? -1;
      marks.firstWoken[head] = id;
    }
  }

  #truthOf(wire: Wire): Truth {
    if (this.#isTrue(wire)) return TRUE;
    const { or, parts } = this.#gate(wire);
    const lacks = (parts & this.#missing) !== 0;
    if (or === undefined || or.compound.length === 0) return lacks ? UNKNOWN : FALSE;
    if ((parts & ~this.#missing) === 0) return UNKNOWN;
    if (this.#marks.valueAt[wire] === this.#question) return this.#marks.unknown[wire] === 1 ? UNKNOWN : FALSE;
    if (this.#findWoken(wire) || this.#findAmong(wire, or.unwoken)) return TRUE;
    const unknown = lacks && this.#lacksAny(or);
    this.#marks.valueAt[wire] = this.#question;
    this.#marks.unknown[wire] = unknown ? 1 : 0;
    return unknown ? UNKNOWN : FALSE;
  }

  /** Looks for a woken clause that holds, and marks the wire true when there is one. */
  #findWoken(wire: Wire): boolean {
    const { wokenAt, firstWoken, nextWoken } = this.#marks;
    if (wokenAt[wire] !== this.#question) return false;
    for (let id = firstWoken[wire] ?? -1; id >= 0; id = nextWoken[id] ?? -1) {
      const clause = this.#clauses[id];
      if (clause !== undefined && this.#holds(wire, clause)) return true;
    }
    return false;
  }

  #findAmong(wire: Wire, clauses: readonly Clause[]): boolean {
    for (const clause of clauses) if (this.#holds(wire, clause)) return true;
    return false;
  }

  #holds(wire: Wire, clause: Clause): boolean {
    if (this.truthOfAll(clause.literals) !== TRUE) return false;
    this.#makeTrue(wire, clause.id);
    return true;
  }

  /** No clause holds: whether one of them is unknown. */
  #lacksAny(or: Or): boolean {
    if ((or.plainParts & this.#missing) !== 0) return true;
    return or.compound.some((clause) => this.truthOfAll(clause.literals) === UNKNOWN);
  }
}

/** What is known for a question, by wire and by clause; an `…At` that is not the question's number means nothing known. */
class Marks {
  readonly wires: number;
  readonly trueAt: Float64Array;
  readonly valueAt: Float64Array;
  readonly unknown: Uint8Array;
  readonly wokenAt: Float64Array;
  /** The clause that made the wire true, -1 for an atom. */
  readonly causes: Int32Array;
  readonly firstWoken: Int32Array;
  readonly nextWoken: Int32Array;

  constructor(wires: number, clauses: number) {
    this.wires = wires;
    this.trueAt = new Float64Array(wires);
    this.valueAt = new Float64Array(wires);
    this.unknown = new Uint8Array(wires);
    this.wokenAt = new Float64Array(wires);
    this.causes = new Int32Array(wires);
    this.firstWoken = new Int32Array(wires);
    this.nextWoken = new Int32Array(clauses);
  }
}
