// How the jails stand: what they count, whom they banned last, what they left alone.

import * as z from "zod";
import { printNetwork } from "../../core/ip.ts";
import { nearest } from "../../core/nearest.ts";
import { Problem } from "../../core/problem.ts";
import type { JailReport, JailsReport } from "../../jails/jail-words.ts";
import { countBansByJail } from "../../store/ban-counts.ts";
import { listBans } from "../../store/ban-list.ts";
import { type JailAnswer, type JailListAnswer, jailAnswer, jailListAnswer, jailQuery } from "../contract-jails.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

export const jailRoutes = [
  route({
    method: "GET",
    path: "/jails",
    help: "All jails with their counts, and what of a Fail2ban configuration does not run.",
    input: z.strictObject({}),
    answer: jailListAnswer,
    run: listJails,
  }),
  route({
    method: "GET",
    path: "/jails/:jail",
    help: "One jail: its settings, who fails just now, whom it banned, and what was treated mildly.",
    input: jailQuery,
    answer: jailAnswer,
    run: showJail,
  }),
];

async function listJails(parts: ApiParts): Promise<JailListAnswer> {
  const report = parts.jails.report();
  const banned = await countBansByJail(parts.store, parts.clock.now());
  return {
    mode: parts.jails.mode,
    running: report !== undefined,
    jails: (report?.jails ?? []).map((jail) => viewJail(jail, banned)),
    problems: [...(report?.problems ?? [])],
    leaks: viewLeaks(report),
  };
}

function viewJail(jail: JailReport, banned: ReadonlyMap<string, number>): JailListAnswer["jails"][number] {
  const { name, origin, failing, counts, lastBan, troubles } = jail;
  return {
    ...{ name, origin, failing, banned: banned.get(name) ?? 0, counts },
    last_ban: lastBan === undefined ? null : { address: lastBan.id, at: isoTime(lastBan.at) },
    troubles: [...troubles],
  };
}

function viewLeaks(report: JailsReport | undefined): JailListAnswer["leaks"] {
  const { lines = 0, last } = report?.leaks ?? {};
  return { lines, last: last === undefined ? null : { address: last.address, jail: last.jail, at: isoTime(last.at) } };
}

async function showJail(parts: ApiParts, { jail: name, limit }: z.output<typeof jailQuery>): Promise<JailAnswer> {
  const now = parts.clock.now();
  const report = parts.jails.report();
  const jail = report?.jails.find((one) => one.name === name);
  if (report === undefined || jail === undefined) throw unknownJail(name, report?.jails ?? []);
  const failing = await parts.jails.failing(name, limit);
  const bans = await listBans(parts.store, { now, limit, jail: name });
  const setting = jail.setting;
  return {
    ...viewJail(jail, await countBansByJail(parts.store, now)),
    mode: parts.jails.mode,
    settings: {
      maxretry: setting.maxretry,
      findtime_seconds: setting.findtimeMs / 1000,
      bantime_seconds: setting.bantimeMs === undefined ? null : setting.bantimeMs / 1000,
      counting: setting.method,
    },
    failing_now: failing.map(({ id, count, at }) => ({ id, count, at: isoTime(at) })),
    bans: bans.map(({ address, from, until, reason, enforce }) => ({
      ...{ address: printNetwork(address), from: isoTime(from), reason, enforced: enforce },
      until: until === undefined ? null : isoTime(until),
    })),
    softened: report.softened
      .filter((one) => one.jail === name)
      .map(({ at, address, account, because }) => ({ at: isoTime(at), address, account, because })),
  };
}

function unknownJail(name: string, jails: readonly JailReport[]): Problem {
  const names = jails.map((jail) => jail.name);
  const near = nearest(name, names);
  const hint = near === undefined ? `known here: ${names.join(", ") || "none"}` : `did you mean "${near}"?`;
  return new Problem("no jail has this name", { code: "jails/unknown", where: name, hint });
}
