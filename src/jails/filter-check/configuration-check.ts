// A whole Fail2ban configuration before it runs: the jails that cannot, what runs otherwise than it is written, and every filter that
// a jail uses, once.

import type { Problem } from "../../core/problem.ts";
import type { FilterDefinition } from "../fail2ban/filter-reader.ts";
import { readJails } from "../fail2ban/jail-reader.ts";
import { checkFilter, type FilterFinding } from "./filter-check.ts";

/** What `doctor` says of `[jails] firewall`. */
type FirewallFindingCode = "firewall-tool-missing" | "firewall-without-action" | "actions-refused" | "actions-beside";

export interface ConfigurationFinding extends Omit<FilterFinding, "code" | "filter"> {
  readonly code: FilterFinding["code"] | "jail-cannot-run" | "jail-warning" | FirewallFindingCode;
  readonly jails: readonly string[];
}

/** What to mend in the configuration of `directory`; a Problem when `jail.conf` itself cannot be read. */
export function checkConfiguration(
  directory: string,
  options: { all?: boolean; postfixVersion?: string | undefined } = {},
): readonly ConfigurationFinding[] {
  const { jails, problems } = readJails(directory, { all: options.all ?? false });
  const found: ConfigurationFinding[] = problems.map((problem) => problemFinding("jail-cannot-run", [], problem));
  const filters = new Map<string, { readonly definition: FilterDefinition; readonly jails: string[] }>();
  for (const jail of jails) {
    for (const warning of jail.warnings) found.push(problemFinding("jail-warning", [jail.name], warning));
    const { filter } = jail;
    const key = JSON.stringify([filter.where("failregex"), filter.prefregex, filter.failregex, filter.ignoreregex]);
    const same = filters.get(key) ?? { definition: filter, jails: [] };
    same.jails.push(jail.name);
    filters.set(key, same);
  }
  for (const { definition, jails: users } of filters.values()) {
    const { postfixVersion } = options;
    for (const { filter: _, ...finding } of checkFilter(definition, { postfixVersion })) {
      found.push({ ...finding, jails: users });
    }
  }
  return found;
}

function problemFinding(
  code: "jail-cannot-run" | "jail-warning",
  jails: readonly string[],
  problem: Problem,
): ConfigurationFinding {
  const cannot = code === "jail-cannot-run";
  return {
    severity: cannot ? "error" : "warn",
    code,
    jails,
    where: problem.where ?? "",
    what: problem.message,
    why: cannot ? "The jail does not run; the others do." : "It does not stop the jail.",
    mend: problem.hint ?? "",
  };
}
