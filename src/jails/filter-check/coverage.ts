// Does a filter find what it is meant for, in the form that this Postfix and Dovecot write it?

import { FilterEngine } from "../fail2ban/filter-engine.ts";
import type { FilterDefinition } from "../fail2ban/filter-reader.ts";
import { GuardedFilter } from "../filter.ts";
import { type EventForm, type KnownEvent, knownEvents } from "./known-events.ts";
import { fillShape, lineShapes } from "./line-shapes.ts";

export interface Coverage {
  readonly event: KnownEvent;
  readonly found: readonly EventForm[];
  readonly missed: readonly EventForm[];
}

const lineTimeoutMs = 1_000;

/** For each event that the filter is meant for: which of its forms it finds. `version` is Postfix's, the newest without it. */
export function findCoverage(definition: FilterDefinition, version?: string): readonly Coverage[] {
  const finds = makeFinder(definition);
  const numbers = version === undefined ? undefined : version.split(/[.-]/).map(Number).filter(Number.isFinite);
  return knownEvents.flatMap((event) => {
    const forms = event.forms.filter((form) => numbers === undefined || (form.writtenBy?.(numbers) ?? true));
    const found = forms.filter((form) => finds(form.line));
    const meant = found.length > 0 || [...event.earlier, ...event.forms.map((form) => form.line)].some(finds);
    return meant ? [{ event, found, missed: forms.filter((form) => !found.includes(form)) }] : [];
  });
}

/** True when the filter finds something in the lines of Postfix or Dovecot, or names them. */
export function isAboutMail(definition: FilterDefinition): boolean {
  const words = /postfix|dovecot|smtpd|sasl|rcpt|imap|pop3/i;
  if ([definition.name, definition.prefregex, ...definition.failregex].some((text) => words.test(text))) return true;
  const finds = makeFinder(definition);
  const lines = lineShapes.flatMap((shape) => fillShape(shape) ?? []);
  return lines.some(finds) || findCoverage(definition).length > 0;
}

/** Each line with a filter of its own: what a connection said before counts for nothing. */
function makeFinder(definition: FilterDefinition): (line: string) => boolean {
  return (line) => {
    const dated = line.startsWith("Nov ") ? line : `Nov 24 02:47:05 ${line}`;
    const engine = new FilterEngine(definition, { now: () => Date.UTC(2026, 10, 24, 2, 47, 5) });
    return new GuardedFilter(engine, lineTimeoutMs).see(dated).kind === "failure";
  };
}
