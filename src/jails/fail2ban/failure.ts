// One failure as a filter tells it.

import type { FailRegex, Fields } from "./fail-regex.ts";
import type { LineMatch } from "./line-regex.ts";

export interface Failure {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What is counted and banned: an address in canonical form, a network, a name, or the filter's own id. */
  readonly id: string;
  /** The address or name; the id where there is none. */
  readonly host: string;
  readonly fields: ReadonlyMap<string, string | readonly string[]>;
  /** The lines that made the failure, as they were matched. */
  readonly matches: readonly string[];
  /** Number of the regular expression, from nought. */
  readonly regex: number;
}

/** What is asked of a match when its groups say who failed: by names here, by numbers where a pattern has its numbers ready. */
export type GroupText = (group: "fid" | "ip4" | "ip6" | "dns" | "cidr") => string | undefined;

export interface Named {
  readonly id: string;
  /** The address or name beside an id of the filter's own. */
  readonly ip: string | undefined;
}

/** Who failed: undefined when the groups name nobody. */
export function findNamed(text: GroupText, canonical: (text: string) => string): Named | undefined {
  const own = text("fid");
  const named = text("ip4") ?? text("ip6") ?? text("dns");
  const address = named === undefined ? undefined : canonical(named);
  const prefix = text("cidr");
  const host = address !== undefined && prefix !== undefined ? `${address}/${prefix}` : address;
  const id = own === undefined ? host : canonical(own);
  return id === undefined ? undefined : { id, ip: own === undefined ? undefined : host };
}

/** A failure of one line: its fields, which few ask for, are put together when somebody does. */
export class LineFailure implements Failure {
  readonly at: number;
  readonly id: string;
  readonly regex: number;
  readonly #ip: string | undefined;
  readonly #line: string;
  readonly #pattern: FailRegex;
  readonly #match: LineMatch;

  /** `line`: with its LF or without. */
  constructor(named: Named, at: number, line: string, found: { regex: number; pattern: FailRegex; match: LineMatch }) {
    this.at = at;
    this.id = named.id;
    this.regex = found.regex;
    this.#ip = named.ip;
    this.#line = line;
    this.#pattern = found.pattern;
    this.#match = found.match;
  }

  get host(): string {
    return this.id;
  }

  get fields(): Fields {
    const fields = this.#pattern.fieldsOf(this.#match);
    if (this.#ip !== undefined) fields.set("ip", this.#ip);
    return fields;
  }

  get matches(): readonly string[] {
    return [this.#line.endsWith("\n") ? this.#line.slice(0, -1) : this.#line];
  }
}
