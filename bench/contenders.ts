// The policy servers that bench/policy.ts compares, each with one quota on the login: how it is started, made ready and ended.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../tests/e2e/postfix-rig.ts";
import type { PostgresRig } from "../tests/postgres-rig.ts";

export interface Contender {
  readonly name: string;
  readonly port: number;
  /** Whether a charge is on disk before its answer. */
  readonly durable: string;
  /** Of one that makes itself a daemon this is the process that ends at once. */
  start(folder: string): Promise<ChildProcess> | ChildProcess;
  /** Ends a daemon that left its parent. */
  stop?(folder: string): void;
  /** Once it answers. */
  prepare?(folder: string): void;
}

export const projectRoot = new URL("..", import.meta.url).pathname;
const program = join(projectRoot, "dist/postvarta.mjs");
const applyTimeoutMs = 20_000;

const rules = `
[[policies]]
name = "p"
members = [{}]
access = [{ verdict = "reject", text = "x", states = ["DATA"] }]
quotas = [{ name = "q", track = "SASLUsername", limits = [{ count = "recipients", max = 1000000, per = "1h" }] }]
`;

/** `peers`: root of the unpacked peers. The first is the limit that all are compared with. */
export async function listContenders(
  postgres: PostgresRig | undefined,
  peers: string | undefined,
): Promise<readonly Contender[]> {
  const list = [await trivial(), await postvarta("Postvarta, SQLite", async (folder) => `sqlite:${folder}/p.db`)];
  if (postgres !== undefined) list.push(await postvarta("Postvarta, PostgreSQL", () => postgres.createDatabase()));
  if (peers !== undefined) list.push(await postfwd(peers), await policydRateLimit(peers));
  return list;
}

async function trivial(): Promise<Contender> {
  const port = await freePort();
  const start = () => quiet(process.execPath, [join(projectRoot, "bench/trivial-server.ts"), String(port)]);
  return { name: "trivial Node server", port, durable: "nothing to keep", start };
}

/** `storeUrl` is asked once a start: every round has an empty store. */
export async function postvarta(name: string, storeUrl: (folder: string) => Promise<string>): Promise<Contender> {
  const [port, apiPort] = [await freePort(), await freePort()];
  const options = (folder: string) => ["--config", join(folder, "postvarta.toml")];
  return {
    name,
    port,
    durable: "yes",
    start: async (folder) => {
      const config = `[policy]\nlisten = ["127.0.0.1:${port}"]\n[store]\nurl = "${await storeUrl(folder)}"\n[api]\nlisten = "127.0.0.1:${apiPort}"\n[control]\nsocket = "${folder}/c.sock"\n`;
      writeFileSync(join(folder, "postvarta.toml"), config);
      writeFileSync(join(folder, "rules.toml"), rules);
      return quiet(process.execPath, [program, "run", ...options(folder)]);
    },
    prepare: (folder) => {
      const words = [program, "policy", "apply", join(folder, "rules.toml"), ...options(folder)];
      const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: applyTimeoutMs });
      if (status !== 0) throw new Error(stderr);
    },
  };
}

/** postfwd 1, one rate rule; its counters live in memory. It makes itself a daemon. */
async function postfwd(peers: string): Promise<Contender> {
  const port = await freePort();
  const rule = "id=R; protocol_state==RCPT; sasl_username=~.; action=rate(sasl_username/1000000/3600/REJECT slow)";
  const where = ["-d", "-i", "127.0.0.1", "-p", String(port), "-u", "nobody", "-g", "nogroup", "-n", "--summary=0"];
  const pidFile = (folder: string) => join(folder, "pid");
  // Taint mode (-T) ignores PERL5LIB.
  const libraries = ["share/perl5", "lib/x86_64-linux-gnu/perl5/5.36"].map((path) => `-I${join(peers, "usr", path)}`);
  const perl = ["-T", ...libraries, join(peers, "usr/sbin/postfwd1")];
  return {
    name: "postfwd 1",
    port,
    durable: "no",
    start: (folder) => quiet("/usr/bin/perl", [...perl, ...where, "-r", rule, "--pidfile", pidFile(folder)]),
    stop: (folder) => void process.kill(Number(readFileSync(pidFile(folder), "utf8"))),
  };
}

/** policyd-rate-limit on its SQLite, as Debian ships it: one limit, written through by a timer. */
async function policydRateLimit(peers: string): Promise<Contender> {
  const port = await freePort();
  return {
    name: "policyd-rate-limit",
    port,
    durable: "partly",
    start: (folder) => {
      const file = join(folder, "config.yaml");
      const config = {
        debug: false,
        user: "root",
        group: "root",
        pidfile: join(folder, "pid"),
        sqlite_config: { database: join(folder, "db.sqlite3") },
        backend: 0,
        SOCKET: ["127.0.0.1", port],
        limits: [[1_000_000, 3_600]],
        limit_by_sasl: true,
        limit_by_sender: false,
        limit_by_ip: false,
        limited_networks: [],
        success_action: "dunno",
        fail_action: "defer_if_permit slow",
        db_error_action: "dunno",
        report: false,
        delay_to_close: 300,
      };
      // JSON is YAML.
      writeFileSync(file, JSON.stringify(config));
      const library = join(peers, "usr/lib/python3/dist-packages");
      const words = [join(peers, "usr/bin/policyd-rate-limit"), "--file", file];
      return spawn("/usr/bin/python3", words, { stdio: "ignore", env: { ...process.env, PYTHONPATH: library } });
    },
  };
}

function quiet(file: string, words: readonly string[]): ChildProcess {
  return spawn(file, words, { stdio: "ignore" });
}
