// How the daemon stands, in one answer.

import type { Kysely } from "kysely";
import * as z from "zod";
import { isAuthDown } from "../../logs/auth-watch.ts";
import { countBans } from "../../store/ban-list.ts";
import type { Tables } from "../../store/tables.ts";
import { type StatusAnswer, statusAnswer } from "../contract.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

/** Fewer questions may all belong to messages that are still being sent. */
const askedMin = 10;
/** A glob of many unreadable files is told by a few of them. */
const logWarningsMax = 5;
/** A leak is news for so long. */
const leakShownMs = 3_600_000;

export const statusRoutes = [
  route({
    method: "GET",
    path: "/status",
    help: "How the daemon, its store, its rules and the questions of Postfix stand.",
    input: z.strictObject({}),
    answer: statusAnswer,
    run: readStatus,
  }),
];

async function readStatus(parts: ApiParts): Promise<StatusAnswer> {
  const reload = parts.lastReload();
  return {
    version: parts.version,
    node: parts.node,
    started_at: isoTime(parts.startedAt),
    uptime_seconds: Math.max(0, Math.round((parts.clock.now() - parts.startedAt) / 1000)),
    mode: parts.mode,
    store: await storeStatus(parts),
    policy: policyStatus(parts),
    rules: await countRules(parts.store.facts),
    bans: await banStatus(parts),
    last_reload: reload === undefined ? null : { at: isoTime(reload.at), ok: reload.ok, error: reload.error ?? null },
    warnings: warningsOf(parts),
  };
}

async function storeStatus({ store }: ApiParts): Promise<StatusAnswer["store"]> {
  const { writable, lastError, pending, liveCells, unrecordedAnswers } = store.cells.health;
  return {
    engine: store.engine,
    location: store.location,
    size_bytes: await store.sizeBytes(),
    writable,
    last_error: lastError ?? null,
    pending,
    live_cells: liveCells,
    unrecorded_answers: unrecordedAnswers,
  };
}

function policyStatus(parts: ApiParts): StatusAnswer["policy"] {
  const { openMessages, completed, aborted, untracked, errors } = parts.engine.stats;
  return {
    questions: parts.measures.questions(),
    verdicts: parts.measures.verdicts(),
    connections: parts.policyServer().open,
    open_messages: openMessages,
    completed,
    aborted,
    untracked,
    errors,
  };
}

async function banStatus({ store, clock, banning }: ApiParts): Promise<StatusAnswer["bans"]> {
  const { firewall, wanted, verified, error, mended, cut, notCut } = banning.state;
  const { all, enforced } = await countBans(store, clock.now());
  return {
    ...{ firewall, standing: all, enforced, wanted, verified, error: error ?? null, mended },
    ...{ connections_cut: cut, connections_left: notCut },
  };
}

async function countRules(facts: Kysely<Tables>): Promise<StatusAnswer["rules"]> {
  const count = async (table: "policies" | "groups" | "group_members") => {
    const row = await facts
      .selectFrom(table)
      .select((select) => select.fn.countAll<number>().as("rows"))
      .executeTakeFirst();
    return Number(row?.rows ?? 0);
  };
  return { policies: await count("policies"), groups: await count("groups"), members: await count("group_members") };
}

function warningsOf(parts: ApiParts): StatusAnswer["warnings"] {
  const warnings: StatusAnswer["warnings"] = [];
  const asked = parts.measures.questions();
  if ((asked.RCPT ?? 0) >= askedMin && (asked["END-OF-MESSAGE"] ?? 0) === 0) {
    const hint =
      "put the same check_policy_service into smtpd_end_of_data_restrictions (postvarta doctor prints the line)";
    warnings.push({ message: "Postfix does not ask at END-OF-MESSAGE: smtpd_end_of_data_restrictions", hint });
  }
  const { writable, lastError } = parts.store.cells.health;
  if (!writable) {
    warnings.push({
      message: `The store takes no writes: ${lastError ?? "unknown"}`,
      hint: "answers leave from memory until it does",
    });
  }
  for (const { error, firewall, wanted, verified } of parts.banning.states) {
    const hint = "it is tried again; our answers to Postfix refuse banned addresses meanwhile";
    if (error !== undefined) warnings.push({ message: `The firewall ${firewall} does not take bans: ${error}`, hint });
    else if (firewall === "command" && verified < wanted)
      warnings.push({ message: `Actions of ${wanted - verified} bans did not run: the log tells which`, hint });
  }
  const leak = leakWarning(parts);
  if (leak !== undefined) warnings.push(leak);
  const reload = parts.lastReload();
  if (reload?.ok === false) {
    warnings.push({ message: "The last reload failed, the old configuration holds", hint: reload.error ?? null });
  }
  warnings.push(...logWarnings(parts));
  return warnings;
}

function leakWarning({ jails, clock }: ApiParts): StatusAnswer["warnings"][number] | undefined {
  const { lines, last } = jails.report()?.leaks ?? { lines: 0, last: undefined };
  if (last === undefined || clock.now() - last.at > leakShownMs) return undefined;
  const message = `${last.address} is banned by ${last.jail} and gets lines into the log; ${lines} lines since the start`;
  return { message, hint: `does mail come past the firewall? postvarta ip ${last.address}` };
}

function logWarnings(parts: ApiParts): StatusAnswer["warnings"] {
  const logs = parts.logs();
  if (logs === undefined) return [];
  const hint = "postvarta log status tells where it stands";
  const messages = logs.sources.flatMap(({ troubles }) => troubles);
  if (logs.isSilent) messages.unshift("Postfix asks, and no line of it has been read for ten minutes");
  if (logs.isFailing) messages.unshift("No log is read as long as the store takes no writes");
  const warnings = messages.slice(0, logWarningsMax).map((message) => ({ message, hint }));
  const down = logs.counts.filter(isAuthDown).map(({ name }) => ({
    message: `Nobody can log in: the password service does not answer, says ${name}`,
    hint: "look at Dovecot or saslauthd; nobody is banned for it",
  }));
  return [...down, ...warnings];
}
