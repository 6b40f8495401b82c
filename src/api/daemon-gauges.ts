// Figures that are read at the scrape: the daemon, its store and its rules (names: docs/reference/metrics.md).

import type { Metrics, Reading } from "../core/metrics.ts";
import { quotaPrefix } from "../policy/cell-key.ts";
import type { ApiParts } from "./parts.ts";

/** A scrape every 15 s must not keep the store's reader busy with counting a million counters. */
const countEveryMs = 60_000;
/** Prometheus gives up after 10 s. */
const readMsMax = 1_000;
/** Quotas counted one by one; beyond it the rules have more than any dashboard shows. */
const quotasMax = 500;

/** Name, sentence, and what it reads. */
type Gauge = readonly [name: string, help: string, read: (parts: ApiParts) => Reading | Promise<Reading>];

const gauges: readonly Gauge[] = [
  ["postvarta_build_info", "Always 1; the label says which version runs.", ({ version }) => [[{ version }, 1]]],
  ["postvarta_start_time_seconds", "When the daemon started, since the epoch.", ({ startedAt }) => startedAt / 1000],
  [
    "postvarta_config_last_reload_success",
    "1 when the last reading of the configuration took it, 0 when it was broken and the old one holds.",
    (parts) => (parts.lastReload()?.ok === false ? 0 : 1),
  ],
  [
    "postvarta_config_last_reload_timestamp_seconds",
    "When the configuration was last read, since the epoch.",
    (parts) => (parts.lastReload()?.at ?? parts.startedAt) / 1000,
  ],
  ["postvarta_store_bytes", "Bytes of the store on disk.", ({ store }) => store.sizeBytes()],
  [
    "postvarta_store_writable",
    "1 while the store takes writes; while it does not, answers leave from memory.",
    ({ store }) => (store.cells.health.writable ? 1 : 0),
  ],
  [
    "postvarta_store_pending",
    "Counters and messages in memory that are not on disk yet.",
    ({ store }) => store.cells.health.pending,
  ],
  ["postvarta_store_live_cells", "Counters in memory.", ({ store }) => store.cells.health.liveCells],
  ["postvarta_policy_connections", "Open connections of Postfix.", (parts) => parts.policyServer().open],
  [
    "postvarta_policy_open_messages",
    "Messages between their first recipient and END-OF-MESSAGE.",
    ({ engine }) => engine.stats.openMessages,
  ],
  ["postvarta_policy_rules", "Policies in force.", ({ engine }) => engine.rules.policies.length],
  ["postvarta_quota_tracked_keys", "Counters on disk of each quota, counted once a minute.", countTracked],
];

/** Each of them was answered DUNNO or DEFER as `on_error` says, or not at all: then Postfix asks again. */
function readErrors({ engine, policyServer }: ApiParts): Reading {
  const { undecided, protocolErrors } = policyServer();
  const kinds: readonly (readonly [string, number])[] = [
    ["store", engine.stats.errors],
    ["undecided", undecided],
    ...protocolErrors,
  ];
  return kinds.map(([kind, count]) => [{ kind }, count] as const);
}

/** Names every gauge in `metrics`. `parts` undefined serves the reference, which reads none. */
export function addDaemonGauges(metrics: Metrics, parts: ApiParts | undefined): void {
  const errors = "Questions that could not be decided (store, undecided) or read (faults of the protocol).";
  metrics.countersRead("postvarta_policy_errors_total", errors, ["kind"], () =>
    parts === undefined ? [] : readErrors(parts),
  );
  const unrecorded = "Answers that left before their charge was on disk.";
  metrics.countersRead("postvarta_store_unrecorded_answers_total", unrecorded, [], () =>
    parts === undefined ? [] : parts.store.cells.health.unrecordedAnswers,
  );
  for (const [name, help, read] of gauges) {
    const once = name === "postvarta_quota_tracked_keys" ? eachMinute(read) : read;
    metrics.gauge(name, help, () => (parts === undefined ? [] : inTime(once(parts))));
  }
}

/** A figure whose store does not answer is left out: the scrape that says so must not wait for it. */
async function inTime(reading: ReturnType<Gauge[2]>): Promise<Reading> {
  if (!(reading instanceof Promise)) return reading;
  const late = Promise.withResolvers<Reading>();
  const timer = setTimeout(late.resolve, readMsMax, []);
  try {
    return await Promise.race([reading, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function eachMinute(read: Gauge[2]): Gauge[2] {
  const kept: { at: number; reading: ReturnType<Gauge[2]> } = { at: Number.NEGATIVE_INFINITY, reading: [] };
  return (parts) => {
    const now = parts.clock.now();
    if (now - kept.at >= countEveryMs) Object.assign(kept, { at: now, reading: read(parts) });
    return kept.reading;
  };
}

async function countTracked({ store, engine, clock }: ApiParts): Promise<Reading> {
  const quotas = engine.rules.policies.flatMap(({ policy, quotas }) => {
    return quotas.map(({ rule }) => [policy.name, rule.name] as const);
  });
  const reading: (readonly [{ quota: string }, number])[] = [];
  for (const [policy, quota] of quotas.slice(0, quotasMax)) {
    const prefix = quotaPrefix(policy, quota);
    const row = await store.facts
      .selectFrom("cells")
      .select((select) => select.fn.countAll<number>().as("cells"))
      .where("key", ">=", prefix)
      // The successor of the separator ends the range of keys that start with the prefix.
      .where("key", "<", `${prefix.slice(0, -1)}\x20`)
      .where("expires_at", ">", clock.now())
      .executeTakeFirst();
    reading.push([{ quota: `${policy}/${quota}` }, Number(row?.cells ?? 0)]);
  }
  return reading;
}
