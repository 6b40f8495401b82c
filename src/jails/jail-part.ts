// The jails in the logs thread: lines and mail events become tickets, which their owner writes as bans in the transaction of the place.

import { Accounts } from "../core/account.ts";
import { defaultMailKinds, type MailEvent } from "../core/event.ts";
import { type Ip, parseNetwork } from "../core/ip.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { LogPart, SeenLines } from "../core/log-part.ts";
import { readFail2ban } from "./fail2ban-config.ts";
import { Fail2banJails } from "./fail2ban-jails.ts";
import { FailureBudget } from "./failure-budget.ts";
import type { Jail } from "./jail.ts";
import type {
  FailingId,
  FailuresWrite,
  JailReport,
  JailsQuestion,
  JailsReport,
  JailsStart,
  JailsWrite,
} from "./jail-words.ts";
import { Leaks } from "./leaks.ts";
import { LineMemory } from "./line-memory.ts";
import { machine } from "./machine.ts";
import { OwnJails } from "./own-jails.ts";
import { TrustedAddresses } from "./trusted-addresses.ts";

/** As Fail2ban: a line in operation that is later than this counts as written now. */
const lateMs = 60_000;
/** No zone is further away: what is older than that is no wrong clock, but an old log. */
const wrongClockMsMax = 26 * 3_600_000;
/** Failing ids that one question may ask for. */
const failingShownMax = 500;

export class JailPart implements LogPart<JailsWrite> {
  readonly kinds = defaultMailKinds;
  readonly #lines = new LineMemory();
  readonly #trusted: TrustedAddresses;
  readonly #own: OwnJails;
  readonly #fail2ban: Fail2banJails;
  readonly #problems: readonly string[];
  readonly #leaks = new Leaks();
  #now: number;

