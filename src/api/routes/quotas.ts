// Counters: who has used how much, and the three ways to help: look, forget, raise for a while.

import { setImmediate as nextTurn } from "node:timers/promises";
import { printPeriod, printWithin } from "../../core/calendar.ts";
import type { CellState } from "../../core/cell.ts";
import { parseIp } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import { quotaPrefix } from "../../policy/cell-key.ts";
import { type AuditEntry, writeAudit } from "../../store/audit.ts";
import { saveRaises } from "../../store/raises.ts";
import { limitsOf } from "../account-limits.ts";
import { authorOf } from "../claimed-by.ts";
import {
  type QuotaAnswer,
  type QuotaChangeAnswer,
  quotaChangeAnswer,
  quotaKeyQuery,
  quotaList,
  quotaListQuery,
  quotaPage,
  quotaRaiseRequest,
  quotaResetRequest,
} from "../contract.ts";
import { parseCursor, printCursor } from "../page.ts";
import type { ApiParts } from "../parts.ts";
import { findTargets, type QuotaTarget, unknownKey } from "../quota-target.ts";
import { emptyState, viewOfCell, viewOfTarget } from "../quota-view.ts";
import { chooseRaised, parseRaiseEnd, parseRaiseTo } from "../raise-text.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

/** A page is put together in pieces of a fraction of a millisecond, so that no question waits for it. */
const viewsPerTurn = 50;

export const quotaRoutes = [
  route({
    method: "GET",
    path: "/quotas",
    help: "Counters in use, in the order of their keys, at most 500 a page.",
    input: quotaListQuery,
    answer: quotaPage,
    run: listQuotas,
  }),
  route({
    method: "GET",
    path: "/quotas/show",
    help: "The counters of one key (`QUOTA/TRACK-KEY`), all of an address, or all limits of an account, used or not.",
    input: quotaKeyQuery,
    answer: quotaList,
    run: async (parts, { key }) => ({ quotas: await showQuotas(parts, key) }),
  }),
  route({
    method: "POST",
    path: "/quotas/reset",
    help: "Forgets what was counted under a key, or under all keys of an account.",
    input: quotaResetRequest,
    answer: quotaChangeAnswer,
    run: resetQuotas,
  }),
  route({
    method: "POST",
    path: "/quotas/raise",
    help: "Raises the limit of one key until a time; the rule stays as it is.",
    input: quotaRaiseRequest,
    answer: quotaChangeAnswer,
    run: raiseQuotas,
  }),
];

async function listQuotas(
  parts: ApiParts,
  query: { quota?: string | undefined; cursor?: string | undefined; limit: number },
): Promise<{ quotas: QuotaAnswer[]; next: string | null }> {
  const after = parseCursor(query.cursor);
  const prefixes = query.quota === undefined ? [""] : prefixesOf(parts, query.quota);
  const quotas: QuotaAnswer[] = [];
  for (const prefix of prefixes) {
    if (after !== undefined && prefix < after && !after.startsWith(prefix)) continue;
    const limit = query.limit - quotas.length;
    const entries = await parts.store.cells.list({ prefix, limit, ...(after === undefined ? {} : { after }) });
    for (const [i, entry] of entries.entries()) {
      if (i % viewsPerTurn === viewsPerTurn - 1) await nextTurn();
      const view = viewOfCell(entry, parts);
      if (view !== undefined) quotas.push(view);
    }
    const last = entries.at(-1);
    if (last !== undefined && entries.length >= limit) return { quotas, next: printCursor(last.key) };
  }
  return { quotas, next: null };
}

/** Prefixes of the quotas of this name, in the order of keys. */
function prefixesOf(parts: ApiParts, name: string): readonly string[] {
  const prefixes = new Set<string>();
  for (const { quota } of parts.engine.rules.limits.values()) {
    const { policy, rule } = quota;
    if (rule.name === name || `${policy.name}/${rule.name}` === name) prefixes.add(quotaPrefix(policy.name, rule.name));
  }
  if (prefixes.size > 0) return [...prefixes].sort();
  throw new Problem("no quota has this name", {
    code: "quota/unknown-key",
    where: name,
    hint: "`postvarta policy export` prints the quotas there are",
  });
}

/** Targets where something was counted or raised, with the other limits of the same quota and key. */
async function findCounted(
  parts: ApiParts,
  text: string,
): Promise<readonly (readonly [QuotaTarget, CellState | undefined])[]> {
  const states: [QuotaTarget, CellState | undefined][] = [];
  for (const target of findTargets(text, parts.engine.rules, parts.canonical)) {
    states.push([target, await parts.store.cells.peek(target.key)]);
  }
  const now = parts.clock.now();
  const counted = new Set<string>();
  for (const [target, state] of states) {
    if (state !== undefined || parts.raises.find(target.key, now) !== undefined) counted.add(ownerOf(target));
  }
  return states.filter(([target]) => counted.has(ownerOf(target)));
}

