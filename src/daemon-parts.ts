// How the daemon's parts are made of the configuration and of each other. daemon.ts says which there are, and in what order they start.

import { AccountsOwner } from "./accounts/accounts-owner.ts";
import { readAccountsSettings } from "./accounts/accounts-settings.ts";
import { askedLogin } from "./accounts/asked-login.ts";
import { ContainmentKeeper } from "./accounts/contain/containment-keeper.ts";
import { HostSteps } from "./accounts/contain/host-steps.ts";
import { LiveSessions } from "./accounts/contain/live-sessions.ts";
import { NodeOrders } from "./accounts/contain/node-orders.ts";
import { readQueueIds } from "./accounts/contain/postfix-queue.ts";
import { WatchLevels } from "./accounts/watch-levels.ts";
import { authPolicyParts } from "./api/auth-policy-parts.ts";
import { addBanGauges } from "./api/ban-gauges.ts";
import { addDaemonGauges } from "./api/daemon-gauges.ts";
import { addJailGauges } from "./api/jail-gauges.ts";
import { addLogGauges } from "./api/log-gauges.ts";
import type { ApiParts, JailsView, LogsView } from "./api/parts.ts";
import type { PolicyMeasures } from "./api/policy-measures.ts";
import { readAliases } from "./config/aliases.ts";
import type { ReadConfig } from "./config/config.ts";
import type { Clock } from "./core/clock.ts";
import { printIp } from "./core/ip.ts";
import type { Log } from "./core/log.ts";
import type { LogPartOwner } from "./core/log-part.ts";
import type { Metrics } from "./core/metrics.ts";
import type { OpeningStore } from "./daemon-store.ts";
import type { HelperClient } from "./helper/helper-client.ts";
import type { Banning } from "./jails/banning.ts";
import { Fail2banLog } from "./jails/fail2ban-client/fail2ban-log.ts";
import { JailOwner } from "./jails/jail-owner.ts";
import type { JailsReport } from "./jails/jail-words.ts";
import type { Trust } from "./jails/trust.ts";
import type { LogSilence } from "./logs/log-silence.ts";
import { LogsThread } from "./logs/logs-thread.ts";
import { networksStart } from "./networks/networks.ts";
import { askWhois } from "./networks/registries/ask-registry.ts";
import { Registrations } from "./networks/registries/registrations.ts";
import { Outbox } from "./notify/outbox.ts";
import { readTemplates } from "./notify/templates.ts";
import type { PolicyBans } from "./policy/check.ts";
import { checks } from "./policy/checks/index.ts";
import { CluebringerLines } from "./policy/cluebringer-lines.ts";
import { type EngineParts, PolicyEngine } from "./policy/engine.ts";
import type { Finding } from "./policy/finding.ts";
import type { LiveRules } from "./policy/live-rules.ts";
import type { Asker } from "./policy/open-messages.ts";
import type { Raises } from "./policy/raises.ts";
import type { Request } from "./policy/request.ts";
import { PolicyServer } from "./policy/server.ts";
import { noticeOfStage } from "./policy/stage-notice.ts";
import type { Verdict } from "./policy/verdict.ts";
import type { Store } from "./store/db.ts";

export interface DaemonOptions {
  readonly version: string;
  readonly log: Log;
  /** Reads the configuration again, for SIGHUP. Throws Problem or Problems; then the running one stays. */
  readonly readAgain: () => ReadConfig;
  /** The file that worker threads start from; undefined in a checkout. */
  readonly workerEntry?: URL;
  readonly clock?: Clock;
  /** The store, where it has been asked for already, with the clock that it goes by. */
  readonly opening?: OpeningStore;
}

interface AuthPolicyJoin {
  readonly live: { readonly read: ReadConfig };
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: LiveRules;
  readonly banning: Banning;
  readonly accounts: AccountsOwner;
}

export async function createAuthPolicy({ live, store, clock, rules, banning, accounts }: AuthPolicyJoin) {
  const levels = new WatchLevels({ store, clock, canonical: (login) => rules.options.canonical(login) });
  await levels.read();
  store.changes.onChange((fact) => (fact === "rules" ? levels.read() : undefined));
  const settings = () => live.read.config.accounts.auth_policy;
  return authPolicyParts({ settings, bans: banning.enforcer.book, levels, accounts, clock });
}

