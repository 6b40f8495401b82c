// The jails' half in the main thread: what they start from, and the rows of what they found, written in the transaction of the place.

import type { Transaction } from "kysely";
import type { Config } from "../config/config.ts";
import type { Ban, TrustCheck, WantedBan } from "../core/ban.ts";
import type { Clock } from "../core/clock.ts";
import { parseNetwork, printNetwork } from "../core/ip.ts";
import type { Log } from "../core/log.ts";
import type { LogPartOwner } from "../core/log-part.ts";
import type { Notice } from "../core/notice.ts";
import { messageOf } from "../core/problem.ts";
import { countPriorBans, lastBanChange, readAllBans, readBanChanges } from "../store/ban-list.ts";
import { addBans, type BanOutcome } from "../store/bans.ts";
import type { Fact, Store } from "../store/db.ts";
import { addFailures, FailureNumbers, lastFailure, pruneFailures, readFailures } from "../store/failures.ts";
import { pruneGoodLogins, readGoodLogins, saveGoodLogins } from "../store/good-logins.ts";
import { addNotices } from "../store/notices.ts";
import { readRules } from "../store/policies.ts";
import type { Tables } from "../store/tables.ts";
import { nextBanSeconds } from "./fail2ban/ban-growth.ts";
import type { JailDefinition } from "./fail2ban/jail-reader.ts";
import { type JailFacts, ownSettingsOf, settingsOf } from "./fail2ban-client/jail-facts.ts";
import { missingLogs, readFail2ban } from "./fail2ban-config.ts";
import { fitsGlob } from "./glob.ts";
import { heldBans } from "./held-bans.ts";
import type { JailSetting, RecordedFailure } from "./jail.ts";
import { fail2banBans, type JailBan, ownJailBans } from "./jail-bans.ts";
import {
  type FailingId,
  type FailuresWrite,
  type JailsQuestion,
  type JailsStart,
  type JailsWrite,
  jailsPart,
  type Leak,
  type StandingBan,
  standingBan,
  type TrustedText,
} from "./jail-words.ts";
import { namedJail } from "./own-jails.ts";
import { mildnessOf, ownJailSettings } from "./own-settings.ts";
import { printEvidence, type Ticket } from "./ticket.ts";

/** What is trusted, as somebody else keeps it. */
export interface TrustSource {
  readonly check: TrustCheck;
  texts(): readonly TrustedText[];
}

type FoundListener = (jail: string, failures: readonly { readonly address: string; readonly at: number }[]) => void;

export interface JailOwnerOptions {
  readonly config: Pick<Config, "jails" | "node" | "accounts">;
  readonly aliases: readonly { readonly alias: string; readonly account: string }[];
  readonly store: Store;
  readonly trust: TrustSource;
  readonly clock: Clock;
  readonly log: Log;
}

export class JailOwner implements LogPartOwner<Transaction<Tables>> {
  readonly name = jailsPart;
  readonly #options: JailOwnerOptions;
  readonly #own: readonly JailSetting[];
  readonly #definitions: readonly JailDefinition[];
  readonly #bans: ReadonlyMap<string, JailBan>;
  readonly #isHeld: (ban: Ban) => boolean;
  #found: FoundListener = () => {};
  #ask: (question: JailsQuestion) => Promise<unknown> = async () => {};
  /** Changes of bans that the part knows. */
  #seq = 0;
  #numbers = new FailureNumbers(0);
  #outcomes: readonly BanOutcome[] = [];
  #telling: Promise<void> = Promise.resolve();

  constructor(options: JailOwnerOptions) {
    this.#options = options;
    this.#own = ownJailSettings(options.config.jails);
    this.#definitions = readFail2ban(options.config.jails.fail2ban).jails;
    const { jails } = options.config;
    this.#bans = new Map([...ownJailBans(jails), ...fail2banBans(jails, this.#definitions)]);
    this.#isHeld = heldBans(jails, this.#definitions);
  }

