// The daemon's parts over a scratch store, behind a real control socket and a real listener.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContainmentKeeper } from "../../src/accounts/contain/containment-keeper.ts";
import { HostSteps } from "../../src/accounts/contain/host-steps.ts";
import { routes } from "../../src/api/app.ts";
import { apiRoot, type ProblemAnswer, problemAnswer } from "../../src/api/contract.ts";
import { ControlServer } from "../../src/api/control-server.ts";
import { addDaemonGauges } from "../../src/api/daemon-gauges.ts";
import type { ApiParts } from "../../src/api/parts.ts";
import { PolicyMeasures } from "../../src/api/policy-measures.ts";
import { PublicServer } from "../../src/api/public-server.ts";
import { readConfig } from "../../src/config/config.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { Metrics } from "../../src/core/metrics.ts";
import { Banning, type BanningOptions } from "../../src/jails/banning.ts";
import { noReplay } from "../../src/logs/replay.ts";
import { checks } from "../../src/policy/checks/index.ts";
import { PolicyEngine } from "../../src/policy/engine.ts";
import { LiveRules } from "../../src/policy/live-rules.ts";
import { parseRequestText } from "../../src/policy/protocol.ts";
import { Raises } from "../../src/policy/raises.ts";
import { readRulesFile } from "../../src/policy/rules-reader.ts";
import type { PolicyServerStats } from "../../src/policy/server.ts";
import { openStore } from "../../src/store/open.ts";
import { readRaises } from "../../src/store/raises.ts";

/** Rules of the tests: an access rule, and a quota with two limits. */
export const rules = `
[[groups]]
name = "newuser"
members = ["$noman@example.org", "@branch.example"]
[[groups]]
name = "internal_domains"
members = ["@example.org"]
[[policies]]
name = "newusers to not internal"
priority = 20
members = [{ source = "%newuser", destination = "!%internal_domains" }]
[[policies.quotas]]
name = "newuser hour"
track = "SASLUsername"
verdict = "reject"
text = "LIMIT AT QUOTAUSE"
limits = [{ count = "recipients", max = 2, per = "1h" }, { count = "kilobytes", max = 51200, per = "1d" }]
[[policies]]
name = "blocked"
priority = 10
members = [{ destination = "@bad.example" }]
[[policies.access]]
name = "no"
verdict = "reject"
text = "hit {id}"
`;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

/** 192.0.2.25 is trusted. */
const banningConfig: BanningOptions["config"] = readConfig({
  environment: {
    POSTVARTA__JAILS__MODE: "enforce",
    POSTVARTA__JAILS__TRUST__ADDRESSES: "192.0.2.25",
    POSTVARTA__POSTFIX__CONFIG_DIRECTORIES: "[]",
  },
}).config;

const serverStats: PolicyServerStats = {
  ...{ open: 0, accepted: 0, undecided: 0, refused: { limit: 0, peer: 0, accept: 0 } },
  ...{ requests: new Map(), protocolErrors: new Map() },
};

/** No log is read, so no judge has anything to say. */
const judgeless = {
  look: async () => ({ view: undefined, queue: [] }),
  view: async () => undefined,
  queueOf: async () => [],
  marksChanged: async () => undefined,
  reset: async () => false,
  erase: async () => false,
};