  constructor(start: JailsStart) {
    this.#now = start.now;
    this.#trusted = new TrustedAddresses(start.trusted);
    const isTrusted = (address: Ip) => this.#trusted.has(address, this.#now);
    const { jails: definitions, problems } = readFail2ban(start.fail2ban.directory);
    const budget = new FailureBudget(start.failingMax);
    this.#problems = problems.map(({ line }) => line);
    const { defaultDomain, aliases } = start.accounts;
    const accounts = new Accounts({ defaultDomain, aliases });
    this.#own = new OwnJails({
      settings: start.own,
      mildness: start.mildness,
      canonical: (login) => accounts.canonical(login),
      isTrusted,
      lines: this.#lines,
      quotaTexts: start.quotaTexts,
      budget,
    });
    this.#fail2ban = new Fail2banJails({
      ...{ definitions, method: start.fail2ban.method, lines: this.#lines, isTrusted, timeOf, budget },
      now: () => this.#now,
      outside: machine,
    });
    for (const login of start.logins) this.#own.restoreLogin(login);
    for (const ban of start.bans) this.#leaks.add(ban, start.now);
    this.#restore(start.failures, start.now);
  }

  see({ batch, events, refused }: SeenLines): readonly JailsWrite[] {
    this.#now = batch.readAt;
    const writes: JailsWrite[] = [];
    this.#seeEvents(batch, events, refused, writes);
    if (!batch.isReplay)
      for (const ticket of this.#fail2ban.see(batch, events)) writes.push({ kind: "ticket", ticket });
    this.#lines.endPiece();
    for (const recorded of this.#recorded()) writes.push(recorded);
    return writes;
  }

  #seeEvents(batch: LineBatch, events: readonly MailEvent[], refused: readonly number[], writes: JailsWrite[]): void {
    for (let i = 0; i < events.length; i++) {
      const event = events[i];
      // Nobody to be banned for it, or to be known by it.
      if (event !== undefined && event.ip !== null) this.#seeEvent(batch, event, refused[i] ?? 0, writes);
    }
  }

  #seeEvent(batch: LineBatch, event: MailEvent, refused: number, writes: JailsWrite[]): void {
    const now = batch.readAt;
    const at = timeOf(event.at, now, batch.isLive);
    const { tickets, login } = batch.isReplay
      ? this.#own.learn(event, at)
      : this.#own.see(event, refused, at, now, batch);
    for (const ticket of tickets) writes.push({ kind: "ticket", ticket });
    if (login !== undefined) writes.push({ kind: "login", login });
    const leak = batch.isReplay ? undefined : this.#leaks.see(event, at, now);
    if (leak !== undefined) writes.push({ kind: "leak", leak });
  }

  isUrgent({ kind }: JailsWrite): boolean {
    return kind === "ticket";
  }

  due(now: number): readonly JailsWrite[] {
    this.#now = now;
    return this.#fail2ban.due(now).map((ticket) => ({ kind: "ticket", ticket }));
  }

  report(): JailsReport {
    const own = this.#own.jails.map((jail) => reportOf(jail, "own", []));
    const imported = this.#fail2ban.jails.map((jail) =>
      reportOf(jail, "fail2ban", this.#fail2ban.troublesOf(jail.setting.name)),
    );
    const { softened } = this.#own;
    return { jails: [...own, ...imported], softened, leaks: this.#leaks.report(), problems: this.#problems };
  }

  answer(question: JailsQuestion): readonly FailingId[] | undefined {
    switch (question.kind) {
      case "trust":
        this.#trusted.use(question.trusted);
        return undefined;
      case "quota-texts":
        this.#own.useQuotaTexts(question.texts);
        return undefined;
      case "bans":
        this.#takeBans(question);
        return undefined;
      case "failing":
        return this.#failing(question.jail, Math.min(question.limit, failingShownMax));
      default:
        return question satisfies never;
    }
  }

  get #jails(): readonly Jail[] {
    return [...this.#own.jails, ...this.#fail2ban.jails];
  }

  #takeBans({ added, removed, forgiven }: Extract<JailsQuestion, { kind: "bans" }>): void {
    for (const ban of removed) this.#leaks.remove(ban);
    for (const ban of added) this.#leaks.add(ban, this.#now);
    for (const { network: text, jail: name } of forgiven) {
      const network = parseNetwork(text);
      if (network === undefined) continue;
      for (const jail of this.#jails) if (name === undefined || name === jail.setting.name) jail.forgive(network);
    }
  }

  #failing(name: string, limit: number): readonly FailingId[] {
    const jails = this.#jails.filter(({ setting }) => setting.name === name);
    return jails
      .flatMap((jail) => jail.lastFailing(limit).map(([id, count, at]) => ({ id, count, at })))
      .slice(0, limit);
  }

  #recorded(): readonly FailuresWrite[] {
    return this.#jails.flatMap((jail) => {
      const failures = jail.takeRecorded();
      if (failures.length === 0) return [];
      const { name, findtimeMs } = jail.setting;
      const until = failures.reduce((latest, [, at]) => Math.max(latest, at), 0) + findtimeMs;
      return [{ kind: "failures", jail: name, failures, until }];
    });
  }

  #restore(saved: readonly FailuresWrite[], now: number): void {
    const byName = new Map(this.#jails.map((jail) => [jail.setting.name, jail]));
    for (const { jail, failures } of saved) for (const failure of failures) byName.get(jail)?.restore(failure, now);
  }
}

/** When something counts as having happened. While old lines are caught up with, what their stamps say; never in the future. */
function timeOf(at: number, now: number, isLive: boolean): number {
  if (at > now) return now;
  const late = now - at;
  return isLive && late > lateMs && late < wrongClockMsMax ? now : at;
}

function reportOf(jail: Jail, origin: JailReport["origin"], troubles: readonly string[]): JailReport {
  const { setting, failing, counts, lastBan } = jail;
  return { name: setting.name, origin, setting, failing, counts: { ...counts }, lastBan, troubles };
}
