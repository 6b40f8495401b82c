// A private PostgreSQL: the real server of the Debian package, in a directory of its own, on loopback and a Unix socket, with fsync on.

import { execFile, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);

/** Newest first. */
const programs = () =>
  existsSync("/usr/lib/postgresql")
    ? readdirSync("/usr/lib/postgresql")
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => `/usr/lib/postgresql/${version}/bin`)
        .find((path) => existsSync(`${path}/initdb`))
    : undefined;

const stopWaitMs = 20_000;

export interface PostgresRigOptions {
  /** 0: the configuration's own. */
  readonly maxConnections?: number;
  /** More lines for postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** `await using rig = await PostgresRig.start()`. */
export class PostgresRig implements AsyncDisposable {
  readonly directory: string;
  readonly port: number;
  readonly #programs: string;
  readonly #owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly #settings: Readonly<Record<string, string>>;
  #databases = 0;

  private constructor(port: number, owner: PostgresRig["owner"], options: PostgresRigOptions) {
    this.directory = mkdtempSync(join(tmpdir(), "postvarta-pg-"));
    this.port = port;
    this.#programs = programs() ?? "";
    this.#owner = owner;
    this.#settings = {
      listen_addresses: "'127.0.0.1'",
      unix_socket_directories: `'${this.directory}'`,
      port: String(port),
      ...(options.maxConnections === 0 ? {} : { max_connections: String(options.maxConnections ?? 60) }),
      shared_buffers: "'64MB'",
      logging_collector: "off",
      ...options.settings,
    };
  }

  static async start(options: PostgresRigOptions = {}): Promise<PostgresRig> {
    const rig = new PostgresRig(await freePort(), await serverOwner(), options);
    if (rig.#owner !== undefined) chownSync(rig.directory, rig.#owner.uid, rig.#owner.gid);
    await rig.#run("initdb", "-D", rig.#data, "-U", "postvarta", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N");
    await rig.restart();
    return rig;
  }

  get owner() {
    return this.#owner;
  }

  get #data(): string {
    return join(this.directory, "data");
  }

  /** The URL of a new, empty database. `port`: of a proxy before the server. */
  async createDatabase(port = this.port): Promise<string> {
    const name = `store_${++this.#databases}`;
    await this.query(`create database ${name}`, "postgres");
    return `postgres://postvarta@127.0.0.1:${port}/${name}`;
  }

  /** One statement, as the superuser. */
  async query(text: string, database = `store_${this.#databases}`): Promise<Record<string, unknown>[]> {
    const client = await this.connect(database);
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  async connect(database = `store_${this.#databases}`): Promise<pg.Client> {
    const client = new pg.Client({ host: this.directory, port: this.port, user: "postvarta", database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  /** `immediate` is a crash: nothing is flushed, and the next start recovers. */
  async stop(mode: "fast" | "immediate" = "immediate"): Promise<void> {
    if (existsSync(join(this.#data, "postmaster.pid")))
      await this.#run("pg_ctl", "-D", this.#data, "-m", mode, "-w", "stop");
  }

  /** Starts the server; also after `stop`. */
  async restart(): Promise<void> {
    const words = Object.entries(this.#settings).map(([name, value]) => `-c ${name}=${value}`);
    const log = join(this.directory, "log");
    await this.#run("pg_ctl", "-D", this.#data, "-l", log, "-w", "-t", "30", "-o", words.join(" "), "start");
  }

  /** SIGSTOP or SIGCONT to every process of the server. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const pid of this.#pids()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGCONT");
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The postmaster and its children. */
  #pids(): number[] {
    const [first] = readFileSync(join(this.#data, "postmaster.pid"), "utf8").split("\n");
    const parent = Number(first);
    const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && parentOf(name) === parent);
    return [parent, ...children.map(Number)];
  }

  async #run(program: string, ...words: readonly string[]): Promise<void> {
    const child = spawn(join(this.#programs, program), words, { ...this.#owner, cwd: this.directory, stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), stopWaitMs);
    const code = await new Promise<number | null>((resolve, reject) => child.on("exit", resolve).on("error", reject));
    clearTimeout(timer);
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${this.#logEnd()}`);
  }

  #logEnd(): string {
    const log = join(this.directory, "log");
    return existsSync(log) ? readFileSync(log, "utf8").slice(-2_000) : "";
  }
}

/** Whether the server's programs are there. */
export function hasPostgres(): boolean {
  return programs() !== undefined;
}

/** The server refuses to run as root. */
async function serverOwner(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const id = async (what: string) => Number((await run("id", [what, name])).stdout);
    try {
      return { uid: await id("-u"), gid: await id("-g") };
    } catch {
      // The next one.
    }
  }
  return undefined;
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
