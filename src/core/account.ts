// The canonical account: one name for a mailbox identity, however it logs in (decided 11).

import { Problem } from "./problem.ts";

/** A million lines are about 100 MB in memory; a directory that large belongs in the login itself. */
const aliasesMax = 1_000_000;

/** Aliases of aliases are followed this far. */
const chainMax = 16;

/** A file of another kind, named by mistake, is told with its first lines. */
const problemsMax = 20;

/** A login under another name, both as written. */
export interface Alias {
  readonly alias: string;
  readonly account: string;
}

export interface AccountOptions {
  /** Added to logins without `@`; empty adds nothing. */
  readonly defaultDomain: string;
  readonly aliases: readonly Alias[];
}

/** Names accounts. Built once a configuration, asked at every question. */
export class Accounts {
  readonly #suffix: string;
  readonly #accounts: ReadonlyMap<string, string>;

  constructor(options: AccountOptions) {
    this.#suffix = options.defaultDomain === "" ? "" : `@${options.defaultDomain.toLowerCase()}`;
    this.#accounts = this.#resolve(options.aliases);
  }

  /**
   * The account of a login: lower case, without blanks around it, aliases followed, the default domain on a bare login. An empty login
   * stays empty. LDAP and SQL servers let `ann ` in where the mailbox is `ann`, and Cyrus SASL hands on what was typed.
   */
  canonical(login: string): string {
    if (login === "") return "";
    const full = this.#full(login);
    return this.#accounts.get(full) ?? full;
  }

  #full(login: string): string {
    const lower = login.trim().toLowerCase();
    // A login of blanks only is a login all the same.
    if (this.#suffix === "" || lower.includes("@")) return lower === "" ? login : lower;
    return lower + this.#suffix;
  }

  /** Chains are followed here, once, so that a question needs a single look-up. A loop ends where it began: no alias. */
  #resolve(aliases: readonly Alias[]): ReadonlyMap<string, string> {
    const direct = new Map(aliases.map(({ alias, account }) => [this.#full(alias), this.#full(account)]));
    const resolved = new Map<string, string>();
    for (const alias of direct.keys()) {
      const account = endOfChain(alias, direct);
      if (account !== undefined) resolved.set(alias, account);
    }
    return resolved;
  }
}

function endOfChain(alias: string, direct: ReadonlyMap<string, string>): string | undefined {
  let account = alias;
  for (let step = 0; step < chainMax; step++) {
    const next = direct.get(account);
    if (next === undefined || next === account) return account;
    account = next;
  }
  return undefined;
}

/**
 * The lines `alias account` of an aliases file; blank lines and lines with `#` first are skipped. Lines that are not
 * two words are Problems with `fileName:line`, beside the pairs that are well.
 */
export function parseAliases(
  text: string,
  fileName: string,
): { readonly aliases: Alias[]; readonly problems: Problem[] } {
  const aliases: Alias[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const refuse = (line: number, message: string, hint: string) => {
    problems.push(new Problem(message, { code: "config/bad-value", where: `${fileName}:${line}`, hint }));
  };
  for (const [index, raw] of text.split("\n").entries()) {
    if (problems.length >= problemsMax) break;
    const words = raw.trim().split(/\s+/);
    const [alias = "", account = ""] = words;
    if (alias === "" || alias.startsWith("#")) continue;
    const first = seen.get(alias.toLowerCase());
    if (words.length !== 2) refuse(index + 1, `an alias line has ${words.length} words`, "alias account");
    else if (first !== undefined)
      refuse(index + 1, `alias ${alias} stands on line ${first} too`, "one account for an alias");
    else if (aliases.length >= aliasesMax) refuse(index + 1, "too many aliases", `at most ${aliasesMax} lines`);
    else aliases.push({ alias, account });
    seen.set(alias.toLowerCase(), index + 1);
  }
  return { aliases, problems };
}
