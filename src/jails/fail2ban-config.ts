// `[jails] fail2ban`: which of its jails run here, what their bans are like, and which logs they need beside `[[logs]]`.

import { Problem } from "../core/problem.ts";
import type { SeeFile } from "./fail2ban/config-files.ts";
import { type JailDefinition, type JailsRead, readJails } from "./fail2ban/jail-reader.ts";
import { fitsGlob } from "./glob.ts";

/** The enabled jails of a directory; a configuration that cannot be read at all has none, and says why. Empty directory: none. */
export function readFail2ban(directory: string, sees?: SeeFile): JailsRead {
  if (directory === "") return { jails: [], problems: [] };
  try {
    return readJails(directory, { sees });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { jails: [], problems: [error] };
  }
}

/** A jail reads the journal when it says so, or when it names no file and knows its lines there. */
export function usesJournal({ backend, logpaths, filter }: JailDefinition): boolean {
  return backend.startsWith("systemd") || (logpaths.length === 0 && filter.journalmatch.length > 0);
}

/** A `[[logs]]` entry, as far as files and the journal go. */
export type LogEntry =
  | { readonly kind: "file"; readonly path: string; readonly from: "end" | "start" }
  | { readonly kind: "journal"; readonly from: "end" | "start" };

/** Entries for what the jails read and nobody follows. As Fail2ban, a log is begun at its start: what is older than findtime counts nothing. */
export function missingLogs(
  definitions: readonly JailDefinition[],
  logs: readonly ({ readonly kind: string } & { readonly path?: string })[],
): readonly LogEntry[] {
  const missing: LogEntry[] = [];
  const isFollowed = (path: string) =>
    logs.some((log) => log.kind === "file" && log.path !== undefined && fitsGlob(log.path, path));
  for (const definition of definitions) {
    if (usesJournal(definition)) {
      if (![...logs, ...missing].some(({ kind }) => kind === "journal")) missing.push({ kind: "journal", from: "end" });
      continue;
    }
    for (const { glob, tail } of definition.logpaths) {
      if (isFollowed(glob) || missing.some((log) => log.kind === "file" && log.path === glob)) continue;
      missing.push({ kind: "file", path: glob, from: tail ? "end" : "start" });
    }
  }
  return missing;
}
