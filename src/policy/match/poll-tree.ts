// Clauses that no true atom can wake (all negations, such as `!%ours`), asked together: a literal that many of them
// share is asked once, and where it does not hold all of them are done with.

/** A clause as far as it matters here: all literals must hold. */
interface Polled {
  readonly literals: readonly number[];
}

interface Branch<C> {
  readonly literal: number;
  readonly branches: Branch<C>[];
  /** The clauses whose last literal this is. */
  readonly clauses: C[];
}

/** A tree of literals, the most shared ones nearest to the root. */
export class PollTree<C extends Polled> {
  readonly #all: C[] = [];
  #root: Branch<C> | undefined;

  add(clause: C): void {
    this.#all.push(clause);
    this.#root = undefined;
  }

  /** Calls `found` for each clause all of whose literals hold; clauses without a literal always do. */
  each(holds: (literal: number) => boolean, found: (clause: C) => void): void {
    this.#root ??= build(this.#all);
    visit(this.#root, holds, found);
  }
}

function visit<C>(branch: Branch<C>, holds: (literal: number) => boolean, found: (clause: C) => void): void {
  for (const clause of branch.clauses) found(clause);
  for (const each of branch.branches) if (holds(each.literal)) visit(each, holds, found);
}

function build<C extends Polled>(clauses: readonly C[]): Branch<C> {
  const shares = new Map<number, number>();
  for (const { literals } of clauses) for (const each of literals) shares.set(each, (shares.get(each) ?? 0) + 1);
  const root: Branch<C> = { literal: -1, branches: [], clauses: [] };
  const known = new Map<Branch<C>, Map<number, Branch<C>>>();
  for (const clause of clauses) {
    let branch = root;
    for (const literal of clause.literals.toSorted((a, b) => (shares.get(b) ?? 0) - (shares.get(a) ?? 0) || a - b)) {
      branch = branchOf(branch, literal, known);
    }
    branch.clauses.push(clause);
  }
  return root;
}

function branchOf<C>(above: Branch<C>, literal: number, known: Map<Branch<C>, Map<number, Branch<C>>>): Branch<C> {
  const byLiteral = known.get(above) ?? new Map<number, Branch<C>>();
  known.set(above, byLiteral);
  const found = byLiteral.get(literal);
  if (found !== undefined) return found;
  const branch: Branch<C> = { literal, branches: [], clauses: [] };
  above.branches.push(branch);
  byLiteral.set(literal, branch);
  return branch;
}
