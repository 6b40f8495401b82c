// Events of files: what `log events` and `accounts scan` read. Files are read one after another as one log, in batches, so
// that whoever takes the events sets the pace.

import type { MailEvent } from "../core/event.ts";
import { readLogBytes, type Warn } from "./archive.ts";
import { createMailReader, type MailReaderOptions } from "./mail/reader.ts";

export interface EventsOfFilesOptions extends MailReaderOptions {
  readonly warn: Warn;
}

/** The events of one chunk of one file; `path` is the file as it was named. */
export interface EventBatch {
  readonly path: string;
  readonly events: readonly MailEvent[];
}

/** The events of these files in order, a batch for each chunk that has any. A Problem when a file cannot be read. */
export async function* readMailEvents(
  paths: readonly string[],
  options: EventsOfFilesOptions,
): AsyncGenerator<EventBatch> {
  const reader = createMailReader(options);
  let skipped = 0;
  for (const path of paths) {
    let events: MailEvent[] = [];
    const emit = (event: MailEvent) => events.push(event);
    for await (const chunk of readLogBytes(path, options.warn)) {
      reader.see(chunk, emit);
      if (events.length > 0) yield { path, events };
      events = [];
    }
    reader.end(emit);
    if (events.length > 0) yield { path, events };
    if (reader.skipped > skipped) options.warn(`${path}: ${reader.skipped - skipped} lines were too long to be read`);
    skipped = reader.skipped;
  }
}