  /** `[[logs]]` with what Fail2ban's jails read and nobody follows. */
  withLogs<Log extends { readonly kind: string; readonly path?: string }>(logs: readonly Log[]) {
    return [...logs, ...missingLogs(this.#definitions, logs)];
  }

  /** How to reach the part, once the thread is there. */
  use(ask: (question: JailsQuestion) => Promise<unknown>): void {
    this.#ask = ask;
  }

  /** Who hears of every failure, once it is on disk. */
  onFound(listener: FoundListener): void {
    this.#found = listener;
  }

  /** True of a jail whose bans grow with those before. */
  grows(jail: string): boolean {
    return this.#bans.get(jail)?.growth !== undefined;
  }

  /** Who fails just now in a jail. */
  async failing(jail: string, limit: number): Promise<readonly FailingId[]> {
    return (await this.#ask({ kind: "failing", jail, limit })) as readonly FailingId[];
  }

  /** A jail in the words of Fail2ban; of `files`, those that it reads. */
  client(name: string, files: readonly string[]): Pick<JailFacts, "settings" | "files"> {
    const definition = this.#definitions.find((one) => one.name === name);
    if (definition !== undefined) {
      const isRead = (file: string) => definition.logpaths.some(({ glob }) => fitsGlob(glob, file));
      return { settings: settingsOf(definition), files: files.filter(isRead) };
    }
    const own = this.#own.find((one) => one.name === name);
    if (own === undefined) throw new Error(`the jail ${name} has no settings`);
    return { settings: ownSettingsOf(own), files };
  }

  async start(): Promise<JailsStart> {
    const { config, aliases, store, trust, clock } = this.#options;
    const now = clock.now();
    const mildness = mildnessOf(config.jails);
    this.#seq = await lastBanChange(store);
    this.#numbers = new FailureNumbers(await lastFailure(store, config.node.name));
    const bans: StandingBan[] = [];
    for await (const ban of readAllBans(store)) if (this.#isHeld(ban)) bans.push(standingBan(ban));
    return {
      now,
      own: this.#own,
      mildness,
      accounts: { defaultDomain: config.accounts.default_domain, aliases },
      quotaTexts: await this.#quotaTexts(),
      trusted: trust.texts(),
      failures: (await readFailures(store, config.node.name, now)).flatMap(parseFailures),
      logins: await readGoodLogins(store, now - mildness.keepMs),
      bans,
      failingMax: config.jails.failing_max,
      fail2ban: { directory: config.jails.fail2ban, method: config.jails.counting },
    };
  }

  async write(tx: Transaction<Tables>, writes: readonly unknown[]): Promise<void> {
    const { config, trust, clock } = this.#options;
    const now = clock.now();
    const own = writes as readonly JailsWrite[];
    const failures = ofKind(own, "failures").map(renderFailures);
    await addFailures(tx, config.node.name, failures, this.#numbers.take(failures.length, now));
    await saveGoodLogins(
      tx,
      ofKind(own, "login").map(({ login }) => login),
    );
    await addNotices(
      tx,
      ofKind(own, "leak").map(({ leak }) => leakNotice(leak, config.node.name)),
    );
    const tickets = ofKind(own, "ticket").map(({ ticket }) => ticket);
    const wanted = (await this.#grown(tx, tickets)).flatMap((ticket) => this.#wanted(ticket, now));
    this.#outcomes = wanted.length === 0 ? [] : await addBans(tx, wanted, { trust: trust.check, now });
  }

  written(writes: readonly unknown[]): void {
    for (const { leak } of ofKind(writes as readonly JailsWrite[], "leak")) {
      const { address, ban, jail, lines } = leak;
      this.#options.log.warn("jails.leak", { address, ban, jail, lines });
    }
    for (const { jail, failures } of ofKind(writes as readonly JailsWrite[], "failures"))
      this.#found(namedJail(jail), failures.flatMap(addressOf));
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    if (outcomes.length === 0) return;
    const { log, store } = this.#options;
    for (const one of outcomes) {
      if (one.outcome !== "trusted") continue;
      log.warn("jails.trusted", { jail: one.wanted.jail, reason: one.wanted.reason, why: one.why });
    }
    if (outcomes.every(({ outcome }) => outcome === "trusted")) return;
    store.changes.announce("bans").catch((error: unknown) => log.error("jails.not-told", { error: String(error) }));
  }

  /** Tells the part of a change of a fact, and resolves when it has taken it. In order, so that an unban is not overtaken. */
  async hear(fact: Fact): Promise<void> {
    this.#telling = this.#telling.then(() => this.#tell(fact)).catch((error: unknown) => this.#notTold(error));
    await this.#telling;
  }

  /** Forgets what counts no more; called now and then. */
  async prune(now: number): Promise<void> {
    await pruneFailures(this.#options.store, now);
    await pruneGoodLogins(this.#options.store, now - mildnessOf(this.#options.config.jails).keepMs);
  }

  async #tell(fact: Fact): Promise<void> {
    if (fact === "rules") await this.#ask({ kind: "quota-texts", texts: await this.#quotaTexts() });
    else if (fact === "trusts") await this.#ask({ kind: "trust", trusted: this.#options.trust.texts() });
    else if (fact === "bans") await this.#tellBans();
  }

  async #tellBans(): Promise<void> {
    const { seq, changes } = await readBanChanges(this.#options.store, this.#seq);
    this.#seq = seq;
    if (changes === undefined || changes.length === 0) return;
    const added = changes.flatMap(({ ban }) => (ban !== undefined && this.#isHeld(ban) ? [standingBan(ban)] : []));
    const gone = changes.filter(({ ban, jail }) => ban === undefined && jail !== "");
    const removed = gone.map(({ address, jail }) => ({ address: printNetwork(address), jail }));
    const forgiven = changes
      .filter(({ act }) => act === "removed")
      .map(({ address, jail }) => ({ network: printNetwork(address), jail: jail === "" ? undefined : jail }));
    await this.#ask({ kind: "bans", added, removed, forgiven });
  }

  #notTold(error: unknown): void {
    // The thread is starting: it reads the bans itself.
    this.#options.log.debug("jails.not-told", { error: messageOf(error) });
  }

  async #quotaTexts(): Promise<readonly string[]> {
    const { policies } = await readRules(this.#options.store);
    const quotas = policies.flatMap(({ quotas, accounting }) => [...quotas, ...accounting]);
    return [...new Set(quotas.map(({ text }) => text))].filter((text) => text !== "");
  }

  /** With the time that a jail gives to who was banned before. */
  async #grown(tx: Transaction<Tables>, tickets: readonly Ticket[]): Promise<readonly Ticket[]> {
    const grown: Ticket[] = [];
    for (const ticket of tickets) {
      const growth = this.#bans.get(ticket.jail)?.growth;
      const address = parseNetwork(ticket.id);
      if (growth === undefined || address === undefined || ticket.bantimeMs === undefined) {
        grown.push(ticket);
        continue;
      }
      const prior = await countPriorBans(tx, [address], growth.allJails ? undefined : ticket.jail);
      const count = prior.get(printNetwork(address))?.count ?? 0;
      const seconds = nextBanSeconds(growth, ticket.bantimeMs / 1000, count, Math.random());
      grown.push({ ...ticket, bantimeMs: Math.round(seconds * 1000) });
    }
    return grown;
  }

  #wanted(ticket: Ticket, now: number): WantedBan[] {
    const address = parseNetwork(ticket.id);
    const setting = this.#bans.get(ticket.jail);
    const until = ticket.bantimeMs === undefined ? undefined : ticket.at + ticket.bantimeMs;
    if (address === undefined || setting === undefined || (until !== undefined && until <= now)) return [];
    return [
      {
        address,
        jail: ticket.jail,
        from: ticket.at,
        until,
        reason: ticket.reason,
        origin: "jail",
        ports: setting.ports,
        enforce: setting.enforce,
        node: this.#options.config.node.name,
        evidence: printEvidence(ticket),
      },
    ];
  }
}

function ofKind<K extends JailsWrite["kind"]>(writes: readonly JailsWrite[], kind: K) {
  return writes.filter((write): write is Extract<JailsWrite, { kind: K }> => write.kind === kind);
}

/** What is counted for an account is counted for the address too. */
function addressOf([id, at]: RecordedFailure): { address: string; at: number }[] {
  return parseNetwork(id) === undefined ? [] : [{ address: id, at }];
}

function leakNotice({ address, ban, jail, since, lines, at }: Leak, node: string): Notice {
  const facts = { jail, address: ban, since: new Date(since).toISOString(), count: String(lines), node };
  return { kind: "ban_leak", severity: "critical", subject: address, at, facts };
}

function renderFailures({ jail, failures, until }: FailuresWrite) {
  return { jail, until, body: JSON.stringify(failures) };
}

function parseFailures(saved: { jail: string; body: string; until: number }): FailuresWrite[] {
  try {
    const failures = JSON.parse(saved.body) as FailuresWrite["failures"];
    return Array.isArray(failures) ? [{ kind: "failures", jail: saved.jail, failures, until: saved.until }] : [];
  } catch {
    return [];
  }
}
