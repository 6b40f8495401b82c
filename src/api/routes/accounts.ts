// Accounts: who is under suspicion and why, and what a person says of it. Containing one is in routes/containment.ts.

import type { z } from "zod";
import { parseOwnNetwork } from "../../accounts/marks.ts";
import { Problem } from "../../core/problem.ts";
import { parseUntil } from "../../core/until-text.ts";
import { eraseHistory } from "../../store/account-history.ts";
import { eraseLevels, listRaised } from "../../store/account-levels.ts";
import { addMarks, readMarkRows, removeMarks } from "../../store/account-marks.ts";
import { writeAudit } from "../../store/audit.ts";
import { readFreezes } from "../../store/freezes.ts";
import { beginWatch, dropWatch, endWatch, findWatch, readWatches, type Watch } from "../../store/watches.ts";
import { markOf, parseChange, readAccount, watchOf } from "../account-view.ts";
import { authorOf } from "../claimed-by.ts";
import {
  type AccountList,
  type AccountShown,
  accountList,
  accountListQuery,
  accountQuery,
  accountView,
  type EraseAnswer,
  eraseAnswer,
  eraseRequest,
  type MarkAnswer,
  markAnswer,
  markRequest,
  type WatchAnswer,
  watchAnswer,
  watchRequest,
} from "../contract-accounts.ts";
import { pageRowsMax } from "../contract-words.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

export const accountRoutes = [
  route({
    method: "GET",
    path: "/accounts",
    help: "Accounts above calm, under watch or frozen, with the reasons.",
    input: accountListQuery,
    answer: accountList,
    run: listAccounts,
  }),
  route({
    method: "GET",
    path: "/accounts/show",
    help: "Everything that is known of one account: also what its owner may ask for.",
    input: accountQuery,
    answer: accountView,
    run: showAccount,
  }),
  route({
    method: "POST",
    path: "/accounts/watch",
    help: "Puts an account under watch, or ends its watch; the next question obeys.",
    input: watchRequest,
    answer: watchAnswer,
    run: watchAccount,
  }),
  route({
    method: "POST",
    path: "/accounts/mark",
    help: "Says of an account that a network is the owner's, that they travel, that several people use it, that it is a device, or that it is trusted; or takes that back.",
    input: markRequest,
    answer: markAnswer,
    run: markAccount,
  }),
  route({
    method: "POST",
    path: "/accounts/erase",
    help: "Forgets the history, levels, watch and marks of an account on all nodes. Decisions about its mail, a freeze and what was done to contain it stay.",
    input: eraseRequest,
    answer: eraseAnswer,
    run: eraseAccount,
  }),
];

async function listAccounts(parts: ApiParts, query: z.output<typeof accountListQuery>): Promise<AccountList> {
  const { store, accounts } = parts;
  const watches = new Map((await readWatches(store.facts, parts.clock.now())).map((watch) => [watch.account, watch]));
  const frozen = new Set((await readFreezes(store.facts)).map(({ account }) => account));
  const raised = await listRaised(store, pageRowsMax);
  const rows = raised.map(({ account, level, score, at, body }) => {
    const watch = watches.get(account);
    return {
      ...{ account, level: level as AccountShown["level"], score, at: isoTime(at), frozen: frozen.has(account) },
      because: because(body),
      watch: watch === undefined ? null : watchOf(watch),
    };
  });
  const listed = new Set(raised.map(({ account }) => account));
  const others = [...new Set([...watches.keys(), ...frozen])].filter((account) => !listed.has(account)).sort();
  const more = others.map((account) => calmRow(account, watches.get(account), frozen.has(account)));
  const all = [...rows, ...more].filter(({ watch }) => query.watched === "no" || watch !== null);
  return { mode: accounts.mode, watch_group: accounts.watchGroup, accounts: all.slice(0, query.limit) };
}

function calmRow(account: string, watch: Watch | undefined, frozen: boolean): AccountList["accounts"][number] {
  const shown = watch === undefined ? null : watchOf(watch);
  return { account, level: "calm", score: 0, at: null, because: watch?.reason ?? "", watch: shown, frozen };
}

function because(body: string): string {
  const { signals } = parseChange(body);
  return [...signals]
    .sort((a, b) => b.points - a.points)
    .slice(0, 3)
    .map((signal) => signal.because)
    .join("; ");
}

async function showAccount(parts: ApiParts, query: z.output<typeof accountQuery>): Promise<AccountShown> {
  const account = parts.canonical(query.account);
  const shown = await readAccount(parts, account);
  if (!isKnown(shown)) throw unknownAccount(account);
  return shown;
}

function isKnown({ known, levels, marks, watch, frozen, contained }: AccountShown): boolean {
  const own = marks.some((mark) => mark.account !== "");
  return known || levels.length > 0 || own || watch !== null || frozen !== null || contained !== null;
}