interface LogsInput {
  readonly read: ReadConfig;
  readonly options: DaemonOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly jails: JailOwner;
  readonly accounts: AccountsOwner;
}

type PartInput = Omit<LogsInput, "jails" | "accounts">;
type JailsInput = PartInput & { readonly trust: Trust };

export function createJails({ read, options, store, clock, trust }: JailsInput): JailOwner {
  const { config } = read;
  const aliases = readAliases(config.accounts.aliases);
  return new JailOwner({ config, aliases, store, trust, clock, log: options.log });
}

/** Undefined where `[jails] fail2ban_log` names none. */
export function createFail2banLog(
  { read, options, store, clock }: PartInput,
  jails: JailOwner,
): Fail2banLog | undefined {
  const path = read.config.jails.fail2ban_log;
  if (path === "") return undefined;
  const fail2banLog = new Fail2banLog({ path, store, clock, log: options.log, grows: (jail) => jails.grows(jail) });
  jails.onFound((jail, failures) => fail2banLog.found(jail, failures));
  return fail2banLog;
}

/** No part of its own: what the parts of the logs thread open the networks with. */
function networksOwner({ config }: ReadConfig): LogPartOwner<unknown> {
  return { name: networksStart, start: async () => config.networks, write: async () => {}, written: () => {} };
}

interface AskedInput {
  readonly accounts: AccountsOwner;
  readonly rules: LiveRules;
  readonly clock: Clock;
  /** Logs are read: somebody judges. */
  readonly isJudged: () => boolean;
}

/** Who logged in and asks: the judge hears it before the log tells it, and the session is known. */
export function hearAsked({ accounts, rules, clock, isJudged }: AskedInput) {
  const sessions = new LiveSessions();
  const onAsked = (request: Request) => {
    const { login, client, raw } = request;
    if (login === "") return;
    const now = clock.now();
    if (isJudged()) accounts.seeAsked(askedLogin(request, now));
    if (client !== undefined) sessions.see({ account: rules.options.canonical(login), ip: printIp(client), raw }, now);
  };
  return { sessions, onAsked };
}

interface AccountsInput extends Omit<PartInput, "read"> {
  readonly isReading: () => boolean;
  readonly live: { readonly read: ReadConfig };
}

export function createAccounts({ live, options, store, clock, isReading }: AccountsInput): AccountsOwner {
  const settings = () => readAccountsSettings(live.read);
  const { name: node } = live.read.config.node;
  const asks = live.read.config.networks.registry;
  const registries = asks ? new Registrations({ clock, ask: askWhois }) : undefined;
  return new AccountsOwner({ store, clock, log: options.log, node, settings, isReading, registries });
}

interface ContainInput extends PartInput {
  readonly banning: Banning;
  readonly sessions: LiveSessions;
  readonly helper: HelperClient | undefined;
}

export function createContainment(
  { read, options, store, clock, banning, sessions, helper }: ContainInput,
  judge: AccountsOwner,
): ContainmentKeeper {
  const { node, postfix, accounts } = read.config;
  const host = new HostSteps({
    ...{ node: node.name, dovecotConfig: accounts.dovecot_config, helper: () => helper },
    queueOf: (account) => judge.queueOf(account),
    queued: () => readQueueIds(postfix.config_directories),
    sessions: (account) => sessions.of(account, clock.now()),
  });
  const { log } = options;
  const orders = judge.isShared ? new NodeOrders({ store, clock, log, host }) : undefined;
  const keeper = new ContainmentKeeper({
    ...{ store, clock, judge, log, host, orders, trust: banning.trust.check },
    firewallTrouble: () => banning.state.error,
  });
  judge.containBy((account, reason) =>
    keeper.contain({ account, reason, skip: [] }, { by: "judge", now: clock.now() }),
  );
  return keeper;
}

export function createLogsThread({ read, options, store, clock, jails, accounts }: LogsInput): LogsThread {
  const { logs, node } = read.config;
  return new LogsThread({
    settings: jails.withLogs(logs),
    store,
    node: node.name,
    clock,
    log: options.log,
    workerEntry: options.workerEntry ?? new URL("./logs-worker-main.ts", import.meta.url),
    parts: [jails, accounts, networksOwner(read)],
  });
}

