// Builds all parts, joins them, starts them, stops them. No logic: what a part does is told in its own room.

import { AccountsOwner } from "./accounts/accounts-owner.ts";
import { readAccountsSettings } from "./accounts/accounts-settings.ts";
import { askedLogin } from "./accounts/asked-login.ts";
import { ContainmentKeeper } from "./accounts/contain/containment-keeper.ts";
import { readQueueIds } from "./accounts/contain/postfix-queue.ts";
import { WatchLevels } from "./accounts/watch-levels.ts";
import { authPolicyParts } from "./api/auth-policy-parts.ts";
import { addBanGauges } from "./api/ban-gauges.ts";
import { ControlServer } from "./api/control-server.ts";
import { addDaemonGauges } from "./api/daemon-gauges.ts";
import { addJailGauges } from "./api/jail-gauges.ts";
import { addLogGauges } from "./api/log-gauges.ts";
import type { ApiParts, JailsView, LogsView, Reload } from "./api/parts.ts";
import { PolicyMeasures } from "./api/policy-measures.ts";
import { PublicServer } from "./api/public-server.ts";
import { readAliases } from "./config/aliases.ts";
import type { Config, ReadConfig } from "./config/config.ts";
import { settingsToRestart } from "./config/restart.ts";
import { type Clock, steadyClock } from "./core/clock.ts";
import type { Log } from "./core/log.ts";
import type { LogPartOwner } from "./core/log-part.ts";
import { Metrics } from "./core/metrics.ts";
import { holdYoungGeneration } from "./core/young-generation.ts";
import type { HelperClient } from "./helper/helper-client.ts";
import { joinHelper } from "./helper-role.ts";
import type { Banning } from "./jails/banning.ts";
import { JailOwner } from "./jails/jail-owner.ts";
import type { JailsReport } from "./jails/jail-words.ts";
import type { Trust } from "./jails/trust.ts";
import { LogSilence } from "./logs/log-silence.ts";
import { LogsThread, type LogsThreadOptions } from "./logs/logs-thread.ts";
import { networksStart } from "./networks/networks.ts";
import { Outbox } from "./notify/outbox.ts";
import type { PolicyBans } from "./policy/check.ts";
import { checks } from "./policy/checks/index.ts";
import { CluebringerLines } from "./policy/cluebringer-lines.ts";
import { readCompileOptions } from "./policy/compile-options.ts";
import { type EngineParts, PolicyEngine } from "./policy/engine.ts";
import type { Finding } from "./policy/finding.ts";
import { LiveRules } from "./policy/live-rules.ts";
import type { Asker } from "./policy/open-messages.ts";
import { Raises } from "./policy/raises.ts";
import type { Request } from "./policy/request.ts";
import { readRulesFile } from "./policy/rules-reader.ts";
import { PolicyServer } from "./policy/server.ts";
import { noticeOfStage } from "./policy/stage-notice.ts";
import type { Verdict } from "./policy/verdict.ts";
import { pruneLevels } from "./store/account-levels.ts";
import { pruneAudit } from "./store/audit.ts";
import type { Store } from "./store/db.ts";
import { pruneDecisions } from "./store/decisions.ts";
import { openStore } from "./store/open.ts";
import { pruneRaises, readRaises } from "./store/raises.ts";
import { pruneWatches } from "./store/watches.ts";

export interface DaemonOptions {
  readonly version: string;
  readonly log: Log;
  /** Reads the configuration again, for SIGHUP. Throws Problem or Problems; then the running one stays. */
  readonly readAgain: () => ReadConfig;
  /** The file that worker threads start from; undefined in a checkout. */
  readonly workerEntry?: URL;
  readonly clock?: Clock;
}

/** A running daemon. Disposing answers the questions that are running, writes what is open, and stops (≤ 10 s). */
export interface Daemon extends AsyncDisposable {
  /** Where Postfix may ask: `address:port`, or a path. */
  readonly policyAddresses: readonly string[];
  readonly apiAddress: string;
  /** SIGHUP: takes what may change in flight; a broken configuration changes nothing. */
  reload(): Reload;
}

