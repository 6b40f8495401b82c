// A whole daemon with jails over a log that the test writes, and what it has banned.

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { until } from "../until.ts";
import { DaemonChild } from "./daemon.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-jails-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

/** `wrap` of a daemon in a network of its own: loopback, and nobody else. */
export const ownNetwork = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] as const;

/** A folder that goes with the test's process. */
export function testFolder(): string {
  return mkdtempSync(join(root, "l-"));
}

/** A line of this moment, as rsyslog writes it. */
export function line(message: string, at = Date.now()): string {
  return `${new Date(at).toISOString().replace("Z", "+00:00")} mx1 ${message}\n`;
}

/** A wrong password. */
export function refused(ip: string, user: string, at = Date.now()): string {
  const text = `SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=${user}`;
  return line(`postfix/submission/smtpd[7]: warning: unknown[${ip}]: ${text}`, at);
}

/** A good one. */
export function loggedIn(ip: string, user: string): string {
  return line(`postfix/submission/smtpd[7]: 4ABCD: client=unknown[${ip}], sasl_method=PLAIN, sasl_username=${user}`);
}

export interface BanRow {
  readonly address: string;
  readonly jail: string;
  readonly enforce: number;
  readonly reason: string;
}

export interface JailDaemonOptions {
  /** Lines of `[jails]`. */
  readonly jails?: string;
  readonly rules?: string;
  /** Sections before `[jails]`. */
  readonly sections?: string;
  readonly wrap?: readonly string[];
}

export class JailDaemon implements AsyncDisposable {
  readonly daemon: DaemonChild;
  /** The log that it follows. */
  readonly path: string;
  #witnesses = 0;

  private constructor(daemon: DaemonChild, path: string) {
    this.daemon = daemon;
    this.path = path;
  }

  static async start({
    jails = "",
    rules = "",
    sections = "",
    wrap = [],
  }: JailDaemonOptions = {}): Promise<JailDaemon> {
    const path = join(testFolder(), "mail.log");
    writeFileSync(path, "");
    const all = `${sections}\n[[logs]]\npath = "${path}"\n[jails]\n${jails}`;
    return new JailDaemon(await DaemonChild.start({ rules, sections: all, wrap }), path);
  }

  bans(): readonly BanRow[] {
    return this.query("select address, jail, enforce, reason from bans order by address, jail") as never;
  }

  /** `192.0.2.7 wrong-password`, by address. */
  get banned(): readonly string[] {
    return this.bans().map(({ address, jail }) => `${address} ${jail}`);
  }

  /** Rows as they stand on disk. */
  query(sql: string): readonly unknown[] {
    const db = new DatabaseSync(this.daemon.storeFile, { readOnly: true });
    const rows = db.prepare(sql).all();
    db.close();
    return rows;
  }

  write(...lines: readonly (string | Uint8Array)[]): void {
    appendFileSync(this.path, Buffer.concat(lines.map((one) => Buffer.from(one))));
  }

  /** Writes lines, then some that ban a witness: when he has his row, everything before was counted. */
  async settle(...lines: readonly (string | Uint8Array)[]): Promise<void> {
    this.write(...lines);
    const witness = `203.0.${113 + (this.#witnesses >> 6)}.${(this.#witnesses & 63) * 4 + 1}`;
    this.#witnesses++;
    for (let i = 0; i < 4; i++) this.write(refused(witness, `witness${i}@example.org`));
    try {
      await until(`the witness ${witness} is banned`, () => this.banned.includes(`${witness} wrong-password`));
    } catch (cause) {
      throw new Error(`no witness: ${this.daemon.log.slice(-4_000)}`, { cause });
    }
  }

  /** Bans of nobody's witness. */
  get others(): readonly string[] {
    return this.banned.filter((row) => !/^203\.0\.11\d\./.test(row));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

interface ListedJail {
  readonly name: string;
  readonly troubles: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

/** `jail list --json`. */
interface JailList {
  readonly jails: readonly ListedJail[];
  readonly problems: readonly string[];
}

/** The list of jails, once it is as the test waits for: the thread reports each second. */
export async function listed(
  daemon: DaemonChild,
  what: string,
  isThere: (jails: readonly ListedJail[]) => boolean,
): Promise<JailList> {
  let list: JailList = { jails: [], problems: [] };
  await until(what, async () => {
    list = JSON.parse((await daemon.command("jail", "list", "--json")).stdout);
    return isThere(list.jails);
  });
  return list;
}

/** A directory with a main.cf that says who may relay. */
export function postfixDirectory(mynetworks: string): string {
  const directory = join(testFolder(), "postfix");
  mkdirSync(directory);
  writeFileSync(join(directory, "main.cf"), `mynetworks = ${mynetworks}\n`);
  writeFileSync(join(directory, "master.cf"), "");
  return directory;
}
