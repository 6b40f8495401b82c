// Figures of the logs: what lines were, how far reading is behind, and whether a log is silent that should not be.

import type { Labels, Metrics, Reading } from "../core/metrics.ts";
import type { LogsView } from "./parts.ts";

type OfSources = <Item>(
  items: (logs: LogsView) => readonly Item[],
  read: (item: Item) => readonly (readonly [Labels, number])[],
) => () => Reading;

/** Names them in `metrics`. `view` gives undefined where no log is read. */
export function addLogGauges(metrics: Metrics, view: () => LogsView | undefined): void {
  const ofSources: OfSources = (items, read) => () => {
    const logs = view();
    return logs === undefined ? [] : items(logs).flatMap(read);
  };
  addCounters(metrics, ofSources);
  addGauges(metrics, ofSources);
  metrics.gauge("postvarta_log_silent", "1 while Postfix asks and no line of it arrives.", () => {
    const logs = view();
    return logs === undefined ? [] : logs.isSilent ? 1 : 0;
  });
}

function addCounters(metrics: Metrics, ofSources: OfSources): void {
  metrics.countersRead(
    "postvarta_log_lines_total",
    "Log lines by what they were: event, mail (no event), other (another program), unknown (no form that we know), skipped (too long).",
    ["source", "result"],
    ofSources(
      ({ counts }) => counts,
      ({ name, lines }) => Object.entries(lines).map(([result, count]) => [{ source: name, result }, count]),
    ),
  );
  metrics.countersRead(
    "postvarta_log_unparsed_total",
    "Lines that could not be read: of no form that we know, or too long.",
    ["source"],
    ofSources(
      ({ counts }) => counts,
      ({ name, lines }) => [[{ source: name }, lines.unknown + lines.skipped]],
    ),
  );
  metrics.countersRead(
    "postvarta_log_events_total",
    "Mail events since the start.",
    ["source", "kind"],
    ofSources(
      ({ counts }) => counts,
      ({ name, kinds }) => Object.entries(kinds).map(([kind, count]) => [{ source: name, kind }, count]),
    ),
  );
  metrics.countersRead(
    "postvarta_log_lost_total",
    "Lines that others threw away before they could be read (journald's rate limit, a flood of datagrams), and rests of files that are gone.",
    ["source"],
    ofSources(
      ({ sources }) => sources,
      ({ name, lost }) => [[{ source: name }, lost]],
    ),
  );
}

function addGauges(metrics: Metrics, ofSources: OfSources): void {
  metrics.gauge(
    "postvarta_log_lag_seconds",
    "How far what is read and on disk is behind what is there, for each source.",
    ofSources(
      ({ sources }) => sources,
      ({ name, lagSeconds }) => [[{ source: name }, lagSeconds]],
    ),
  );
  metrics.gauge(
    "postvarta_log_last_mail_timestamp_seconds",
    "When the last line of Postfix or Dovecot was read, since the epoch, for each source; 0 for never.",
    ofSources(
      ({ counts }) => counts,
      ({ name, lastMailAt }) => [[{ source: name }, lastMailAt / 1000]],
    ),
  );
}
