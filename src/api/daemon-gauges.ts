// Figures that are read at the scrape: the daemon, its store and its rules (names: docs/reference/metrics.md).

import type { Reading } from "../core/metrics.ts";
import { quotaPrefix } from "../policy/cell-key.ts";
import type { ApiParts } from "./parts.ts";

/** Counting a million counters costs the reader a fraction of a second; a scrape every 15 s must not keep it busy. */
const countEveryMs = 60_000;
/** Quotas counted one by one; beyond it the rules have more than any dashboard shows. */
const quotasMax = 500;

/** Names every gauge in `parts.metrics`. Called once, when the parts are joined. */
export function addDaemonGauges(parts: ApiParts): void {
  addStoreGauges(parts);
  addPolicyGauges(parts);
  const { metrics } = parts;
  metrics.gauge("postvarta_build_info", "Always 1; the label says which version runs.", () => [
    [{ version: parts.version }, 1],
  ]);
  metrics.gauge(
    "postvarta_start_time_seconds",
    "When the daemon started, in seconds since the epoch.",
    () => parts.startedAt / 1000,
  );
  metrics.gauge(
    "postvarta_config_last_reload_success",
    "1 when the configuration was taken at the last reading, 0 when it was broken.",
    () => (parts.lastReload()?.ok === false ? 0 : 1),
  );
  metrics.gauge(
    "postvarta_config_last_reload_timestamp_seconds",
    "When the configuration was last read, in seconds since the epoch.",
    () => (parts.lastReload()?.at ?? parts.startedAt) / 1000,
  );
}

function addStoreGauges({ metrics, store }: ApiParts): void {
  metrics.gauge("postvarta_store_bytes", "Bytes of the store on disk.", () => store.sizeBytes());
  metrics.gauge(
    "postvarta_store_writable",
    "1 while the store takes writes; answers leave from memory while it does not.",
    () => (store.cells.health.writable ? 1 : 0),
  );
  metrics.gauge(
    "postvarta_store_pending",
    "Counters and messages in memory that are not on disk yet.",
    () => store.cells.health.pending,
  );
  metrics.gauge("postvarta_store_live_cells", "Counters in memory.", () => store.cells.health.liveCells);
  metrics.gauge(
    "postvarta_store_unrecorded_answers",
    "Answers since the start that left before their charge was on disk.",
    () => store.cells.health.unrecordedAnswers,
  );
}

function addPolicyGauges(parts: ApiParts): void {
  const { metrics, engine } = parts;
  metrics.gauge("postvarta_policy_connections", "Open connections of Postfix.", () => parts.connections());
  metrics.gauge(
    "postvarta_policy_open_messages",
    "Messages between their first recipient and END-OF-MESSAGE.",
    () => engine.stats.openMessages,
  );
  metrics.gauge("postvarta_policy_rules", "Policies in force.", () => engine.rules.policies.length);
  const counted = { at: Number.NEGATIVE_INFINITY, reading: Promise.resolve<Reading>([]) };
  metrics.gauge("postvarta_quota_tracked_keys", "Counters on disk of each quota, counted once a minute.", () => {
    const now = parts.clock.now();
    if (now - counted.at >= countEveryMs) Object.assign(counted, { at: now, reading: countTracked(parts) });
    return counted.reading;
  });
}

async function countTracked({ store, engine, clock }: ApiParts): Promise<Reading> {
  const quotas = engine.rules.policies.flatMap(({ policy, quotas }) =>
    quotas.map(({ rule }) => [policy.name, rule.name] as const),
  );
  const reading: (readonly [{ quota: string }, number])[] = [];
  for (const [policy, quota] of quotas.slice(0, quotasMax)) {
    const prefix = quotaPrefix(policy, quota);
    // The separator's successor ends the range of keys that start with the prefix.
    const end = `${prefix.slice(0, -1)}\x20`;
    const row = await store.facts
      .selectFrom("cells")
      .select((select) => select.fn.countAll<number>().as("cells"))
      .where("key", ">=", prefix)
      .where("key", "<", end)
      .where("expires_at", ">", clock.now())
      .executeTakeFirst();
    reading.push([{ quota: `${policy}/${quota}` }, Number(row?.cells ?? 0)]);
  }
  return reading;
}