function ownerOf({ limit: { quota }, track }: QuotaTarget): string {
  return quotaPrefix(quota.policy.name, quota.rule.name) + track;
}

async function showQuotas(parts: ApiParts, key: string): Promise<QuotaAnswer[]> {
  const quotas = await viewQuotas(parts, key, true);
  if (quotas.length === 0) throw unknownKey(key);
  return quotas;
}

/** What was counted or raised under this name; `all`: of an account also the limits under which nothing was yet. */
export async function viewQuotas(parts: ApiParts, name: string, all: boolean): Promise<QuotaAnswer[]> {
  const counted = await findCounted(parts, name);
  const known = new Set(counted.map(([target]) => target.key));
  const quotas = counted.map(([target, state]) => viewOfTarget(target, state, parts));
  for (const target of all && isAccount(name) ? limitsOf(name, parts) : []) {
    if (!known.has(target.key)) quotas.push(viewOfTarget(target, await parts.store.cells.peek(target.key), parts));
  }
  return quotas;
}

/** A login, and no address, key, line or text. */
function isAccount(name: string): boolean {
  return /^[^\s:/<>]+$/.test(name) && parseIp(name) === undefined;
}

export async function resetQuotas(
  parts: ApiParts,
  request: { key: string; dry_run: boolean; by: string },
): Promise<QuotaChangeAnswer> {
  const counted = await findCounted(parts, request.key);
  if (counted.length === 0) throw unknownKey(request.key);
  const targets = counted.filter(([, state]) => state !== undefined).map(([target]) => target);
  if (!request.dry_run) {
    const keys = targets.map((target) => target.key);
    await parts.store.cells.charge(keys, (view) => {
      const { now } = view;
      for (const target of targets) {
        const empty = emptyState(target, now);
        // Kept for one period, so that whoever looks after a reset finds a nought and not nothing.
        if (empty !== undefined) view.put(target.key, empty, now + target.limit.limit.periodMs);
      }
    });
    const author = authorOf(request.by, parts.clock.now());
    await writeAudit(parts.store.facts, auditOf(targets, "reset"), author);
    parts.log.info("quota_reset", { key: request.key, counters: targets.length, by: author.by });
  }
  return { dry_run: request.dry_run, quotas: counted.map(([target]) => viewOfTarget(target, undefined, parts)) };
}

async function raiseQuotas(
  parts: ApiParts,
  request: { key: string; to: string; until: string; dry_run: boolean; by: string },
): Promise<QuotaChangeAnswer> {
  const now = parts.clock.now();
  const to = parseRaiseTo(request.to);
  const until = parseRaiseEnd(request.until, now);
  const chosen = chooseRaised(await raisable(parts, request.key), to);
  if (!request.dry_run) {
    const author = authorOf(request.by, now);
    const { by } = author;
    const raises = chosen.map(({ key }) => ({ key, max: to.max, until, changedAt: now, changedBy: by }));
    const told = `to ${to.max} until ${isoTime(until)}`;
    await saveRaises(parts.store, raises, auditOf(chosen, "raised", told), author);
    parts.log.info("quota_raised", { key: request.key, to: request.to, until: isoTime(until), by });
  }
  const quotas: QuotaAnswer[] = [];
  for (const target of chosen) {
    const view = viewOfTarget(target, await parts.store.cells.peek(target.key), parts);
    quotas.push({ ...view, raised_to: to.max, raised_until: isoTime(until) });
  }
  return { dry_run: request.dry_run, quotas };
}

/** One row a limit, under the name that its decisions have: `policy/quota/track key`. */
function auditOf(targets: readonly QuotaTarget[], act: "reset" | "raised", told = ""): AuditEntry[] {
  return targets.map(({ limit: { quota, limit }, track }) => {
    const name = `${quota.policy.name}/${quota.rule.name}/${track}`;
    const within = printWithin(printPeriod(quota.rule.algorithm, limit.periodMs));
    const detail = `${limit.max} ${limit.count} ${within} ${told}`.trim();
    return { kind: "counter", name, act, detail };
  });
}

/** Before the first mail of an account nothing is counted; then the rules alone say which limits it has. */
async function raisable(parts: ApiParts, key: string): Promise<readonly QuotaTarget[]> {
  const counted = await findCounted(parts, key);
  const targets =
    counted.length > 0 ? counted.map(([target]) => target) : findTargets(key, parts.engine.rules, parts.canonical);
  if (targets.length === 0) throw unknownKey(key);
  return targets;
}