export function addGauges(metrics: Metrics, parts: ApiParts): void {
  addDaemonGauges(metrics, parts);
  addLogGauges(metrics, () => parts.logs());
  addJailGauges(metrics, () => parts.jails.report());
  addBanGauges(metrics, parts);
}

export function viewJails(
  { config }: ReadConfig,
  logs: LogsThread,
  jails: JailOwner,
  fail2banLog: Fail2banLog | undefined,
): JailsView {
  return {
    mode: config.jails.mode,
    log: fail2banLog,
    report: () => logs.state.parts[jails.name] as JailsReport | undefined,
    failing: (jail, limit) => jails.failing(jail, limit),
    client: (jail) => {
      const files = logs.state.sources.filter(({ kind }) => kind === "file");
      return jails.client(
        jail,
        files.flatMap(({ reading }) => reading.map(({ what }) => what)),
      );
    },
  };
}

export function viewLogs(logs: LogsThread, { isSilent }: LogSilence): LogsView | undefined {
  return logs.isConfigured ? { ...logs.state, isSilent } : undefined;
}

export function createOutbox(read: ReadConfig, options: DaemonOptions, store: Store, clock: Clock): Outbox {
  const { notices, policy } = read.config;
  const templates = readTemplates(notices.templates);
  return new Outbox({ store, clock, log: options.log, settings: notices, timeZone: policy.time_zone, templates });
}

interface EngineInput {
  readonly read: ReadConfig;
  readonly store: Store;
  readonly clock: Clock;
  readonly options: DaemonOptions;
  readonly rules: LiveRules;
  readonly raises: Raises;
  readonly measures: PolicyMeasures;
  readonly outbox: Outbox;
  readonly banning: Banning;
}

export function createEngine({
  read,
  store,
  clock,
  options,
  rules,
  raises,
  measures,
  outbox,
  banning,
}: EngineInput): PolicyEngine {
  const { node, policy } = read.config;
  const onFinding = (finding: Finding) => {
    measures.found(finding);
    const notice = noticeOfStage(finding);
    if (notice !== undefined) outbox.say(notice);
  };
  const bans = policyBans(read, banning, rules);
  const compiled = rules.compile();
  const engine = new PolicyEngine({
    cells: store.cells,
    node: node.name,
    clock,
    log: options.log,
    checks,
    rules: compiled,
    raises,
    onFinding,
    ...(bans === undefined ? {} : { bans }),
    ...(policy.cluebringer_log ? { onSettled: cluebringerWriter(options.log) } : {}),
  });
  rules.onSwap((swapped) => engine.use(swapped));
  return engine;
}

/** A dry run refuses nobody. */
function policyBans(read: ReadConfig, { enforcer }: Banning, rules: LiveRules): PolicyBans | undefined {
  const { firewall, refusal } = read.config.jails;
  if (firewall === "dry-run") return undefined;
  return {
    find: (ip, port, now) => enforcer.book.find(ip, port, now),
    text: refusal,
    get observes() {
      return rules.options.mode === "observe";
    },
  };
}

function cluebringerWriter(log: Log): NonNullable<EngineParts["onSettled"]> {
  const lines = new CluebringerLines();
  return (question, findings) => {
    for (const line of lines.of(question, findings)) log.info(line);
  };
}

interface ServerInput {
  readonly read: ReadConfig;
  readonly options: DaemonOptions;
  readonly engine: PolicyEngine;
  readonly measures: PolicyMeasures;
  readonly onAsked: (request: Request) => unknown;
}

export function createPolicyServer({ read, options, engine, measures, onAsked }: ServerInput): PolicyServer<string> {
  const { listen, allow, answer_ok } = read.config.policy;
  return new PolicyServer<string>({
    listen: listen.map((address) => ("unixPath" in address ? { path: address.unixPath } : address)),
    allow,
    answerOk: answer_ok,
    log: options.log,
    decide: (request, connection) => decide(request, connection, { engine, measures, onAsked }),
  });
}

/** Without `async`: every promise between the store and the socket costs a question its part of a microsecond. */
function decide(
  request: Request,
  asker: Asker,
  { engine, measures, onAsked }: Pick<ServerInput, "engine" | "measures" | "onAsked">,
): Promise<Verdict> {
  const startedAt = performance.now();
  return engine.decide(request, asker).then((verdict) => {
    onAsked(request);
    measures.answered(request.state, verdict, performance.now() - startedAt);
    return verdict;
  });
}
