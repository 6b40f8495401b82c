// Programs: which daemon a header's program name means. Names come from master.cf, syslog_name and instance_name, so they
// vary from site to site; each is looked at once.

/** What a program's lines can say. `postfix`: RFC 5424 headers that lost the daemon behind the slash. */
export type Daemon =
  | "other"
  | "smtpd"
  | "postscreen"
  | "cleanup"
  | "qmgr"
  | "delivery"
  | "postfix"
  | "dovecot"
  | "dovecot-service";

export interface Program {
  readonly daemon: Daemon;
  /** `submission` of postfix/submission/smtpd, otherwise the last part of the name. */
  readonly service: string;
}

const daemons = new Map<string, Daemon>([
  ["smtpd", "smtpd"],
  ["postscreen", "postscreen"],
  ["cleanup", "cleanup"],
  ["qmgr", "qmgr"],
  ["nqmgr", "qmgr"],
  ["oqmgr", "qmgr"],
  ["smtp", "delivery"],
  ["lmtp", "delivery"],
  ["local", "delivery"],
  ["virtual", "delivery"],
  ["pipe", "delivery"],
  ["error", "delivery"],
  ["retry", "delivery"],
  ["discard", "delivery"],
]);

/** A path, a query or whatever else stands where a name should is no name. Bytes above ASCII may be of any alphabet. */
const nameForm = /^[\w.@:+()\x80-\uffff-]+(?:\/[\w.@:+\x80-\uffff-]+)*$/;

/** The program of this name. */
export function parseProgram(name: string): Program {
  if (name === "") return { daemon: "dovecot", service: "dovecot" };
  if (!nameForm.test(name)) return { daemon: "other", service: name };
  const parts = name.split("/");
  const last = parts.at(-1) ?? "";
  const daemon = daemons.get(/^[a-z]+/.exec(last)?.[0] ?? "");
  if (daemon !== undefined && (parts.length > 1 || last === "smtpd" || last === "postscreen")) {
    return { daemon, service: parts.length > 2 ? (parts.at(-2) ?? last) : last };
  }
  if (parts.length > 1) return { daemon: "other", service: last };
  if (/^dovecot(?!-auth$)/.test(name)) return { daemon: "dovecot", service: "dovecot" };
  if (/^(?:[a-z0-9-]+-login|(?:dovecot-)?auth(?:-worker)?(?:\([^()]*\))?)$/.test(name))
    return { daemon: "dovecot-service", service: name };
  return /^postfix(?:(?:@[\w.\\-]*)?\.service|-[\w.]+)?$/.test(name)
    ? { daemon: "postfix", service: "postfix" }
    : { daemon: "other", service: name };
}

/** Names that are remembered; more than a log has, and a hostile one only costs time. */
const namesMax = 1024;

interface Known {
  readonly bytes: Buffer;
  readonly program: Program;
}

/** Remembers programs by the bytes of their names, so that a known one costs no string. */
export class ProgramTable {
  #known = new Map<number, Known>();

  find(bytes: Buffer, start: number, end: number): Program {
    let hash = 0;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0;
    const known = this.#known.get(hash);
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.program;
    const program = parseProgram(bytes.toString("latin1", start, end));
    if (this.#known.size >= namesMax) this.#known = new Map();
    this.#known.set(hash, { bytes: Buffer.from(bytes.subarray(start, end)), program });
    return program;
  }
}

function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
