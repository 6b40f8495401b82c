// How reading of logs stands.

import { z } from "zod";
import { type LogStatusAnswer, logStatusAnswer } from "../contract.ts";
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
];

async function readLogStatus(parts: ApiParts): Promise<LogStatusAnswer> {
  const logs = parts.logs();
  return {
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
    ...{ lines: { ...lines }, events: { ...counted?.kinds }, lost },
    unparsed_share: all === 0 ? 0 : (lines.unknown + lines.skipped) / all,
    reading: [...reading],
    troubles: [...troubles],
    unknown_shapes: (counted?.unknownShapes ?? []).slice(0, shapesShown),
  };
}

function timeOrNull(at: number): string | null {
  return at === 0 ? null : isoTime(at);
}
