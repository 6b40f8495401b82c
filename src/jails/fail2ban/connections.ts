// What the lines of one connection (`<F-MLFID>`) said so far: the address came in one, the user in another, the failure in a third.

import type { Fields } from "./fail-regex.ts";

/** As Fail2ban: beyond this the oldest connection is forgotten. */
const connectionsMax = 100;
const keepMs = 300_000;
/** One connection that never ends takes no more than this. */
const linesMax = 200;
const usersMax = 100;

export interface Gathered {
  readonly fields: Fields;
  users: Set<string> | undefined;
  matches: string[];
  nofailMatches: string[];
  nofail: boolean;
  gained: boolean;
  /** A failure waits for the line with the address. */
  pending: boolean;
}

interface Kept {
  readonly at: number;
  readonly data: Gathered;
}

export class Connections {
  readonly #kept = new Map<string, Kept>();

  /** Puts one matched line to what is known of its connection and gives all of it. */
  merge(id: string, fields: Fields, line: readonly string[], now: number): Gathered {
    const gained = Boolean(fields.get("mlfgained"));
    let quiet = gained || Boolean(fields.get("nofail"));
    const forget = Boolean(fields.get("mlfforget"));
    fields.delete("mlfforget");
    const known = this.#find(id, now);
    const data = known ?? begin(fields);
    addUser(data, fields.get("user"));
    if (known !== undefined) renew(known, fields, gained);
    if (forget) this.#kept.delete(id);
    else if (known === undefined) this.#keep(id, data, now);
    data.nofail = quiet;
    data.gained = gained;
    if (data.pending || (data.users !== undefined && data.users.size > 1)) {
      // Somebody who tries several names is no user who found his password.
      quiet = false;
      data.nofail = false;
      data.gained = false;
    }
    data.pending = false;
    if (!quiet) {
      data.matches = [...data.nofailMatches, ...data.matches, ...line].slice(-linesMax);
      data.nofailMatches = [];
    } else if (!forget) data.nofailMatches = [...data.nofailMatches, ...line].slice(-linesMax);
    return data;
  }

  #find(id: string, now: number): Gathered | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    if (now - kept.at <= keepMs) return kept.data;
    this.#kept.delete(id);
    return undefined;
  }

  #keep(id: string, data: Gathered, now: number): void {
    if (this.#kept.size >= connectionsMax) {
      const oldest = this.#kept.keys().next().value;
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#kept.set(id, { at: now, data });
  }
}

function begin(fields: Fields): Gathered {
  return {
    fields: new Map(fields),
    users: undefined,
    matches: [],
    nofailMatches: [],
    nofail: false,
    gained: false,
    pending: false,
  };
}

function addUser(data: Gathered, user: string | readonly string[] | undefined): void {
  if (user === undefined || user.length === 0) return;
  data.users ??= new Set();
  if (data.users.size < usersMax) data.users.add(String(user));
}

function renew(data: Gathered, fields: Fields, gained: boolean): void {
  const wasQuiet = data.nofail || data.gained;
  if (gained) data.pending = false;
  // Lines that were given out with a failure are not given out again.
  if (!wasQuiet && !data.pending) data.matches = [];
  data.fields.delete("nofail");
  data.fields.delete("mlfgained");
  for (const [name, value] of fields) data.fields.set(name, value);
}
