// Programs: which daemon a header's program name means. Names come from master.cf, syslog_name and instance_name, so they
// vary from site to site; each is looked at once.

/** What a program's lines can say. `postfix`: RFC 5424 headers that lost the daemon behind the slash. */
export type Daemon = PostfixDaemon | "dovecot" | "dovecot-service" | "other";
export type PostfixDaemon = "smtpd" | "postscreen" | "cleanup" | "qmgr" | "delivery" | "postfix";

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
/** Places for names that are found by their bytes; a power of two. */
const placesMax = 256;

interface Known {
  readonly bytes: Buffer;
  readonly program: Program;
}

/** Remembers programs by the bytes of their names, so that a known one costs no string. */
export class ProgramTable {
  readonly #places: (Known | undefined)[] = new Array<undefined>(placesMax).fill(undefined);
  /** All that were found, for two that want one place. */
  #names = new Map<string, Known>();

  find(bytes: Buffer, start: number, end: number): Program {
    const length = end - start;
    const place =
      length < 2
        ? length
        : (59 * length + (bytes[start] ?? 0) + 7 * (bytes[end - 1] ?? 0) + 31 * (bytes[end - 2] ?? 0)) % placesMax;
    const known = this.#places[place];
    if (known !== undefined && isSame(known.bytes, bytes, start, length)) return known.program;
    return this.#learn(bytes, start, end, place);
  }

  #learn(bytes: Buffer, start: number, end: number, place: number): Program {
    const name = bytes.toString("latin1", start, end);
    let known = this.#names.get(name);
    if (known === undefined) {
      if (this.#names.size >= namesMax) this.#names = new Map();
      known = { bytes: Buffer.from(bytes.subarray(start, end)), program: parseProgram(name) };
      this.#names.set(name, known);
    }
    this.#places[place] = known;
    return known.program;
  }
}

function isSame(known: Buffer, bytes: Buffer, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
