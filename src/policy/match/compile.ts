// All groups and policies compiled to one matcher: which policies a question matches, in microseconds, and why.

import { Problem } from "../../core/problem.ts";
import type { Group, Member, Policy } from "../../core/rules.ts";
import type { Request } from "../request.ts";
import type { AtomSide } from "./atoms.ts";
import { type Conjunction, FALSE, literalOf, TRUE, type Wire } from "./circuit.ts";
import { type PolicyExplanation, parseSide, prepareExplanation } from "./explanation.ts";
import { parseSpec } from "./parse.ts";
import { missingParts, parts } from "./subject.ts";
import { Wiring } from "./wiring.ts";

export interface MatcherInput {
  readonly groups: readonly Group[];
  /** In the order in which they are asked: `match` answers with indexes into this list. */
  readonly policies: readonly Policy[];
  /** The account of a login; idempotent. */
  readonly canonical: (login: string) => string;
}

/** Compiles rules that were checked at save. What cannot be read all the same (stored by another version) never matches. */
export function compileMatcher(input: MatcherInput): Matcher {
  return new Matcher(input);
}

/** A question of which nothing is known: no client, no recipient, no port, and before MAIL FROM no sender. */
const nothing: Request = {
  ...{ state: "CONNECT", instance: "", queueId: "", sender: "", recipient: "", recipientCount: 0, sizeBytes: 0 },
  ...{ login: "", client: undefined, clientName: "", reverseName: "", helo: "", serverPort: 0, context: "", tls: "" },
  ...{ peer: undefined, raw: "" },
};

export class Matcher {
  readonly #wiring: Wiring;
  readonly #policies: readonly Policy[];
  /** Wire and index of each enabled policy. */
  readonly #wires: (readonly [wire: Wire, index: number])[] = [];
  /** The request whose marks stand in the circuit. */
  #asked: Request | undefined;

  constructor(input: MatcherInput) {
    this.#wiring = new Wiring(input.groups, input.canonical);
    this.#policies = input.policies;
    for (const [index, policy] of input.policies.entries()) {
      if (!policy.enabled) continue;
      this.#wires.push([this.#wiring.circuit.addOr(this.#conjunctionsOf(policy), index), index]);
    }
  }

  /** Indexes of the enabled policies that match, ascending. */
  match(request: Request): readonly number[] {
    this.#ask(request);
    return this.#wiring.circuit.matches();
  }

  /** Indexes of the enabled policies that may match what this login and sender ask, whatever else the question says; ascending. */
  mayMatch(login: string, sender: string): readonly number[] {
    const request = { ...nothing, login, sender };
    this.#ask(request, missingParts(request) | parts.connection);
    return this.#wires
      .filter(([wire]) => this.#wiring.circuit.truth(literalOf(wire, false)) !== FALSE)
      .map(([, index]) => index);
  }

  /** One expression over the same groups, such as `[policy] internal`. Throws a Problem where the text cannot be read. */
  compileExpression(text: string, side: AtomSide): (request: Request) => boolean {
    const spec = parseSpec(text, side);
    if (!spec.ok) throw new Problem(spec.message, { code: "rules/bad-member", hint: spec.hint });
    const literals = this.#wiring.literalsOf(spec.expression, side);
    this.#asked = undefined;
    if (literals === undefined) return () => false;
    return (request) => {
      this.#ask(request);
      return this.#wiring.circuit.truthOfAll(literals) === TRUE;
    };
  }

  /** Why the policy with this index matched, or why it did not. */
  explain(request: Request, policyIndex: number): PolicyExplanation {
    const policy = this.#policies[policyIndex];
    if (policy === undefined) throw new RangeError(`no policy ${policyIndex}`);
    const explain = prepareExplanation(this.#wiring, policy);
    this.#asked = undefined;
    this.#ask(request);
    return explain();
  }

  #conjunctionsOf(policy: Policy): Conjunction[] {
    const conjunctions: Conjunction[] = [];
    for (const [origin, member] of policy.members.entries()) {
      const literals = member.enabled ? this.#literalsOf(member) : undefined;
      if (literals !== undefined) conjunctions.push({ literals, origin });
    }
    return conjunctions;
  }

  #literalsOf(member: Member): readonly number[] | undefined {
    const source = this.#wiring.literalsOf(parseSide(member.source, "source"), "source");
    const destination = this.#wiring.literalsOf(parseSide(member.destination, "destination"), "destination");
    return source === undefined || destination === undefined ? undefined : [...new Set([...source, ...destination])];
  }

  #ask(request: Request, missing = missingParts(request)): void {
    if (this.#asked === request) return;
    this.#asked = undefined;
    this.#wiring.circuit.begin(missing);
    this.#wiring.atoms.setAll(request, missing);
    this.#asked = request;
  }
}
