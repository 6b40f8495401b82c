// Who changed the rule last: for each decision the last changes of its policy, of the groups that the policy names, and of its counter.

import type { AuditRow, AuditSubject } from "../store/audit.ts";
import { findAudit } from "../store/audit.ts";
import type { DecisionRow } from "../store/db.ts";
import { readGroups } from "../store/groups.ts";
import type { ChangeAnswer } from "./contract.ts";
import { groupsInside, groupsNamed } from "./group-nesting.ts";
import type { ApiParts } from "./parts.ts";
import { isoTime } from "./trail-view.ts";

/** Of one subject; what was changed more often since the decision is told by its newest. */
const changesMax = 5;

/** A policy that names more groups is told by the first ones. */
const groupsMax = 50;

/** The changes behind decisions of one answer; what several of them share is looked up once. */
export class RuleHistory {
  readonly #parts: ApiParts;
  readonly #found = new Map<string, Promise<readonly AuditRow[]>>();
  readonly #groups = new Map<string, Promise<readonly string[]>>();

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  /** Newest first: all since the decision, and of each subject the last one before it. */
  async of(row: DecisionRow): Promise<ChangeAnswer[]> {
    const changes: AuditRow[] = [];
    for (const subject of await this.#subjects(row)) {
      const found = await this.#find(subject);
      const last = found.findIndex((change) => change.at <= row.lastAt);
      changes.push(...(last < 0 ? found : found.slice(0, last + 1)));
    }
    return changes.sort((a, b) => b.at - a.at).map((change) => viewOf(change, row));
  }

  async #subjects({ rule, key }: DecisionRow): Promise<readonly AuditSubject[]> {
    const policy = this.#policyOf(rule);
    const subjects: AuditSubject[] = [{ kind: "policy", name: policy }];
    for (const name of await this.#groupsOf(policy)) subjects.push({ kind: "group", name });
    if (key !== "") subjects.push({ kind: "counter", name: `${rule}/${key}` });
    return subjects;
  }

  /** `policy/rule`, where both may hold slashes: the rules say where the policy's name ends, else the first slash does. */
  #policyOf(rule: string): string {
    const names = this.#parts.engine.rules.policies.map(({ policy }) => policy.name);
    const known = names.filter((name) => rule.startsWith(`${name}/`)).sort((a, b) => b.length - a.length);
    return known[0] ?? rule.slice(0, rule.indexOf("/"));
  }

  #groupsOf(policy: string): Promise<readonly string[]> {
    const known = this.#groups.get(policy);
    if (known !== undefined) return known;
    const groups = this.#readGroups(policy);
    this.#groups.set(policy, groups);
    return groups;
  }

  async #readGroups(name: string): Promise<readonly string[]> {
    const found = this.#parts.engine.rules.policies.find(({ policy }) => policy.name === name)?.policy;
    const named = (found?.members ?? []).flatMap(({ source, destination }) => [
      ...groupsNamed(source ?? ""),
      ...groupsNamed(destination ?? ""),
    ]);
    if (named.length === 0) return [];
    const groups = await readGroups(this.#parts.store.facts);
    return [...new Set(named.flatMap((one) => [...groupsInside(one, groups)]))].slice(0, groupsMax);
  }

  #find(subject: AuditSubject): Promise<readonly AuditRow[]> {
    const id = `${subject.kind} ${subject.name}`;
    const known = this.#found.get(id);
    if (known !== undefined) return known;
    const found = findAudit(this.#parts.store, subject, changesMax);
    this.#found.set(id, found);
    return found;
  }
}

function viewOf({ kind, name, act, at, by, via, detail }: AuditRow, row: DecisionRow): ChangeAnswer {
  return { kind, name, act, at: isoTime(at), by, via, detail, since: at > row.lastAt };
}
