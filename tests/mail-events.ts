// What the mail reader tells of a whole log that a test holds in memory.

import { type MailEvent, mailKinds } from "../src/core/event.ts";
import { createMailReader, type MailReaderOptions } from "../src/logs/mail/reader.ts";
import { Zone } from "../src/logs/zone.ts";

/** All events, of a log that comes in pieces of `chunk` bytes. */
export function eventsOf(log: Buffer, options: Partial<MailReaderOptions> = {}, chunk = 1024 * 1024): MailEvent[] {
  const reader = createMailReader({ year: 2026, zone: Zone.parse("UTC"), kinds: mailKinds, now: () => 0, ...options });
  const events: MailEvent[] = [];
  const emit = (event: MailEvent) => void events.push(event);
  for (let at = 0; at < log.length; at += chunk) reader.see(log.subarray(at, at + chunk), emit);
  reader.end(emit);
  return events;
}
