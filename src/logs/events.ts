// Events of files: what `log events` and `accounts scan` read. Files are read one after another as one log; an event is
// handed on at once and kept by nobody, and whoever takes them sets the pace.

import type { MailEvent } from "../core/event.ts";
import { readLogBytes, type Warn } from "./archive.ts";
import { createMailReader, type MailReaderOptions } from "./mail/reader.ts";

/** Takes the events of files. */
export interface EventConsumer {
  /** One event; `path` is the file as it was named. */
  see(event: MailEvent, path: string): void;
  /** Called behind each chunk (1 MiB or less); the reading waits for it and ends when it says false. */
  pause(): Promise<boolean>;
}

export interface EventsOfFilesOptions extends MailReaderOptions {
  readonly warn: Warn;
}

/** Reads these files in order; a Problem when one cannot be read. Damage and overlong lines are told to `warn`. */
export async function readMailEvents(
  paths: readonly string[],
  options: EventsOfFilesOptions,
  consumer: EventConsumer,
): Promise<void> {
  const reader = createMailReader(options);
  let skipped = 0;
  for (const path of paths) {
    const emit = (event: MailEvent) => consumer.see(event, path);
    for await (const chunk of readLogBytes(path, options.warn)) {
      reader.see(chunk, emit);
      if (!(await consumer.pause())) return;
    }
    reader.end(emit);
    if (!(await consumer.pause())) return;
    if (reader.skipped > skipped) options.warn(`${path}: ${reader.skipped - skipped} lines were too long to be read`);
    skipped = reader.skipped;
  }
}
