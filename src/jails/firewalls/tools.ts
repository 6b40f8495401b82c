// Running the programs that firewalls are made of: fixed arguments, no shell, a limit of time and of output.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { programPath } from "../program-path.ts";

export interface ToolOutcome {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** A tool that hangs is killed: everything waits behind it. */
const timeoutMsDefault = 5_000;

/** A list of a million addresses is smaller. */
const outputBytesMax = 256 * 1024 * 1024;

const stderrShown = 500;

export class Tools {
  readonly #prefix: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;

  /** `prefix`: a command that runs each tool, e.g. `ip netns exec NAME`. */
  constructor({ prefix = [], path }: { readonly prefix?: readonly string[]; readonly path?: string } = {}) {
    this.#prefix = prefix;
    // Texts of tools are read, so they speak one language; nothing else of our environment is theirs.
    this.#environment = { PATH: programPath(path), LC_ALL: "C" };
  }

  /** What it did; a tool that is not there or hangs is an Error. */
  run(program: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<ToolOutcome>();
    const child = this.start(program, args, options.environment);
    const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
    const give = (why: string) => {
      reject(new Error(`${program} ${why}`));
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => give(`did not end within ${timeoutMs / 1_000} s`), timeoutMs);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].on("data", (piece: Buffer) => {
        output.bytes += piece.length;
        if (output.bytes > outputBytesMax) give("says too much");
        else output[name].push(piece);
      });
    }
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`${program} cannot be started: ${error.message}`));
    });
    child.on("close", (status) => {
      clearTimeout(timer);
      const text = (name: "stdout" | "stderr") => Buffer.concat(output[name]).toString();
      resolve({ status: status ?? undefined, stdout: text("stdout"), stderr: text("stderr") });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
    return promise;
  }

  /** As run; what does not end well is an Error too. Resolves with what it printed. */
  async demand(program: string, args: readonly string[], options: ToolOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run(program, args, options);
    if (status === 0) return stdout;
    throw new Error(`${program} failed: ${(stderr.trim() || `exit ${status}`).slice(0, stderrShown)}`);
  }

  /** A program that stays. */
  start(
    program: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): ChildProcessWithoutNullStreams {
    const [command = program, ...rest] = [...this.#prefix, program, ...args];
    return spawn(command, rest, { env: { ...this.#environment, ...environment }, stdio: ["pipe", "pipe", "pipe"] });
  }
}