const sweepMs = 5_000;
const bansMs = 1_000;
const stopMs = 100;
const outboxMs = 2_000;
const pruneMs = 3_600_000;
const silenceMs = 10_000;
const dayMs = 86_400_000;
const accountsKeptDays = 180;
const watchesMs = 30_000;

/** Starts everything, or nothing: throws Problem or Problems and leaves nothing behind. */
export async function startDaemon(read: ReadConfig, options: DaemonOptions): Promise<Daemon> {
  holdYoungGeneration();
  await using stack = new AsyncDisposableStack();
  const clock = options.clock ?? steadyClock();
  const live = { read, reload: undefined as Reload | undefined };
  const compileOptions = readCompileOptions(read);
  const store = stack.use(await openStore(read.config.store.url, storeOptions(read, options, clock)));
  const metrics = new Metrics();
  const measures = new PolicyMeasures(metrics);
  const raises = new Raises();
  const reloadRaises = async () => raises.use(await readRaises(store, clock.now()));
  await reloadRaises();
  const rules = await LiveRules.read(store, compileOptions);
  const outbox = createOutbox(read, options, store, clock);
  const { banning, helper } = joinHelper(stack, { config: read.config, store, clock, log: options.log });
  const engine = createEngine({ read, store, clock, options, rules, raises, measures, outbox, banning });
  await engine.restore();
  store.changes.onChange((fact) =>
    fact === "raises" ? reloadRaises() : fact === "rules" ? rules.reload() : undefined,
  );
  const accounts = createAccounts({ live, options, store, clock });
  const onAsked = (request: Request) => logs.isConfigured && tellLogin(accounts, request, clock.now());
  const server = stack.use(createPolicyServer({ read, options, engine, measures, onAsked }));
  const jails = createJails({ read, options, store, clock, trust: banning.trust });
  const logs = stack.use(
    createLogsThread({ read, options, store, clock, jails, parts: [jails, accounts, networksOwner(read)] }),
  );
  jails.use((question) => logs.ask(jails.name, question));
  accounts.use((question) => logs.ask(accounts.name, question));
  const authPolicy = await createAuthPolicy({ live, store, clock, rules, banning, accounts });
  const silence = new LogSilence(options.log, clock.now(), (notice) => outbox.say(notice));
  const parts: ApiParts = {
    ...{ version: options.version, node: read.config.node.name, startedAt: clock.now(), clock, log: options.log },
    ...{ store, engine, raises, metrics, measures, answerOk: read.config.policy.answer_ok },
    canonical: (login) => rules.options.canonical(login),
    readRules: (text, file, known) => readRulesFile(text, file, known, options.workerEntry),
    get mode() {
      return rules.options.mode;
    },
    policyServer: () => server.stats(),
    logs: () => viewLogs(logs, silence),
    ...{ accounts, outbox, banning, authPolicy, stop: stopSoon, replays: logs },
    jails: viewJails(read, logs, jails),
    containment: createContainment({ read, options, store, clock, trust: banning.trust, helper }, accounts),
    lastReload: () => live.reload,
    whyNotReady: () => (store.cells.health.writable ? [] : ["the store cannot be written"]),
  };
  addGauges(metrics, parts);
  const control = stack.use(new ControlServer(parts, read.config.control.socket));
  const api = stack.use(new PublicServer(parts, read.config.api.listen));
  await banning.start();
  await server.start();
  await control.start();
  await api.start();
  await logs.start();
  stack.defer(store.changes.onChange((fact) => jails.hear(fact)));
  startUpkeep(stack, { live, options, store, clock, logs, silence, measures, outbox, engine, jails, banning });
  const kept = stack.move();
  return {
    policyAddresses: server.addresses,
    apiAddress: api.address,
    reload: () => (live.reload = reload({ live, options, rules, logs, jails, now: clock.now() })),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** As systemd would: whoever runs us hears the same signal. The answer to who asked leaves first. */
function stopSoon(): void {
  setTimeout(() => process.kill(process.pid, "SIGTERM"), stopMs);
}

interface AuthPolicyJoin {
  readonly live: { readonly read: ReadConfig };
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: LiveRules;
  readonly banning: Banning;
  readonly accounts: AccountsOwner;
}

async function createAuthPolicy({ live, store, clock, rules, banning, accounts }: AuthPolicyJoin) {
  const levels = new WatchLevels({ store, clock, canonical: (login) => rules.options.canonical(login) });
  await levels.read();
  store.changes.onChange((fact) => (fact === "rules" ? levels.read() : undefined));
  const settings = () => live.read.config.accounts.auth_policy;
  return authPolicyParts({ settings, bans: banning.enforcer.book, levels, accounts, clock });
}

interface UpkeepInput {
  readonly live: { readonly read: ReadConfig };
  readonly options: DaemonOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly logs: LogsThread;
  readonly silence: LogSilence;
  readonly measures: PolicyMeasures;
  readonly outbox: Outbox;
  readonly engine: PolicyEngine;
  readonly jails: JailOwner;
  readonly banning: Banning;
}

/** What falls due whether somebody asks or not. */
function startUpkeep(stack: AsyncDisposableStack, input: UpkeepInput): void {
  const { live, options, store, clock, logs, silence, measures, outbox, engine, jails, banning } = input;
  const watchLogs = async () =>
    logs.isConfigured && silence.look({ ...logs.state, asked: measures.asked }, clock.now());
  stack.defer(every(silenceMs, options.log, watchLogs));
  stack.defer(every(bansMs, options.log, () => banning.due()));
  stack.defer(every(outboxMs, options.log, () => outbox.work()));
  stack.defer(every(sweepMs, options.log, () => engine.sweep(clock.now())));
  stack.defer(every(watchesMs, options.log, () => pruneWatches(store, clock.now())));
  stack.defer(every(pruneMs, options.log, () => prune(store, live.read.config, clock.now())));
  stack.defer(every(pruneMs, options.log, () => jails.prune(clock.now())));
  stack.defer(every(pruneMs, options.log, () => banning.prune(clock.now())));
  stack.defer(every(pruneMs, options.log, () => outbox.prune()));
}

function storeOptions(read: ReadConfig, { workerEntry, log }: DaemonOptions, clock: Clock) {
  const where = read.placeOf("store.url");
  return { clock, log, node: read.config.node.name, where, ...(workerEntry === undefined ? {} : { workerEntry }) };
}

interface LogsInput {
  readonly read: ReadConfig;
  readonly options: DaemonOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly jails: JailOwner;
  readonly parts: LogsThreadOptions["parts"];
}

type JailsInput = Omit<LogsInput, "parts" | "jails"> & { readonly trust: Trust };

function createJails({ read, options, store, clock, trust }: JailsInput): JailOwner {
  const { config } = read;
  const aliases = readAliases(config.accounts.aliases);
  return new JailOwner({ config, aliases, store, trust, clock, log: options.log });
}

/** No part of its own: what the parts of the logs thread open the networks with. */
function networksOwner({ config }: ReadConfig): LogPartOwner<unknown> {
  return { name: networksStart, start: async () => config.networks, write: async () => {}, written: () => {} };
}

function tellLogin(accounts: AccountsOwner, request: Request, now: number): void {
  if (request.login !== "") accounts.seeAsked(askedLogin(request, now));
}

interface AccountsInput extends Omit<LogsInput, "parts" | "jails" | "read"> {
  readonly live: { readonly read: ReadConfig };
}

function createAccounts({ live, options, store, clock }: AccountsInput): AccountsOwner {
  const settings = () => readAccountsSettings(live.read);
  return new AccountsOwner({ store, clock, log: options.log, node: live.read.config.node.name, settings });
}

interface ContainInput extends Omit<LogsInput, "parts" | "jails"> {
  readonly trust: Trust;
  readonly helper: HelperClient | undefined;
}

function createContainment(
  { read, options, store, clock, trust, helper }: ContainInput,
  judge: AccountsOwner,
): ContainmentKeeper {
  const { node, postfix } = read.config;
  const keeper = new ContainmentKeeper({
    ...{ store, clock, judge, log: options.log, node: node.name },
    trust: trust.check,
    queued: () => readQueueIds(postfix.config_directories),
    helper: () => helper,
  });
  judge.containBy((account, reason) =>
    keeper.contain({ account, reason, skip: [] }, { by: "judge", now: clock.now() }),
  );
  return keeper;
}

function createLogsThread({ read, options, store, clock, jails, parts }: LogsInput): LogsThread {
  const { logs, node } = read.config;
  return new LogsThread({
    settings: jails.withLogs(logs),
    store,
    node: node.name,
    clock,
    log: options.log,
    workerEntry: options.workerEntry ?? new URL("./logs-worker-main.ts", import.meta.url),
    parts,
  });
}

function addGauges(metrics: Metrics, parts: ApiParts): void {
  addDaemonGauges(metrics, parts);
  addLogGauges(metrics, () => parts.logs());
  addJailGauges(metrics, () => parts.jails.report());
  addBanGauges(metrics, parts);
}

function viewJails({ config }: ReadConfig, logs: LogsThread, jails: JailOwner): JailsView {
  return {
    mode: config.jails.mode,
    report: () => logs.state.parts[jails.name] as JailsReport | undefined,
    failing: (jail, limit) => jails.failing(jail, limit),
  };
}

function viewLogs(logs: LogsThread, { isSilent }: LogSilence): LogsView | undefined {
  return logs.isConfigured ? { ...logs.state, isSilent } : undefined;
}

function createOutbox(read: ReadConfig, options: DaemonOptions, store: Store, clock: Clock): Outbox {
  const { notices, policy } = read.config;
  return new Outbox({ store, clock, log: options.log, settings: notices, timeZone: policy.time_zone });
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

function createEngine({
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

function createPolicyServer({ read, options, engine, measures, onAsked }: ServerInput): PolicyServer<string> {
  const { listen, allow, answer_ok } = read.config.policy;
  return new PolicyServer<string>({
    listen: listen.map((address) => ("unixPath" in address ? { path: address.unixPath } : address)),
    allow,
    answerOk: answer_ok,
    log: options.log,
    decide: (request, connection) => decide(request, connection, { engine, measures, onAsked }),
  });
}

async function decide(
  request: Request,
  asker: Asker,
  { engine, measures, onAsked }: Pick<ServerInput, "engine" | "measures" | "onAsked">,
): Promise<Verdict> {
  const startedAt = performance.now();
  const verdict = await engine.decide(request, asker);
  onAsked(request);
  measures.answered(request.state, verdict, performance.now() - startedAt);
  return verdict;
}

interface ReloadInput {
  readonly live: { read: ReadConfig };
  readonly options: DaemonOptions;
  readonly rules: LiveRules;
  readonly logs: LogsThread;
  readonly jails: JailOwner;
  readonly now: number;
}

/** Takes the configuration again. What cannot change in flight keeps its value and is named in the log. */
function reload({ live, options, rules, logs, jails, now }: ReloadInput): Reload {
  try {
    const read = options.readAgain();
    // What SIGHUP may change in flight; everything else needs a restart.
    readAccountsSettings(read);
    rules.configure(readCompileOptions(read));
    logs.use(jails.withLogs(read.config.logs));
    const waiting = settingsToRestart(live.read.config, read.config);
    live.read = read;
    options.log.info("reloaded", { needs_restart: waiting.join(",") || undefined });
    return { at: now, ok: true, error: undefined };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    options.log.error("reload_failed", { kept: "the running configuration", error: message });
    return { at: now, ok: false, error: message };
  }
}

async function prune(store: Store, config: Config, now: number): Promise<void> {
  const { keep_decisions, keep_decisions_days } = config.policy;
  await pruneDecisions(store, { before: now - keep_decisions_days * dayMs, keep: keep_decisions });
  await pruneRaises(store, now);
  await pruneAudit(store);
  await pruneLevels(store, now - accountsKeptDays * dayMs);
}

/** Runs `work` every `ms`, never twice at a time; what it throws is logged. Returns the way to stop. */
function every(ms: number, log: Log, work: () => Promise<unknown>): () => void {
  let running = false;
  const timer = setInterval(async () => {
    if (running) return;
    running = true;
    await work().catch((error: unknown) => log.error("upkeep_failed", { error: String(error) }));
    running = false;
  }, ms);
  return () => clearInterval(timer);
}
