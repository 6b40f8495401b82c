// A line of the journal (`journalctl -o json`) as Fail2ban's filters expect it: `host ident[pid]: message`, and its fields.

export interface JournalLine {
  readonly text: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly fields: ReadonlyMap<string, string>;
}

/** undefined when the line is none. */
export function parseJournalLine(line: string): JournalLine | undefined {
  const entry = parseObject(line);
  if (entry === undefined) return undefined;
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(entry)) if (typeof value === "string") fields.set(name, value);
  const at = Number(fields.get("_SOURCE_REALTIME_TIMESTAMP") ?? fields.get("__REALTIME_TIMESTAMP")) / 1000;
  const message = messageOf(entry["MESSAGE"]);
  if (!Number.isFinite(at) || message === undefined) return undefined;
  const ident = fields.get("SYSLOG_IDENTIFIER") ?? fields.get("_COMM") ?? "";
  const pid = fields.get("SYSLOG_PID") ?? fields.get("_PID");
  const head = `${fields.get("_HOSTNAME") ?? ""} ${ident}${pid === undefined ? "" : `[${pid}]`}`;
  return { text: `${head}: ${message.replaceAll("\n", "\\n")}`, at, fields };
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Text, or the numbers of bytes that are no text. */
function messageOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || value.some((one) => typeof one !== "number")) return undefined;
  return Buffer.from(value as number[]).toString("utf8");
}

/** `journalmatch`: lines are alternatives, and so is what `+` separates; of one field any value fits, of several fields all. */
export function fitsJournalMatch(match: readonly (readonly string[])[], fields: JournalLine["fields"]): boolean {
  if (match.length === 0) return true;
  return match.some((words) => alternativesIn(words).some((group) => fitsAll(group, fields)));
}

function alternativesIn(words: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [[]];
  for (const word of words) {
    if (word === "+") groups.push([]);
    else groups.at(-1)?.push(word);
  }
  return groups;
}

function fitsAll(words: readonly string[], fields: JournalLine["fields"]): boolean {
  const byField = Map.groupBy(words, (word) => word.slice(0, Math.max(0, word.indexOf("="))));
  return [...byField].every(([field, own]) => own.some((word) => fields.get(field) === word.slice(field.length + 1)));
}