async function watchAccount(parts: ApiParts, request: z.output<typeof watchRequest>): Promise<WatchAnswer> {
  const { store, clock } = parts;
  const account = parts.canonical(request.account);
  const author = authorOf(request.by, clock.now());
  const before = await findWatch(store.facts, account);
  if (request.end) {
    const changed = before !== undefined;
    if (changed && !request.dry_run) await endWatch(store, account, author);
    return { dry_run: request.dry_run, account, changed, watch: null };
  }
  const until = request.until === undefined ? 0 : parseUntil(request.until, author.now, "accounts/bad-mark");
  const { reason } = request;
  const level = before?.level ?? "calm";
  const watch: Watch = { account, since: author.now, until, level, origin: "hand", reason, body: "", by: author.by };
  if (!request.dry_run) {
    await beginWatch(store, watch, author);
    parts.log.info("account_watch", { account, by: author.by, reason });
  }
  return { dry_run: request.dry_run, account, changed: true, watch: watchOf(watch) };
}

type MarkRequest = z.output<typeof markRequest>;

async function markAccount(parts: ApiParts, request: MarkRequest): Promise<MarkAnswer> {
  const author = authorOf(request.by, parts.clock.now());
  const account = request.account === "" ? "" : parts.canonical(request.account);
  const wanted = await marksWanted(parts, account, request, author.now);
  if (request.remove) {
    const known = await readMarkRows(parts.store.facts);
    const same = known.filter((mark) =>
      wanted.some((one) => one.account === mark.account && one.kind === mark.kind && one.value === mark.value),
    );
    if (!request.dry_run) {
      const ids = same.map(({ id }) => id);
      await removeMarks(parts.store, ids, author);
      await tellJudge(parts, account);
    }
    return { dry_run: request.dry_run, changed: same.map((mark) => bare(markOf(mark))) };
  }
  if (!request.dry_run) {
    await addMarks(parts.store, wanted, author);
    await tellJudge(parts, account);
  }
  const shown = wanted.map((mark) => bare(markOf({ ...mark, id: "", at: author.now, by: author.by })));
  return { dry_run: request.dry_run, changed: shown };
}

/** What is on disk the judge takes at its next start, when it is not there. */
async function tellJudge({ accounts, log }: ApiParts, account: string): Promise<void> {
  await accounts.marksChanged(account).catch((error: unknown) => {
    log.warn("accounts.mark-not-told", { error: String(error) });
  });
}

function bare({ id: _, at: __, by: ___, ...mark }: AccountShown["marks"][number]) {
  return mark;
}

async function marksWanted(parts: ApiParts, account: string, request: MarkRequest, now: number) {
  const { kind, note } = request;
  if (account === "" && kind !== "mine") throw badMark("account", "name an account: only networks hold for all");
  const until = request.until === undefined ? 0 : parseUntil(request.until, now, "accounts/bad-mark");
  const from = request.from === undefined ? 0 : parseFrom(request.from);
  const values = await valuesOf(parts, account, request);
  return values.map((value) => ({ account, kind, value, from: kind === "trip" ? from : 0, until, note }));
}

async function valuesOf(parts: ApiParts, account: string, { kind, value }: MarkRequest): Promise<readonly string[]> {
  if (kind === "trip") {
    if (/^[A-Za-z]{2}$/.test(value)) return [value.toUpperCase()];
    throw badMark("value", "a country's two letters, as in PL");
  }
  if (kind !== "mine") return [""];
  if (value === "all" && account !== "") {
    if (parts.logs() === undefined) throw badMark("value", "no log is read: name the network");
    const view = await parts.accounts.view(account);
    const strange = (view?.recent ?? []).filter(({ familiar }) => !familiar);
    return [...new Set(strange.map(({ network, ip }) => /^AS\d+/.exec(network)?.[0] ?? ip))];
  }
  const network = parseOwnNetwork(value);
  if (network === undefined) throw badMark("value", "AS15895, an address, a prefix such as 192.0.2.0/24, or all");
  return [network];
}

function parseFrom(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw badMark("from", "an ISO time, as in 2030-01-31");
  return at;
}

function badMark(where: string, hint: string): Problem {
  return new Problem("this mark says nothing", { code: "accounts/bad-mark", where, hint });
}

function hasJudge({ logs, accounts }: ApiParts): boolean {
  return accounts.isShared || logs() !== undefined;
}

async function eraseAccount(parts: ApiParts, request: z.output<typeof eraseRequest>): Promise<EraseAnswer> {
  const account = parts.canonical(request.account);
  const shown = await readAccount(parts, account);
  if (!isKnown(shown)) throw unknownAccount(account);
  if (request.dry_run) return { dry_run: true, account, erased: true };
  const author = authorOf(request.by, parts.clock.now());
  // Otherwise what the judge kept would be written again. Where no log is read, and nobody else judges, there is none.
  if (hasJudge(parts)) await parts.accounts.erase(account);
  await parts.store.facts.transaction().execute(async (tx) => {
    await eraseHistory(tx, account);
    await eraseLevels(tx, account);
    await dropWatch(tx, account);
    await tx.deleteFrom("watch_pauses").where("account", "=", account).execute();
    await tx.deleteFrom("account_marks").where("account", "=", account).execute();
    await writeAudit(tx, [{ kind: "account", name: account, act: "removed", detail: "erased" }], author);
  });
  await parts.store.changes.announce("rules");
  return { dry_run: false, account, erased: true };
}

function unknownAccount(account: string): Problem {
  const hint = "`postvarta accounts list` prints those under suspicion";
  return new Problem("nothing is known of this account", { code: "accounts/unknown", where: account, hint });
}
