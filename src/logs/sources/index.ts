// Every source there is. Adding one is one file and one line here.

import type { Source, SourceHost } from "../source.ts";
import { archiveSource } from "./archive.ts";
import { type FileSettings, fileSource } from "./file.ts";
import { type JournalSettings, journalSource } from "./journal.ts";
import { type SyslogSettings, syslogSource } from "./syslog.ts";

/** One `[[logs]]` entry. */
export type LogSettings =
  | ({ readonly kind: "file" } & FileSettings)
  | ({ readonly kind: "journal" } & JournalSettings)
  | ({ readonly kind: "syslog" } & SyslogSettings);

export const sources = [fileSource, journalSource, syslogSource, archiveSource] as const;

export function createSource(settings: LogSettings, host: SourceHost): Source {
  switch (settings.kind) {
    case "file":
      return fileSource.create(settings, host);
    case "journal":
      return journalSource.create(settings, host);
    case "syslog":
      return syslogSource.create(settings, host);
    default:
      return settings satisfies never;
  }
}
