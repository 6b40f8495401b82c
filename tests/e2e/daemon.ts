// The whole daemon as a child process, as an administrator runs it, with what tests need to talk to it.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeptSocket } from "../kept-socket.ts";
import { freePort } from "./postfix-rig.ts";

export interface DaemonChildOptions {
  /** A policies file, applied after the start. */
  readonly rules: string;
  /** Lines for `[policy]`. */
  readonly policy?: string;
  /** `[store] url`; an SQLite file of its own without. */
  readonly storeUrl?: string;
  /** `[node] name`. */
  readonly node?: string;
  /** Further sections. */
  readonly sections?: string;
  /** A command that becomes the daemon, as `["prlimit", "--nofile=256"]`. */
  readonly wrap?: readonly string[];
  /** Answers on this socket in place of one of its own. */
  readonly keptSocket?: KeptSocket;
}

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const main = new URL("../../src/main.ts", import.meta.url).pathname;
/** Other tests share the cores: a start takes one second, or many. */
const startTimeoutMs = 60_000;
const commandTimeoutMs = 30_000;

/** `await using daemon = await DaemonChild.start({ rules })`: own directory, store, sockets and ports. */
export class DaemonChild implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "postvarta-daemon-"));
  readonly port: number;
  readonly apiPort: number;
  #child: ChildProcess | undefined;
  #log = "";
  readonly #wrap: readonly string[];
  readonly #keptSocket: KeptSocket | undefined;

  private constructor(port: number, apiPort: number, { wrap = [], keptSocket }: DaemonChildOptions) {
    this.port = keptSocket?.port ?? port;
    this.apiPort = apiPort;
    this.#wrap = [...wrap, ...(keptSocket?.wrap ?? [])];
    this.#keptSocket = keptSocket;
  }

  static async start(options: DaemonChildOptions): Promise<DaemonChild> {
    const daemon = new DaemonChild(await freePort(), await freePort(), options);
    writeFileSync(daemon.configFile, daemon.#config(options));
    writeFileSync(join(daemon.directory, "rules.toml"), options.rules);
    try {
      await daemon.run();
      const applied = await daemon.command("policy", "apply", join(daemon.directory, "rules.toml"));
      if (applied.code !== 0) throw new Error(applied.stderr);
    } catch (error) {
      // A child that is left would keep the test runner waiting for ever.
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  get configFile(): string {
    return join(this.directory, "postvarta.toml");
  }

  /** Of the process that runs, or ran last. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get storeFile(): string {
    return join(this.directory, "postvarta.db");
  }

  /** Everything that was written to stderr so far. */
  get log(): string {
    return this.#log;
  }

  /** Starts the process again after `kill`; resolves when it is ready, with the milliseconds that took. */
  async run(): Promise<number> {
    const begun = performance.now();
    const from = this.#log.length;
    const [program = "", ...words] = [...this.#wrap, process.execPath, main, "run", "--config", this.configFile];
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe", this.#keptSocket?.fd] });
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text;
    });
    const deadline = Date.now() + startTimeoutMs;
    while (!/ ready /.test(this.#log.slice(from))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the daemon does not start:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return performance.now() - begun;
  }

  /** Ends the process with a signal and waits for its end; resolves with its exit code (null after a kill). */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    child.kill(signal);
    return await ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** One command line of postvarta against this daemon. */
  command(...words: readonly string[]): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const options = { timeout: commandTimeoutMs, maxBuffer: 64 * 1024 * 1024 };
      const child = execFile(
        process.execPath,
        [main, ...words, "--config", this.configFile],
        options,
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : (child.exitCode ?? 1), stdout, stderr });
        },
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGTERM");
    rmSync(this.directory, { recursive: true, force: true });
  }

  #config(options: DaemonChildOptions): string {
    return `[policy]
listen = ["127.0.0.1:${this.port}"]
${options.policy ?? ""}
[store]
url = "${options.storeUrl ?? `sqlite:${this.storeFile}`}"
[node]
name = "${options.node ?? "mx1"}"
[api]
listen = "127.0.0.1:${this.apiPort}"
[control]
socket = "${join(this.directory, "control.sock")}"
${options.sections ?? ""}
`;
  }
}
