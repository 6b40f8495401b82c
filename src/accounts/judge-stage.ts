// A small world for the judge's tests: sixty networks in twenty countries, real tables with made-up ranges, and days that pass.

import { Accounts } from "../core/account.ts";
import { draftMailEvent, type MailEvent } from "../core/event.ts";
import { AsnTable, packAsnTable } from "../networks/asn-table.ts";
import { NetworkBook } from "../networks/network-book.ts";
import { systemsOfTable } from "../networks/system-source.ts";
import type { Level } from "./account-history.ts";
import { Judge, type LevelChange } from "./judge.ts";
import { defaultJudgeSettings, type JudgeSettings } from "./judge-settings.ts";

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
const start = Date.UTC(2026, 0, 5, 8);
const countryCodes = "UA PL DE FR IT ES GB NL CZ AT VN IN BR ID CN TH MX AR NG ZA".split(" ");

/** Kinds of networks of the stage, by the second part of the address `20.N.x.y`. */
export const home = 0;
export const otherHome = (n: number): number => n * 20;
export const hosting = 200;
export const satellite = 201;
export const mailCloud = 202;

/** An address in network `n`; networks 0, 20, 40 … are in UA, 1, 21 … in PL and so on through twenty countries. */
export function addressIn(n: number, host = 1): string {
  return `20.${n}.${(host >> 8) & 255}.${host & 255}`;
}

export class JudgeStage {
  readonly judge: Judge;
  readonly changes: LevelChange[] = [];
  now = start;
  #ids = 0;

  constructor(settings: Partial<JudgeSettings> = {}) {
    this.judge = new Judge({
      settings: { ...defaultJudgeSettings, ...settings },
      accounts: new Accounts({ defaultDomain: "poshta.example", aliases: [] }),
      networks: stageBook(),
      onChange: (change) => void this.changes.push(change),
    });
  }

  /** Sends one message: the login, the queue's line, `bounced` of the recipients come back. Takes a minute. */
  send(
    user: string,
    ip: string,
    mail: { recipients?: number; bounced?: number; size?: number; method?: string; sender?: string } = {},
  ): void {
    const queueId = `Q${this.#ids++}`;
    this.#see({ kind: "login", ip, user, queueId, method: mail.method ?? "PLAIN", service: "submission" });
    const size = mail.size ?? 1_000 + ((this.#ids * 7_919) % 90_000);
    this.#see({
      kind: "queued",
      queueId,
      recipients: mail.recipients ?? 1,
      sizeBytes: size,
      sender: mail.sender ?? user,
    });
    for (let i = 0; i < (mail.bounced ?? 0); i++)
      this.#see({ kind: "bounced", queueId, recipient: `x${i}@there.example` });
    this.now += 60_000;
  }

  fail(user: string, ip: string): void {
    this.#see({ kind: "auth_failure", ip, user });
    this.now += 1_000;
  }

  /** Twelve quiet days of `user` at home, so that home is familiar. */
  settle(user: string, ip = addressIn(home)): void {
    for (let day = 0; day < 12; day++) {
      this.send(user, ip);
      this.send(user, ip);
      this.now += dayMs;
    }
  }

  /** Twelve quiet days of some accounts at once: networks and countries of a whole site. */
  settleAll(users: readonly string[], network = home): void {
    for (let day = 0; day < 12; day++) {
      for (const [index, user] of users.entries()) this.send(user, addressIn(network, 10 + index));
      this.now += dayMs - users.length * 60_000;
    }
  }

  /** The highest level that the account reached. */
  highest(account: string): Level {
    const order: readonly Level[] = ["calm", "notice", "watch", "high"];
    const reached = this.changes
      .filter((change) => change.account === account)
      .map((change) => order.indexOf(change.level));
    return order[Math.max(0, ...reached)] ?? "calm";
  }

  #see(parts: Partial<MailEvent> & { readonly kind: MailEvent["kind"] }): void {
    this.judge.see({ ...draftMailEvent(parts.kind, "postfix", "submission"), at: this.now, ...parts });
  }
}

export function stageBook(): NetworkBook {
  const base = 20 * 2 ** 24;
  const v4: [number, number, number][] = [];
  for (let n = 0; n < 200; n++) v4.push([base + n * 65_536, base + n * 65_536 + 65_535, 64_500 + n]);
  const special = new Map([
    [hosting, 24_940],
    [satellite, 14_593],
    [mailCloud, 15_169],
  ]);
  for (const [n, asn] of special) v4.push([base + n * 65_536, base + n * 65_536 + 65_535, asn]);
  for (let n = 210; n < 216; n++) v4.push([base + n * 65_536, base + n * 65_536 + 65_535, 9_000 + n]);
  const asns = AsnTable.parse(
    packAsnTable({
      v4,
      v6: [[0x2a00_0000, 0, 0x2a00_ffff, 0xffff_ffff, 64_500]],
      names: new Map([[64_500, "Home Net"]]),
    }),
  );
  if (asns === undefined) throw new Error("the stage's table is damaged");
  return new NetworkBook({
    systems: systemsOfTable(asns),
    overrides: [],
    countries: {
      find: (ip) => (ip.includes(":") ? "UA" : countryCodes[Number(ip.split(".")[1]) % countryCodes.length]),
    },
    lists: {
      asOf: "2026-01-01",
      hosting: new Set([24_940, 9_210, 9_211, 9_212, 9_213, 9_214, 9_215]),
      mailCloud: new Set([15_169]),
      satellite: new Set([14_593]),
    },
  });
}
