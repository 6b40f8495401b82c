// Figures of the jails.

import type { Labels, Metrics, Reading } from "../core/metrics.ts";
import type { JailReport, JailsReport } from "../jails/jail-words.ts";

/** Names them in `metrics`. `report` gives undefined where no jail runs. */
export function addJailGauges(metrics: Metrics, report: () => JailsReport | undefined): void {
  const ofJails = (read: (jail: JailReport) => readonly (readonly [Labels, number])[]) => (): Reading =>
    (report()?.jails ?? []).flatMap(read);
  metrics.countersRead(
    "postvarta_jail_failures_total",
    "Failures by what became of them: failures (counted), old, exempt (trusted), softened (treated mildly), forged, own_fault, unusable (no address).",
    ["jail", "result"],
    ofJails(({ name, counts }) =>
      Object.entries(counts)
        .filter(([result]) => result !== "tickets")
        .map(([result, count]) => [{ jail: name, result }, count]),
    ),
  );
  metrics.countersRead(
    "postvarta_jail_tickets_total",
    "Times that maxretry was reached.",
    ["jail"],
    ofJails(({ name, counts }) => [[{ jail: name }, counts.tickets]]),
  );
  metrics.gauge(
    "postvarta_jail_failing",
    "Addresses that fail just now.",
    ofJails(({ name, failing }) => [[{ jail: name }, failing]]),
  );
  metrics.gauge(
    "postvarta_jail_troubles",
    "Patterns and filters of a jail that are left alone.",
    ofJails(({ name, troubles }) => [[{ jail: name }, troubles.length]]),
  );
  metrics.gauge("postvarta_jail_not_running", "Jails of a Fail2ban configuration that cannot run.", () => {
    const jails = report();
    return jails === undefined ? [] : jails.problems.length;
  });
  metrics.countersRead("postvarta_jail_leaks_total", "Lines of banned addresses after the ban took effect.", [], () => {
    const jails = report();
    return jails === undefined ? [] : [[{}, jails.leaks.lines]];
  });
}
