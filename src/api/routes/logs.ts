// How reading of logs stands.

import * as z from "zod";
import { Problem } from "../../core/problem.ts";
import { noReplay, type ReplayState } from "../../logs/replay.ts";
import { Zone } from "../../logs/zone.ts";
import { type LogStatusAnswer, logStatusAnswer, type ReplayAnswer, replayAnswer, replayRequest } from "../contract.ts";
import type { ApiParts, LogsView } from "../parts.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

/** The most frequent shapes of lines that nobody understands. */
const shapesShown = 20;

export const logRoutes = [
  route({
    method: "GET",
    path: "/logs",
    help: "How reading of logs stands: places, lag, lines by what they were, shapes of those that nobody understands.",
    input: z.strictObject({}),
    answer: logStatusAnswer,
    run: readLogStatus,
  }),
  route({
    method: "GET",
    path: "/logs/replay",
    help: "How the last replay of old logs stands.",
    input: z.strictObject({}),
    answer: replayAnswer,
    run: async ({ replays }) => viewReplay(replays.replayed),
  }),
  route({
    method: "POST",
    path: "/logs/replay",
    help: "Replays old logs beside those that are followed, each line once; answers at once.",
    input: replayRequest,
    answer: replayAnswer,
    run: startReplay,
  }),
  route({
    method: "POST",
    path: "/logs/replay/stop",
    help: "Ends a replay; what was read by then is kept.",
    input: z.strictObject({}),
    answer: replayAnswer,
    run: async ({ replays }) => {
      replays.stopReplay();
      return viewReplay(replays.replayed);
    },
  }),
];

async function startReplay({ replays }: ApiParts, input: z.output<typeof replayRequest>): Promise<ReplayAnswer> {
  const { paths, since, until, year, zone, again, dry_run: dryRun } = input;
  if (zone !== undefined && Zone.parse(zone) === undefined)
    throw new Problem(`there is no zone ${zone}`, { code: "api/bad-request", where: "zone" });
  const ms = (iso: string | undefined) => (iso === undefined ? undefined : Date.parse(iso));
  const request = { paths, since: ms(since), until: ms(until), year, zone, again, dryRun };
  return viewReplay(await replays.replay(request));
}

/** Without a replay an empty one that has ended. */
function viewReplay(state: ReplayState | undefined): ReplayAnswer {
  const { isRunning, dryRun, path, share, lines, unknown, kinds, earlier, later, knownBytes, firstAt, lastAt } =
    state ?? { ...noReplay, isRunning: false };
  const { until = 0, warnings = [], problem } = state ?? {};
  return {
    ...{ running: isRunning, dry_run: dryRun, path, share, lines, unknown, earlier, later },
    ...{ events: { ...kinds }, known_bytes: knownBytes, warnings: [...warnings] },
    ...{ first: timeOrNull(firstAt ?? 0), last: timeOrNull(lastAt ?? 0), until: timeOrNull(until) },
    problem: problem === undefined ? null : { ...problem, where: problem.where || null, hint: problem.hint || null },
  };
}

async function readLogStatus(parts: ApiParts): Promise<LogStatusAnswer> {
  const logs = parts.logs();
  const { replayed } = parts.replays;
  const { share, path, lines } = replayed ?? noReplay;
  return {
    replay: replayed?.isRunning === true ? { share, path, lines } : null,
    configured: logs !== undefined,
    at: timeOrNull(logs?.at ?? 0),
    restarts: logs?.restarts ?? 0,
    waits_for_store: logs?.isFailing ?? false,
    silent: logs?.isSilent ?? false,
    sources: logs === undefined ? [] : logs.sources.map((source) => viewSource(source, logs)),
  };
}

function viewSource(source: LogsView["sources"][number], { counts }: LogsView): LogStatusAnswer["sources"][number] {
  const { name, kind, lagSeconds, lost, reading, troubles } = source;
  const counted = counts.find((one) => one.name === name);
  const lines = counted?.lines ?? { event: 0, mail: 0, other: 0, unknown: 0, skipped: 0 };
  const all = lines.event + lines.mail + lines.other + lines.unknown + lines.skipped;
  return {
    ...{ name, kind, lag_seconds: lagSeconds, last_line_at: timeOrNull(counted?.lastLineAt ?? 0) },
    last_mail_at: timeOrNull(counted?.lastMailAt ?? 0),
    ...{ lines: { ...lines }, events: { ...counted?.kinds }, lost },
    unparsed_share: all === 0 ? 0 : (lines.unknown + lines.skipped) / all,
    reading: [...reading],
    troubles: [...troubles],
    unknown_shapes: (counted?.unknownShapes ?? []).slice(0, shapesShown),
    unknown_others: counted?.unknownOthers ?? 0,
  };
}

function timeOrNull(at: number): string | null {
  return at === 0 ? null : isoTime(at);
}