export class House implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly #stack = new AsyncDisposableStack();
  directory = "";
  socket = "";
  publicAddress = "";
  parts: ApiParts | undefined;
  engine: PolicyEngine | undefined;

  async start(): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), "postvarta-api-"));
    this.#stack.defer(() => rm(this.directory, { recursive: true }));
    const { clock } = this;
    const store = this.#stack.use(await openStore("scratch:", { clock }));
    const metrics = new Metrics();
    const measures = new PolicyMeasures(metrics);
    const raises = new Raises();
    const canonical = (login: string) => login;
    const live = await LiveRules.read(store, {
      mode: "enforce",
      internal: "",
      onError: "pass",
      timeZone: "Europe/Kyiv",
      watchGroup: "newuser",
      canonical,
    });
    const banning = this.#stack.use(new Banning({ config: banningConfig, store, clock, log: silentLog }));
    await banning.start();
    const { book } = banning.enforcer;
    const bans = { find: book.find.bind(book), text: "{address} is banned", observes: false };
    const onFinding = measures.found.bind(measures);
    const engine = new PolicyEngine({
      cells: store.cells,
      node: "mx1",
      clock,
      log: silentLog,
      checks,
      rules: live.compile(),
      raises,
      onFinding,
      bans,
    });
    live.onSwap((swapped) => engine.use(swapped));
    store.changes.onChange(async (fact) => {
      if (fact === "rules") await live.reload();
      if (fact === "raises") raises.use(await readRaises(store, clock.now()));
    });
    const parts: ApiParts = {
      ...{
        version: "9.9.9",
        node: "mx1",
        startedAt: clock.now(),
        clock,
        log: silentLog,
        store,
        engine,
        raises,
        canonical,
      },
      ...{ mode: "enforce", answerOk: false, metrics, measures },
      banning,
      stop: () => {},
      readRules: (text, file, known) => readRulesFile(text, file, known, undefined),
      policyServer: () => serverStats,
      jails: { mode: "observe", report: () => undefined, failing: async () => [], log: undefined, client: noJail },
      logs: () => undefined,
      accounts: { ...judgeless, isShared: false, mode: "enforce", watchGroup: "newuser" },
      containment: new ContainmentKeeper({
        ...{ store, clock, log: silentLog, judge: judgeless, trust: () => undefined },
        ...{ firewallTrouble: () => undefined, orders: undefined },
        host: new HostSteps({
          ...{ node: "mx1", sessions: () => [], dovecotConfig: "", helper: () => undefined },
          ...{ queueOf: async () => [], queued: async () => undefined },
        }),
      }),
      authPolicy: undefined,
      outbox: { channels: [], test: async () => undefined },
      replays: { replay: async () => ({ ...noReplay }), stopReplay: () => {}, replayed: undefined },
      lastReload: () => undefined,
      whyNotReady: () => [],
    };
    addDaemonGauges(metrics, parts);
    this.parts = parts;
    this.engine = engine;
    this.socket = join(this.directory, "run", "control.sock");
    await this.#stack.use(new ControlServer(parts, this.socket)).start();
    const open = this.#stack.use(new PublicServer(parts, { host: "127.0.0.1", port: 0 }));
    await open.start();
    this.publicAddress = open.address;
  }

  /** Asks as Postfix would, and counts as the daemon does. */
  async ask(text: string): Promise<string> {
    const asked = parseRequestText(text);
    const verdict = await this.engine?.decide(asked, { current: undefined });
    this.parts?.measures.answered(asked.state, verdict ?? { kind: "dunno" }, 1);
    return verdict === undefined || verdict.kind === "dunno" ? "dunno" : `${verdict.kind} ${verdict.text}`;
  }

  async get<T>(path: string): Promise<T> {
    return this.#fine<T>(await this.call("GET", apiRoot + path), path);
  }

  async post<T>(path: string, body: object): Promise<T> {
    return this.#fine<T>(await this.call("POST", apiRoot + path, JSON.stringify(body)), path);
  }

  /** What a route answers is of the shape that its contract promises, no key more. */
  #fine<T>(answer: Answer, path: string): T {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const bare = path.replace(/\?.*/, "").replace(/^\/explain\/.+/, "/explain/:what");
    const route = routes.find((one) => one.path === bare);
    assert.ok(route !== undefined, path);
    assert.deepEqual(route.answer.parse(answer.body), answer.body);
    return answer.body as T;
  }

  async fails(method: string, path: string, body?: object): Promise<ProblemAnswer> {
    const answer = await this.call(method, apiRoot + path, body === undefined ? undefined : JSON.stringify(body));
    return readProblem(answer);
  }

  call(method: string, path: string, body?: string | Buffer, publicly = false): Promise<Answer> {
    const [host, port] = this.publicAddress.split(":");
    const where = publicly ? { host, port } : { socketPath: this.socket };
    return new Promise((resolve, reject) => {
      const call = request({ ...where, method, path, headers: { "content-type": "application/json" } }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.on("end", () => {
          const type = String(answer.headers["content-type"] ?? "");
          resolve({ status: answer.statusCode ?? 0, type, body: type.includes("json") ? JSON.parse(text) : text });
        });
      });
      call.on("error", reject);
      call.end(body);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export function readProblem(answer: Answer): ProblemAnswer {
  assert.ok(answer.status >= 400, `status ${answer.status}`);
  assert.match(answer.type, /^application\/problem\+json/);
  const problem = problemAnswer.parse(answer.body);
  assert.equal(problem.status, answer.status);
  assert.ok(problem.problems.length > 0);
  return problem;
}

/** A RCPT question of the account noman. */
export const question = (recipient: string, more: readonly string[] = []) =>
  [
    "protocol_state=RCPT",
    "sasl_username=noman@example.org",
    "sender=noman@example.org",
    `recipient=${recipient}`,
    "client_address=192.0.2.7",
    ...more,
  ].join("\n");

/** The same, of one message. */
export const mail = (recipient: string, instance: string) =>
  question(recipient, [`instance=${instance}`, "queue_id=4QabcZ1x2Y"]);

function noJail(): never {
  throw new Error("there is no jail");
}
